"""Finding a case as people name it, and reading its facts; what several commands begin with."""

from api.services import DistrictServices
from app.commands.shared import follow
from domain.errors import NotFound
from eventlog.reader import read_stream
from eventlog.records import Record
from eventlog.streams import sourced_case
from projections.ledgers import LEDGERS
from workflows.sight import is_case_id


def case_records(services: DistrictServices, case: str) -> list[Record]:
    """Return the records of a case named by its id, its number, or `system/source number`.

    Raises:
        NotFound: there is no such case.
    """
    system, slash, source_id = case.partition("/")
    if is_case_id(case):
        stream = case
    elif slash:
        stream = sourced_case(services.id, system, source_id)
    else:
        stream = _by_number(services, case)
    with services.database.connection() as connection:
        records = read_stream(connection, stream)
    if not records:
        raise NotFound(what=f"事项 {case}")
    return records


def _by_number(services: DistrictServices, number: str) -> str:
    follow(services)
    with services.database.connection() as connection:
        page = LEDGERS["cases"].page(connection, scope=None, filters={"number": number}, limit=1)
    if not page.items:
        raise NotFound(what=f"事项 {number}")
    return str(page.items[0]["id"])
