"""A founded district with many small cases in it, for measurements."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from app import embedded
from app.migrate import create_district, drop_district, upgrade
from domain.actor import Actor, Role
from domain.commands import Act, Import, Report
from eventlog.database import Database
from eventlog.keys import LocalWrapper
from eventlog.reader import read_head
from eventlog.vault import Vault
from workflows.administration import UnitRow, found, import_directory
from workflows.engine import Caller, Engine

COUNTY: Final = "610327000000"
COMMUNITY: Final = "610327100001"
DEPARTMENT: Final = "610327D01"
UNITS: Final = (
    UnitRow(COUNTY, "演示县", "county", None),
    UnitRow("610327100000", "城关镇", "town", COUNTY),
    UnitRow(COMMUNITY, "东街社区", "community", "610327100000"),
    UnitRow("61032710000101", "东街一网格", "grid", COMMUNITY),
    UnitRow(DEPARTMENT, "水务局", "department", COUNTY),
    UnitRow("610327D02", "住建局", "department", COUNTY),
)
MASTER_KEY: Final = bytes(range(32))
# The report and its two clocks are three facts; with these the case has ten.
FURTHER_FACTS: Final = 7
_keys = count(1)
DISPATCHER: Final = Actor(role=Role.DISPATCHER)
IMPORTER: Final = Actor(role=Role.IMPORTER)


def caller(actor: Actor = DISPATCHER, *, client: str = "bench") -> Caller:
    """Return somebody who asks once."""
    key = f"k{next(_keys)}"
    return Caller(actor=actor, client=client, key=key, digest=key.encode().ljust(32))


def recategorise(number: int) -> Act:
    """Return an action without text: one fact, nothing to seal."""
    return Act(action="reclassify", data={"category": f"{number % 90 + 10}"})


def note(number: int) -> Act:
    """Return an action with a text: one fact, one sealed text."""
    return Act(action="note", data={"note": f"第 {number} 次查看现场，路面已清理，围挡仍在。"})


@contextmanager
def server() -> Generator[str]:
    """Start an embedded PostgreSQL of the measurement's own; return its address."""
    with TemporaryDirectory(prefix="bihuan-bench-") as folder, embedded.start(Path(folder)) as own:
        yield own.dsn


@contextmanager
def new_district(dsn: str, district: str) -> Generator[Database]:
    """Create an empty district, drop it afterwards."""
    upgrade(dsn)
    database = Database(dsn, create_district(dsn, district))
    try:
        yield database
    finally:
        database.close()
        drop_district(dsn, district)


def caught_up(database: Database, *, seconds: float = 300.0) -> None:
    """Wait until every ledger has followed the log to its end."""
    query = "SELECT bool_and(c.position = l.position) FROM checkpoint c, ledger l"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with database.connect() as connection:
            row = connection.execute(query).fetchone()
        if row and row[0]:
            return
        time.sleep(0.05)
    raise AssertionError("the ledgers do not catch up")


def position(database: Database) -> int:
    """Return the last position of the log."""
    with database.connect() as connection:
        return read_head(connection).position


def real_clock() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@asynccontextmanager
async def engine_on(
    database: Database,
    district: str,
    *,
    wrapper: LocalWrapper | None = None,
    committed: Callable[[int], None] | None = None,
) -> AsyncGenerator[Engine]:
    """Open an engine on a district; found it first where that was not done."""
    vault = Vault(database, district, wrapper or LocalWrapper(MASTER_KEY))
    engine = Engine(database, district, vault, clock=real_clock, committed=committed)
    try:
        if (await engine.refresh()).district is None:
            await found(engine, district, "演示县", trial=False)
            await import_directory(engine, UNITS)
        yield engine
    finally:
        engine.close()


async def seed(engine: Engine, cases: int, *, at_once: int = 128) -> list[str]:
    """Write cases of ten facts each and return their ids; one append a case."""
    waiting = asyncio.Semaphore(at_once)

    async def one(number: int) -> str:
        async with waiting:
            return (await engine.report(ten_facts(number), caller(IMPORTER))).case.id

    return list(await asyncio.gather(*(one(number) for number in range(cases))))


def ten_facts(number: int) -> Import:
    """Return the past of a case: reported, two clocks started, seven times reclassified."""
    now = real_clock()
    report = Report(
        kind="closed-loop",
        title=f"第 {number} 号井盖破损",
        category="01",
        unit=COMMUNITY,
        occurred_at=now,
    )
    steps = [
        Act(action="reclassify", data={"category": f"{step + 10}"}, occurred_at=now)
        for step in range(FURTHER_FACTS)
    ]
    return Import(report=report, steps=tuple(steps))


async def hammer(
    engine: Engine, cases: Sequence[str], act: Callable[[int], Act], *, clients: int, seconds: float
) -> int:
    """Let clients act on their own cases for a while; return how many actions were stored."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds

    async def client(own: Sequence[str]) -> int:
        done = 0
        while loop.time() < until:
            await engine.act(own[done % len(own)], act(done), caller())
            done += 1
        return done

    shares = [cases[n::clients] for n in range(clients)]
    return sum(await asyncio.gather(*(client(share) for share in shares)))
