"""A district in which time is moved by hand: engines, workers and the fold, each taking a step."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from domain import facts as f
from domain.actor import Role
from domain.case import Case
from domain.commands import Act, Report
from eventlog.database import Database
from eventlog.keys import LocalWrapper
from eventlog.reader import read_stream
from eventlog.runner import Runner
from eventlog.vault import Vault
from tests.support import districts as d
from tests.support.given import OVERRIDE
from workflows.engine import Engine
from workflows.timers.claims import Standing, standing
from workflows.timers.fold import OF_THE_CASE
from workflows.timers.table import TimerTable
from workflows.timers.worker import Worker

Steps = Sequence[tuple[Role, str | None, str, dict[str, Any]]]
ACCEPTED: Steps = ((Role.COMMUNITY_OFFICER, d.COMMUNITY, "accept", {}),)
URGENT: Steps = (
    *ACCEPTED,
    (
        Role.COMMUNITY_OFFICER,
        d.COMMUNITY,
        "grade",
        {"severity": "general", "urgency": "urgent", **OVERRIDE},
    ),
    (Role.DISPATCHER, None, "dispatch", {"lead": d.WATER}),
    (Role.DEPARTMENT_OFFICER, d.WATER, "start_handling", {}),
)
"""Handled within 24 natural hours: warnings, a breach and two rungs come on the second day."""

Happening = tuple[str, str, int, int, str]
"""A clock's instance, and the name of the point that came."""


class Timed:
    """A founded district, its clock, and as many engines and workers as a test asks for."""

    def __init__(self, database: Database, clock: d.Hands, engine: Engine) -> None:
        self.database = database
        self.clock = clock
        self.engine = engine
        self.worker = Worker(engine)
        self._runner = Runner(database, [TimerTable()])

    def follow(self) -> None:
        """Carry the table to the end of the log."""
        while self._runner.run_once():
            pass

    async def close(self) -> None:
        """Give back the connections."""
        await self.worker.close()
        self._runner.close()

    async def reported(self, *steps: tuple[Role, str | None, str, dict[str, Any]]) -> str:
        """Report a case, and take these steps with it, all at this moment."""
        told = Report(kind="closed-loop", title="井盖破损", unit=d.COMMUNITY)
        case = (await self.engine.report(told, d.caller(Role.INTEGRATOR))).case.id
        for role, unit, action, data in steps:
            act = Act(action=action, data=data)
            await self.engine.act(case, act, d.caller(role, unit))
        return case

    async def work(self, worker: Worker | None = None) -> int:
        """Follow and settle until nothing is due any more; return how many rows were claimed."""
        claimed = 0
        while True:
            self.follow()
            step = await (worker or self.worker).step()
            if not step:
                return claimed
            claimed += step

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.clock.now += timedelta(**span)

    def facts(self, case: str, *types: type[f.Fact]) -> list[f.Fact]:
        """Return a case's facts from the log, of these types."""
        with self.database.connection() as connection:
            records = read_stream(connection, case)
        return [one.fact for one in records if not types or isinstance(one.fact, types)]

    def happened(self, case: str) -> Counter[Happening]:
        """Return what time has brought to a case, and how often."""
        return happened(self.facts(case))

    def rows(self) -> set[tuple[Any, ...]]:
        """Return the table."""
        return table(self.database)

    def standing(self) -> Standing:
        """Return where the timers stand now."""
        with self.database.connection() as connection:
            return standing(connection, self.engine.now())

    def incidents(self) -> list[tuple[Any, ...]]:
        """Return the incidents: case, point, attempts, seconds until the next, error."""
        query = """
            SELECT case_id::text, point, attempts,
                   round(extract(epoch FROM retry_at - %s))::int, error
            FROM timer_incident ORDER BY case_id, at, point
        """
        with self.database.connection() as connection:
            return connection.execute(query, (self.engine.real(),)).fetchall()


def happened(facts: Sequence[f.Fact]) -> Counter[Happening]:
    """Return what time has brought, and how often."""
    found: Counter[Happening] = Counter()
    for fact in facts:
        name = _point(fact)
        if name and isinstance(fact, f.ClockFact):
            found[fact.clock, fact.scope, fact.cycle, fact.sequence, name] += 1
        elif isinstance(fact, f.PartyNoticeUnsigned):
            found[*OF_THE_CASE, f"acknowledge:{fact.notice}"] += 1
    return found


def _point(fact: f.Fact) -> str:
    match fact:
        case f.ThresholdReached():
            return f"threshold:{fact.threshold}"
        case f.DeadlineBreached():
            return "breach"
        case f.EscalationRaised():
            return f"rung:{fact.rung}"
        case f.AcknowledgementMissed():
            return f"acknowledge:{fact.notice}"
        case _:
            return ""


def planned(case: Case, until: datetime | None = None) -> set[tuple[Any, ...]]:
    """Return the rows that the table should hold for a case, up to a moment."""
    of_clocks = {
        (case.id, *clock.instance, point.name, clock.generation, point.at)
        for clock in case.open_clocks
        for point in clock.plan
        if until is None or point.at <= until
    }
    return of_clocks | {
        (case.id, *OF_THE_CASE, point.name, 0, point.at)
        for point in awaited(case)
        if until is None or point.at <= until
    }


def awaited(case: Case) -> list[f.Point]:
    """Return until when what people were told (告知) must be signed for."""
    return [one.point for one in case.told if one.point is not None]


def points(case: Case, until: datetime) -> Counter[Happening]:
    """Return what time will have brought to a case by a moment, each once."""
    plans = [(clock.instance, clock.plan) for clock in case.open_clocks]
    plans.append((OF_THE_CASE, tuple(awaited(case))))
    return Counter(
        (*instance, point.name) for instance, plan in plans for point in plan if point.at <= until
    )


def table(database: Database) -> set[tuple[Any, ...]]:
    """Return the rows of the table `timer`."""
    query = """
        SELECT case_id::text, clock, scope, cycle, sequence, point, generation, at FROM timer
    """
    with database.connection() as connection:
        return set(connection.execute(query).fetchall())


def open_clocks(database: Database) -> set[tuple[Any, ...]]:
    """Return the rows of the table `open_clock`."""
    query = """
        SELECT case_id::text, clock, scope, cycle, sequence, generation, status, calendar,
               calendar_version, due FROM open_clock
    """
    with database.connection() as connection:
        return set(connection.execute(query).fetchall())


@asynccontextmanager
async def another_engine(timed: Timed) -> AsyncGenerator[Engine]:
    """Another engine with connections and a cache of its own, as another process has them."""
    async with engine_on(timed.database.dsn, timed.database.schema, timed.clock) as engine:
        yield engine


@asynccontextmanager
async def engine_on(dsn: str, schema: str, clock: Callable[[], datetime]) -> AsyncGenerator[Engine]:
    """Return a fresh engine on a district that was founded before."""
    database = Database(dsn, schema)
    vault = Vault(database, d.DISTRICT, LocalWrapper(bytes(range(32))))
    engine = Engine(database, d.DISTRICT, vault, clock=clock)
    try:
        await engine.refresh()
        yield engine
    finally:
        engine.close()
        database.close()


def run(database: Database, story: Callable[[Timed], Awaitable[None]]) -> None:
    """Tell a story in a founded district."""

    async def tell() -> None:
        clock = d.Hands()
        async with d.district_engine(database, clock=clock) as engine:
            timed = Timed(database, clock, engine)
            try:
                await story(timed)
            finally:
                await timed.close()

    asyncio.run(tell())
