"""A real server on a loopback port, with a trial district and a key for every role."""

import asyncio
import io
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from api.application import create_app
from api.logs import configure_logs
from api.services import Services
from app.migrate import create_district
from app.wiring import OpenDistricts, Site
from domain.actor import Role
from eventlog.keys import LocalWrapper
from tests.api.house import DISTRICT, MAX_BODY, REAL_DISTRICT, House, Person, Served, fill
from tests.conftest import make_database
from workflows.administration import issue_key


@pytest.fixture(scope="session")
def house(dsn: str, worker_id: str) -> Generator[House]:
    """Serve a district that many tests share; each makes its own cases.

    In a database of its own: a server opens, and follows, every district that there is.
    """
    log = io.BytesIO()
    configure_logs(log)
    dsn = make_database(dsn, f"house_{worker_id}")
    site = Site(dsn, LocalWrapper(bytes(range(32))))
    with ExitStack() as stack:
        for district in (DISTRICT, REAL_DISTRICT):
            create_district(dsn, district)
        secrets = fill(site, DISTRICT, trial=True)
        fill(site, REAL_DISTRICT, trial=False)
        open_districts = OpenDistricts(site)
        stack.callback(open_districts.close)
        app = create_app(Services(open_districts, max_body=MAX_BODY))
        base = stack.enter_context(Served(app))
        served = House(base, secrets, site, log)
        stack.callback(served.close)
        yield served


@pytest.fixture(scope="session")
def real_district(house: House) -> Generator[Person]:
    """Return an administrator of the district that is no trial."""
    with house.site.open(REAL_DISTRICT) as services:
        secret = asyncio.run(issue_key(services.engine, Role.ADMIN, unit=None, name=None)).secret
    person = Person(house.base, secret, REAL_DISTRICT)
    yield person
    person.http.close()
