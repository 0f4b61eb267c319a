"""What tests share: a real PostgreSQL, and a fresh district in it.

`dsn` is a database of this test process, registry migrated. `district` is an empty district in it.
Tests marked `storage` run on the embedded server and on Debian's PostgreSQL 15.
BIHUAN_TEST_DATABASE_URL names another server to use instead (its user must create databases).
"""

import gc
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from app.migrate import upgrade
from eventlog.database import Database
from tests.support.reuse import Districts
from tests.support.servers import debian15_server, embedded_server

FOLDER = "BIHUAN_TEST_FOLDER"
OTHER_SERVER = "BIHUAN_TEST_DATABASE_URL"

Servers = Callable[[str], str]


def pytest_configure(config: pytest.Config) -> None:
    # A run that was started in the background ignores Ctrl-C, and so would all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Hundreds of processes are started: whatever the machine prefers, each module compiles once.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # The workers of one run inherit this folder, and so share one server.
    if not hasattr(config, "workerinput"):
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="bihuan-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ[FOLDER], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The long ones first: begun last, one of them would leave the other process idle.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    # Thousands of collected tests live to the end; the collector need not look at them again.
    gc.collect()
    gc.freeze()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marked = any(metafunc.definition.iter_markers("storage"))
    if marked and "server" in metafunc.fixturenames:
        metafunc.parametrize("server", ["embedded", "debian15"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def servers(worker_id: str) -> Generator[Servers]:
    """Start servers when first asked for; each gives this process a migrated database."""
    with ExitStack() as running:
        known: dict[str, str] = {}

        def database_of(server: str) -> str:
            if server not in known:
                known[server] = make_database(_start(server, running), f"test_{worker_id}")
            return known[server]

        yield database_of


def _start(server: str, running: ExitStack) -> str:
    if server == "debian15":
        return running.enter_context(debian15_server())
    other = os.environ.get(OTHER_SERVER)
    data = Path(os.environ[FOLDER]) / "data"
    return other or running.enter_context(embedded_server(data))


def make_database(dsn: str, name: str) -> str:
    """Create a database (in place of an older one) with the registry, return its address."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(drop.format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    database = make_conninfo(dsn, dbname=name)
    upgrade(database)
    return database


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> str:
    """Name the server: `embedded`, or `debian15` in the second run of tests marked `storage`."""
    return str(getattr(request, "param", "embedded"))


@pytest.fixture(scope="session")
def dsn(server: str, servers: Servers) -> str:
    """Return the address of this test process's database."""
    return servers(server)


@pytest.fixture
def empty_dsn(server: str, servers: Servers, worker_id: str) -> str:
    """Return the address of a database in which nothing was migrated yet."""
    name = f"empty_{worker_id}"
    with psycopg.connect(servers(server), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    return make_conninfo(servers(server), dbname=name)


@pytest.fixture(scope="session")
def districts_of() -> Callable[[str], Districts]:
    """Return the store of empty districts of a database."""
    return cache(Districts)


@pytest.fixture
def district(dsn: str, districts_of: Callable[[str], Districts]) -> Generator[Database]:
    """Return an empty district; its schema may have served a test before."""
    districts = districts_of(dsn)
    schema = districts.take()
    database = Database(dsn, schema)
    yield database
    database.close()
    districts.give(schema)


@pytest.fixture
def fresh_district(dsn: str, districts_of: Callable[[str], Districts]) -> Generator[Database]:
    """Return a district whose tables no test has touched, where their size on disk matters."""
    districts = districts_of(dsn)
    schema = districts.create()
    database = Database(dsn, schema)
    yield database
    database.close()
    districts.drop(schema)
