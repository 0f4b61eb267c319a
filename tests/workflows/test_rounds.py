"""Rounds that begin by themselves: once, whoever starts them; silence is missed; findings."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from domain.actor import Role
from domain.case import Case
from domain.commands import Act
from domain.errors import ActionUnavailable, NotFound, RoleForbidden
from domain.kind import Recurring
from eventlog.database import Database
from eventlog.reader import read_stream
from eventlog.runner import Runner
from eventlog.streams import part_of, sourced_case
from projections.ledgers.cases import CASES, open_from
from tests.support import districts as d
from workflows.engine import Caller, Engine
from workflows.rounds import SYSTEM, Rounds, period

WEEK = timedelta(days=7)
THIS_WEEK = "2026-W42"
RULE = Recurring(every="week", level="grid", title="排查", calendar="", missed="miss")


def fail(error: BaseException) -> None:
    raise error


def rounds_of(engine: Engine) -> Rounds:
    def still_open() -> list[str]:
        runner = Runner(engine.database, [CASES.tables])
        try:
            while runner.run_once():
                pass
        finally:
            runner.close()
        with engine.database.connection() as connection:
            return open_from(connection, SYSTEM)

    return Rounds(engine, fail, still_open)


def name_of(week: str) -> str:
    return f"screening-round:{d.GRID}:{week}"


def case_of(week: str) -> str:
    return sourced_case(d.DISTRICT, SYSTEM, name_of(week))


def told(database: Database, work: Callable[[Engine, d.Hands], Awaitable[None]]) -> None:
    async def go() -> None:
        clock = d.Hands()
        async with d.district_engine(database, clock=clock) as engine:
            await engine.refresh()
            await work(engine, clock)

    asyncio.run(go())


def act(action: str, **data: object) -> Act:
    return Act(action=action, data=data)


def worker() -> Caller:
    return d.caller(Role.GRID_WORKER, d.GRID)


def test_a_round_begins_in_every_grid_once_a_week_whoever_looks(district: Database) -> None:
    async def work(engine: Engine, clock: d.Hands) -> None:
        first, second = rounds_of(engine), rounds_of(engine)
        assert await first.step() + await second.step() == 1
        case = await engine.case(case_of(THIS_WEEK))
        assert (case.kind, case.stage, case.place) == (
            "screening-round",
            "open",
            engine.reference.directory.unit(d.GRID),
        )
        clock.now += timedelta(days=2)
        assert await first.step() == 0

    told(district, work)


def test_two_processes_that_start_at_once_begin_it_once(district: Database) -> None:
    async def work(engine: Engine, _: d.Hands) -> None:
        begun = await asyncio.gather(*(rounds_of(engine).step() for _ in range(4)))
        assert sum(begun) == 1
        assert (await engine.case(case_of(THIS_WEEK))).version > 0

    told(district, work)


def test_silence_is_missed_when_the_next_week_begins_and_a_report_is_not(
    district: Database,
) -> None:
    async def work(engine: Engine, clock: d.Hands) -> None:
        rounds = rounds_of(engine)
        await rounds.step()
        clock.now += WEEK
        # As after a restart: nothing is remembered.
        assert await rounds_of(engine).step() == 2
        missed = await engine.case(case_of(THIS_WEEK))
        assert (missed.stage, missed.outcome) == ("missed", "missed")
        told = act("zero_report", visited=20, summary="无新增。")
        await engine.act(case_of("2026-W43"), told, worker())
        clock.now += WEEK
        assert await rounds.step() == 1
        assert (await engine.case(case_of("2026-W43"))).stage == "zero_reported"

    told(district, work)


def test_a_week_in_which_nothing_ran_is_not_made_up_for_but_its_round_is_ended(
    district: Database,
) -> None:
    async def work(engine: Engine, clock: d.Hands) -> None:
        await rounds_of(engine).step()
        clock.now += 3 * WEEK
        assert await rounds_of(engine).step() == 2
        assert (await engine.case(case_of(THIS_WEEK))).stage == "missed"
        with pytest.raises(NotFound):
            await engine.case(case_of("2026-W44"))

    told(district, work)


def test_nobody_but_time_misses_a_round(district: Database) -> None:
    async def work(engine: Engine, _: d.Hands) -> None:
        await rounds_of(engine).step()
        with pytest.raises(RoleForbidden):
            await engine.act(case_of(THIS_WEEK), act("miss"), d.caller(Role.ADMIN))

    told(district, work)


def test_a_finding_becomes_a_case_of_its_own_in_the_same_transaction(district: Database) -> None:
    async def work(engine: Engine, _: d.Hands) -> None:
        await rounds_of(engine).step()
        found = act("find", title="井盖破损", description="三号楼前", category="市政设施")
        outcome = await engine.act(case_of(THIS_WEEK), found, worker())
        assert outcome.case.civic.findings == 1
        child = part_of(d.DISTRICT, case_of(THIS_WEEK), 1)
        _told_of(await engine.case(child), outcome.case)
        with engine.database.connection() as connection:
            records = read_stream(connection, child)
            [round_] = read_stream(connection, case_of(THIS_WEEK))[-1:]
        assert {record.recorded_at for record in records} == {round_.recorded_at}
        assert {record.body.kind for record in records} == {engine.reference.active["closed-loop"]}
        nothing = act("zero_report", visited=1, summary="无")
        with pytest.raises(ActionUnavailable):
            await engine.act(case_of(THIS_WEEK), nothing, worker())

    told(district, work)


def _told_of(child: Case, parent: Case) -> None:
    assert child.kind == "closed-loop"
    assert child.number == f"{parent.number}-1"
    assert child.stage == "reported"
    assert child.category == "市政设施"
    assert child.place == parent.place
    assert child.open_clocks


@pytest.mark.parametrize(
    ("every", "name", "tomorrow"),
    [
        ("day", "2026-03-01", "2026-03-02"),
        ("week", "2026-W09", "2026-W10"),
        ("month", "2026-03", "2026-03"),
    ],
)
def test_periods_have_names(every: str, name: str, tomorrow: str) -> None:
    rule = replace(RULE, every=every)
    assert period(rule, date(2026, 3, 1)) == name
    assert period(rule, date(2026, 3, 2)) == tomorrow


def test_a_ledger_that_is_behind_ends_no_round_twice(district: Database) -> None:
    async def work(engine: Engine, clock: d.Hands) -> None:
        await rounds_of(engine).step()
        clock.now += WEEK
        await rounds_of(engine).step()
        asked: list[str] = []

        def still_open() -> list[str]:
            with engine.database.connection() as connection:
                asked.extend(open_from(connection, SYSTEM))
            return asked

        assert await Rounds(engine, fail, still_open).step() == 0
        assert asked == [name_of(THIS_WEEK)]

    told(district, work)
