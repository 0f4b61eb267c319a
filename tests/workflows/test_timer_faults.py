"""Timers under faults: kill -9 of worker and database, an older copy restored, days of downtime.

Each clock then has exactly the facts it should: every point that came, once, at its own time.
`BIHUAN_TEST_DOWNTIME` says how many timers are due after the downtime (10000 in the long run).
"""

import asyncio
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import sql
from psycopg.conninfo import make_conninfo

from api.services import DistrictServices
from app import embedded
from app.migrate import create_district
from app.settings import Settings
from app.timers import end, worker_of
from app.wiring import Site, open_site
from benchmarks.crash import _kill_postgres
from domain import facts as f
from domain.actor import Role
from domain.case import Case
from domain.commands import Act
from eventlog.database import Database
from eventlog.reader import read_stream
from tests.support import districts as d
from tests.support.commands import begun, eventually
from tests.support.timed import (
    URGENT,
    Happening,
    Timed,
    engine_on,
    happened,
    planned,
    points,
    run,
    table,
)
from workflows.administration import found, import_directory, set_trial_clock
from workflows.outages import approve, declare
from workflows.timers.claims import Claims, Due, standing
from workflows.timers.worker import Worker

CODE: Final = "610327"
STOPS_WITHIN: Final = 10.0

# What a worker is made to do to itself, by the point at which it does it.
DEATHS: Final = """
import os, signal, sys
from workflows.engine import Engine
from workflows.timers import claims

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def after(owner, name):
    right = getattr(owner, name)
    def wrong(*given):
        result = right(*given)
        if result is None or result:
            die()
        return result
    setattr(owner, name, wrong)

async def settle(engine, case, caller, right=Engine.settle):
    await right(engine, case, caller)
    die()

def finish(self, done, failed, real):
    self.connect().execute(claims.DELETE, claims._columns(done))
    die()

match sys.argv.pop(1):
    case "claimed":
        after(claims.Claims, "claim")
    case "appended":
        Engine.settle = settle
    case "deleted":
        claims.Claims.finish = finish
    case "finished":
        after(claims.Claims, "finish")
from app.cli import main
main()
"""
POINTS: Final = ("claimed", "appended", "deleted", "finished")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Site, Path]]:
    """A server of its own, which may be killed, with a trial district."""
    data = tmp_path_factory.mktemp("timers") / "var"
    with open_site(Settings(data=data)) as opened:
        create_district(opened.dsn, CODE)

        async def prepare(services: DistrictServices) -> None:
            await found(services.engine, CODE, "演示县", trial=True)
            await import_directory(services.engine, d.UNITS)

        with opened.open(CODE) as services:
            asyncio.run(prepare(services))
        yield opened, data


async def make_due(services: DistrictServices) -> list[tuple[str, Counter[Happening]]]:
    """Make cases, set the clock three days ahead; return what will have happened to each."""
    engine = services.engine
    await engine.refresh()
    timed = Timed(services.database, d.Hands(), engine)
    cases = [await timed.reported(*steps) for steps in (URGENT, URGENT, (), ())]
    moment = engine.now() + timedelta(days=3)
    # Where it is night now, some of it comes at once, with the next thing that somebody does.
    due = [(one, timed.happened(one) + points(await engine.case(one), moment)) for one in cases]
    await set_trial_clock(engine, moment)
    await timed.close()
    return due


def all_done(services: DistrictServices) -> bool:
    """Whether the table has taken in the whole log, and nothing in it is due."""
    query = "SELECT l.position - c.position FROM checkpoint c, ledger l WHERE c.name = 'timers@1'"
    try:
        with services.database.connection() as connection:
            behind = connection.execute(query).fetchone()
            return behind == (0,) and not standing(connection, services.engine.now()).overdue
    except psycopg.OperationalError:
        return False  # it is away, or this connection is one from before the kill


def check(services: DistrictServices, due: Sequence[tuple[str, Counter[Happening]]]) -> None:
    """Check that each case has exactly the facts it should, and the table what is left."""
    timed = Timed(services.database, d.Hands(), services.engine)
    for case, expected in due:
        facts = timed.facts(case)
        assert happened(facts) == expected
        assert max(expected.values()) == 1
        after = asyncio.run(services.engine.case(case))
        mine = {row for row in table(services.database) if row[0] == case}
        assert mine == planned(after)
    with services.database.connection() as connection:
        count = connection.execute("SELECT count(*) FROM timer_incident").fetchone()
    assert count == (0,)
    asyncio.run(timed.close())


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_any_point_leaves_all_to_the_next_one(
    site: tuple[Site, Path], point: str
) -> None:
    opened, data = site
    words = ("work", "--district", CODE, "--data", data)
    with opened.open(CODE, following=True) as services:
        due = asyncio.run(make_due(services))
        killed = begun(*words, program=(sys.executable, "-c", DEATHS, point))
        killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL
        fired = any(_facts(services, case) == expected for case, expected in due)
        assert fired == (point != "claimed")
        if point != "finished":
            eventually(lambda: _claimable(services))
        working = begun(*words)
        assert working.stderr is not None
        assert "正在执行" in working.stderr.readline()
        try:
            eventually(lambda: all_done(services), seconds=60)
        finally:
            asked = time.monotonic()
            working.send_signal(signal.SIGTERM)
            _, said = working.communicate(timeout=60)
        assert working.returncode == 0, said
        assert time.monotonic() - asked < STOPS_WITHIN
        assert "已停止" in said
        check(services, due)


def _facts(services: DistrictServices, case: str) -> Counter[Happening]:
    with services.database.connection() as connection:
        return happened([record.fact for record in read_stream(connection, case)])


def _claimable(services: DistrictServices) -> bool:
    """Whether nobody holds a row of the table any more."""
    query = "SELECT 1 FROM timer FOR UPDATE NOWAIT"
    with services.database.connection() as connection, suppress(psycopg.errors.LockNotAvailable):
        connection.execute(query)
        return True
    return False


class Killing:
    """Kills PostgreSQL at a point of a worker's first batch, and brings it back."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.killed = threading.Event()

    def __call__(self) -> None:
        if self.killed.is_set():
            return
        self.killed.set()
        _kill_postgres(self._data)
        embedded.start(self._data).stop()

    def patch(self, point: str, patch: pytest.MonkeyPatch) -> None:
        """Let the point be reached by whoever works in this process."""
        right_claim, right_finish, right_settle = Claims.claim, Claims.finish, Worker._settle  # noqa: SLF001 - between its steps

        def claim(claims: Claims, now: datetime, real: datetime, limit: int) -> list[Due]:
            found = right_claim(claims, now, real, limit)
            if found:
                self()
            return found

        async def settle(worker: Worker, rows: Sequence[Due]) -> object:
            batch = await right_settle(worker, rows)
            await asyncio.to_thread(self)
            return batch

        def finish(
            claims: Claims, done: Sequence[Due], failed: Sequence[tuple[Due, str]], real: datetime
        ) -> None:
            right_finish(claims, done, failed, real)
            self()

        match point:
            case "claimed":
                patch.setattr(Claims, "claim", claim)
            case "appended":
                patch.setattr(Worker, "_settle", settle)
            case _:
                patch.setattr(Claims, "finish", finish)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["claimed", "appended", "finished"])
def test_a_database_killed_at_any_point_makes_a_worker_wait_and_go_on(
    site: tuple[Site, Path], point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, data = site
    killing = Killing(data)
    with opened.open(CODE, following=True) as services:

        async def story() -> list[tuple[str, Counter[Happening]]]:
            due = await make_due(services)
            killing.patch(point, monkeypatch)
            worker = worker_of(services)
            working = asyncio.create_task(worker.run())
            async with asyncio.timeout(90):
                await asyncio.to_thread(killing.killed.wait)
                while not await asyncio.to_thread(all_done, services):  # noqa: ASYNC110 - the table tells nobody
                    await asyncio.sleep(0.1)
            # What was lost with the connection may have left incidents; they clear themselves.
            await asyncio.sleep(0.3)
            await end([(worker, working)])
            return due

        due = asyncio.run(story())
        assert killing.killed.is_set()
        check(services, due)


def test_a_restored_older_copy_fires_what_is_due_exactly_once_in_the_restored_log(
    empty_dsn: str,
) -> None:
    schema = create_district(empty_dsn, CODE)
    clock = d.Hands()

    async def lived() -> list[Case]:
        before: list[Case] = []

        async def story(timed: Timed) -> None:
            cases = [await timed.reported(*URGENT) for _ in range(3)]
            before.extend([await timed.engine.case(case) for case in cases])
            timed.follow()

        await _told(empty_dsn, schema, clock, story, new=True)
        return before

    async def fired(dsn: str) -> dict[str, Counter[Happening]]:
        found: dict[str, Counter[Happening]] = {}

        async def story(timed: Timed) -> None:
            await timed.work()
            found.update({case.id: timed.happened(case.id) for case in before})
            assert timed.incidents() == []
            after = [planned(await timed.engine.case(case.id)) for case in before]
            assert timed.rows() == set().union(*after)

        await _told(dsn, schema, clock, story)
        return found

    before = asyncio.run(lived())
    clock.now += timedelta(days=1, seconds=1)
    early = _copy(empty_dsn, "early")
    first = asyncio.run(fired(empty_dsn))
    assert first == {case.id: points(case, clock.now) for case in before}
    late = _copy(empty_dsn, "late")
    # Restored: the log is as it was before anything fired, and the time is later still.
    assert asyncio.run(fired(early)) == first
    # Restored: everything had fired by then.
    assert asyncio.run(fired(late)) == first


async def _told(
    dsn: str,
    schema: str,
    clock: d.Hands,
    story: Callable[[Timed], object],
    *,
    new: bool = False,
) -> None:
    """Tell a story in a district by an engine that begins here."""
    async with engine_on(dsn, schema, clock) as engine:
        if new:
            await found(engine, CODE, "演示县", trial=True)
            await import_directory(engine, d.UNITS)
        timed = Timed(engine.database, clock, engine)
        try:
            told = story(timed)
            assert asyncio.iscoroutine(told)
            await told
        finally:
            await timed.close()


def _copy(dsn: str, name: str) -> str:
    """Copy a database that nobody is connected to."""
    source = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    copy = f"{source}_{name}"
    with psycopg.connect(make_conninfo(dsn, dbname="postgres"), autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(drop.format(sql.Identifier(copy)))
        make = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(make.format(sql.Identifier(copy), sql.Identifier(str(source))))
    return make_conninfo(dsn, dbname=copy)


def test_after_three_working_days_of_downtime_each_clock_has_exactly_its_facts(
    district: Database,
) -> None:
    wanted = int(os.environ.get("BIHUAN_TEST_DOWNTIME", "500"))

    async def story(timed: Timed) -> None:
        ids: list[str] = []
        probe = await timed.engine.case(await timed.reported(*URGENT))
        noon = timed.clock.now + timedelta(days=3, seconds=1)  # from Monday to Thursday
        each = sum(points(probe, noon).values())
        assert each == 7
        while len(ids) * each < wanted:
            ids += await asyncio.gather(*[timed.reported(*URGENT) for _ in range(50)])
        before = [await timed.engine.case(case) for case in [probe.id, *ids]]
        timed.follow()
        timed.clock.now = noon
        assert timed.standing().overdue == len(before) * each >= wanted
        assert timed.standing().age(noon) > 2 * 86_400
        await timed.work()
        for case in before:
            _exactly(timed, case)
        assert (timed.standing().overdue, timed.incidents()) == (0, [])
        assert timed.rows() == set().union(
            *[planned(await timed.engine.case(case.id)) for case in before]
        )
        with district.connect() as connection:
            row = connection.execute("SELECT count(*) FROM command WHERE client = 'timer'")
            assert row.fetchone() == (len(before),)  # one each, whatever there was to tell

    run(district, story)


def _exactly(timed: Timed, before: Case) -> None:
    """Check one case after the downtime: what, in which order, when, and one digest a recipient."""
    facts = timed.facts(before.id)
    assert happened(facts) == points(before, timed.clock.now)
    sorts = f.ThresholdReached | f.DeadlineBreached | f.EscalationRaised
    came = [fact for fact in facts if isinstance(fact, sorts)]
    assert [fact.effective_at for fact in came] == sorted(fact.effective_at for fact in came)
    assert {fact.detected_at for fact in came} == {timed.clock.now}
    for fact in came:
        if isinstance(fact, f.DeadlineBreached):
            assert fact.effective_at == fact.due
        if isinstance(fact, f.EscalationRaised) and fact.again is not None:
            assert fact.again.at > timed.clock.now
    told = [fact for fact in facts if isinstance(fact, f.NoticeIssued)]
    assert len({fact.recipient for fact in told}) == len(told) > 0
    covered = [name for fact in told for name in fact.covers]
    assert len(covered) == len(set(covered))


@pytest.mark.parametrize("worker_first", [True, False])
@pytest.mark.parametrize(("seconds", "met"), [(-3600, True), (0, True), (1, False)])
def test_a_paper_completion_registered_after_an_outage_leaves_the_facts_it_should(
    district: Database,
    seconds: int,
    met: bool,  # noqa: FBT001 - whether it was in time
    worker_first: bool,  # noqa: FBT001 - who came first after the outage
) -> None:
    async def story(timed: Timed) -> None:
        case = await timed.reported(*URGENT)
        began = timed.clock.now
        clock = (await timed.engine.case(case)).clock("handling")
        assert clock is not None
        timed.later(days=2)
        for step, client in ((declare, "one"), (approve, "two")):
            caller = replace(d.caller(Role.SUPERVISOR), client=client)
            if step is declare:
                await declare(timed.engine, began, timed.clock.now, "断电", caller)
            else:
                await approve(timed.engine, 1, caller)
        if worker_first:
            await timed.work()
        evidence = {"evidence": "纸质记录 17 号"}
        done = clock.due + timedelta(seconds=seconds)
        act = Act(action="claim_completion", data=evidence, occurred_at=done)
        water = d.caller(Role.DEPARTMENT_OFFICER, d.WATER)
        await timed.engine.act(case, act, water)
        await timed.work()
        mine = [
            fact.TYPE
            for fact in timed.facts(case, f.DeadlineBreached, f.BreachRetracted, f.ClockStopped)
            if isinstance(fact, f.ClockFact) and fact.clock == "handling"
        ]
        breach = [] if met and not worker_first else ["deadline-breached"]
        retracted = ["breach-retracted"] if met and worker_first else []
        assert sorted(mine) == sorted([*breach, "clock-stopped", *retracted])
        after = (await timed.engine.case(case)).clock("handling")
        assert after is not None
        assert (after.stopped_at, after.breached_at is None) == (done, met)
        assert not [row for row in timed.rows() if row[1] == "handling"]

    run(district, story)
