"""A re-division on its day: by itself, once, whoever looks; and gone on with after a crash."""

import asyncio
from datetime import timedelta
from pathlib import Path

from domain import facts as f
from domain.actor import Role
from domain.commands import Act
from domain.errors import Refusal
from domain.world import Draft
from eventlog.database import Database
from eventlog.reader import read_stream
from eventlog.streams import stream_id
from tests.support import districts as d
from tests.support.timed import ACCEPTED, Timed, another_engine, run
from tests.workflows.test_divisions import EAST, TODAY, cases, head, plan
from workflows.divisions import Redivided, carry_out, decree, pending
from workflows.redividing import Redivider
from workflows.unallotted import Unallotted, to_be_allotted

NEXT_WEEK = TODAY + timedelta(days=7)


class Log:
    """What a worker says, and what troubles it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, bool]] = []
        self.troubles: list[BaseException] = []

    def worker(self, timed: Timed) -> Redivider:
        return Redivider(timed.engine, self.troubles.append, self.tell, known=0)

    def tell(self, division: str, result: Redivided, done: bool) -> None:  # noqa: FBT001 - see Told
        self.told.append((division, result.changed, done))


def of_directory(timed: Timed, *types: type[f.Fact]) -> list[f.Fact]:
    with timed.database.connection() as connection:
        records = read_stream(connection, stream_id(timed.engine.district, f.DIRECTORY))
    return [one.fact for one in records if isinstance(one.fact, types)]


async def known(timed: Timed, unit: str) -> None:
    """Wait until a unit stands."""
    for _ in range(200):
        if unit in timed.engine.reference.directory.units:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(unit)


async def holder_of(timed: Timed, case: str) -> str:
    holder = (await timed.engine.case(case)).holder
    assert holder is not None
    return holder.id


def test_on_its_day_and_not_before_it_is_carried_out_by_itself(
    district: Database, tmp_path: Path
) -> None:
    async def story(timed: Timed) -> None:
        log, [in_grid, _, _] = Log(), await cases(timed)
        worker = log.worker(timed)
        await decree(timed.engine, plan(tmp_path, timed, on=NEXT_WEEK))
        before = head(timed)
        timed.later(days=6)
        assert await worker.step() == 0
        assert head(timed) == before, "before its day nothing is written"
        timed.later(days=1)
        assert await worker.step() == 1
        assert await holder_of(timed, in_grid) == EAST
        assert log.told == [("2026-split", 2, True)]
        [done] = of_directory(timed, f.DivisionCarriedOut)
        assert done == f.DivisionCarriedOut(division="2026-split", cases=2, to_allot=1)
        after = head(timed)
        assert await worker.step() == 0
        assert head(timed) == after
        assert log.troubles == []

    run(district, story)


def test_several_processes_carry_it_out_once(district: Database, tmp_path: Path) -> None:
    async def story(timed: Timed) -> None:
        log, found = Log(), await cases(timed)
        await decree(timed.engine, plan(tmp_path, timed, on=NEXT_WEEK))
        timed.later(days=7)
        async with another_engine(timed) as other_engine:
            other = Redivider(other_engine, log.troubles.append, log.tell, known=0)
            await asyncio.gather(*(one.step() for one in (log.worker(timed), other)))
        assert log.troubles == []
        assert len(of_directory(timed, f.UnitDissolved)) == 1
        assert len(of_directory(timed, f.UnitEstablished, f.UnitChanged)) == len(d.UNITS) + 3
        assert len(of_directory(timed, f.DivisionCarriedOut)) == 1
        assert [len(timed.facts(one, f.CaseReallotted)) for one in found] == [1, 1, 0]
        assert [len(timed.facts(one, f.UnitsSucceeded)) for one in found] == [1, 1, 0]

    run(district, story)


def test_what_a_process_left_when_it_died_the_next_one_finds(
    district: Database, tmp_path: Path
) -> None:
    async def story(timed: Timed) -> None:
        engine, log = timed.engine, Log()
        found = [await timed.reported(*ACCEPTED) for _ in range(3)]
        wanted = plan(tmp_path, timed)
        assert await decree(engine, wanted)
        await engine.reallot(found[0], wanted.division, d.caller(Role.ADMIN))
        assert pending(engine.reference.directory, TODAY) == [wanted], "it died here"
        assert await log.worker(timed).step() == 1
        assert log.told == [("2026-split", 2, True)]
        assert [len(timed.facts(case, f.CaseReallotted)) for case in found] == [1, 1, 1]
        assert pending((await engine.refresh()).directory, TODAY) == []

    run(district, story)


def test_one_carried_out_by_hand_is_left_alone(district: Database, tmp_path: Path) -> None:
    async def story(timed: Timed) -> None:
        log, wanted = Log(), plan(tmp_path, timed)
        await cases(timed)
        await decree(timed.engine, wanted)
        assert (await carry_out(timed.engine, wanted.division)).changed == 2
        assert await log.worker(timed).step() == 0
        assert (await carry_out(timed.engine, wanted.division)).changed == 0
        assert len(of_directory(timed, f.DivisionCarriedOut)) == 1
        assert log.told == []

    run(district, story)


def test_a_worker_that_is_told_to_stop_says_nothing_is_done(
    district: Database, tmp_path: Path
) -> None:
    async def story(timed: Timed) -> None:
        log = Log()
        [in_grid, _, _] = await cases(timed)
        await decree(timed.engine, plan(tmp_path, timed, on=NEXT_WEEK))
        timed.later(days=7)
        stopping = Redivider(timed.engine, log.troubles.append, log.tell, known=30)
        task = asyncio.create_task(stopping.run())
        await known(timed, EAST)
        stopping.stop()
        await asyncio.wait_for(task, 10)
        assert log.told == [("2026-split", 0, False)]
        assert of_directory(timed, f.DivisionCarriedOut) == []
        assert await log.worker(timed).step() == 1
        assert await holder_of(timed, in_grid) == EAST

    run(district, story)


def test_a_decree_that_no_longer_makes_a_tree_is_told_and_left_for_a_while(
    district: Database, tmp_path: Path
) -> None:
    async def story(timed: Timed) -> None:
        log, engine = Log(), timed.engine
        await decree(engine, plan(tmp_path, timed, on=NEXT_WEEK))
        late = f.UnitEstablished(
            unit="late", code="late", name="新网格", level="grid", parent=d.COMMUNITY
        )
        stream = stream_id(engine.district, f.DIRECTORY)
        await engine.record(f.DIRECTORY, stream, [Draft(late, engine.now())], d.caller(Role.ADMIN))
        timed.later(days=7)
        worker = log.worker(timed)
        assert [await worker.step(), await worker.step()] == [0, 0]
        [trouble] = log.troubles
        assert isinstance(trouble, Refusal)
        assert "新网格" in str(trouble)
        assert of_directory(timed, f.UnitDissolved) == []

    run(district, story)


def test_the_list_reads_on_and_leaves_out_what_was_allotted_or_has_ended(
    district: Database, tmp_path: Path
) -> None:
    async def story(timed: Timed) -> None:
        engine, listed = timed.engine, Unallotted()
        found = [await timed.reported() for _ in range(3)]
        assert listed.cases(engine) == []
        wanted = plan(tmp_path, timed)
        await decree(engine, wanted)
        assert listed.cases(engine) == []
        await carry_out(engine, wanted.division)
        assert [one.id for one in listed.cases(engine)] == sorted(found)
        allot = Act(action="allot", data={"place": d.GRID})
        await engine.act(found[0], allot, d.caller(Role.DISPATCHER))
        withdraw = Act(action="withdraw", data={"reason": "重复"})
        await engine.act(found[1], withdraw, d.caller(Role.INTEGRATOR))
        assert [one.id for one in listed.cases(engine)] == [found[2]]
        assert [one.id for one in to_be_allotted(engine)] == [found[2]]

    run(district, story)
