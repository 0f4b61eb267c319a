"""Two workers on one district, stepped by hand: nothing twice, nothing lost; and what would fail.

Each race stands beside the break that it catches.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest

from domain import facts as f
from domain.actor import Role
from domain.commands import Act, Settle
from eventlog.database import Database
from eventlog.runner import Runner
from tests.support import districts as d
from tests.support.log import NO_REPLAY, await_blocked, break_append
from tests.support.timed import URGENT, Timed, another_engine, planned, points, run
from workflows.engine import Caller, Engine, Outcome
from workflows.timers import claims as claims_module
from workflows.timers.claims import Claims, Due
from workflows.timers.table import TimerTable
from workflows.timers.worker import Batch, Worker

Race = Callable[[Timed, Worker], Awaitable[None]]
NO_CONFLICT = (
    "HAVING min(w.version) - 1 <> coalesce(h.version, least(min(w.version) - 1, 0))",
    "HAVING false",
)
NO_LOCK = "FOR UPDATE OF t SKIP LOCKED"
"""What makes a claim a claim."""


def two(database: Database, race: Race) -> None:
    """Tell a story of two workers, each with an engine, a cache and connections of its own."""

    async def story(timed: Timed) -> None:
        async with another_engine(timed) as engine:
            other = Worker(engine)
            try:
                await race(timed, other)
            finally:
                await other.close()

    run(database, story)


async def claim(worker: Worker, limit: int = 200) -> list[Due]:
    """Let a worker hold what is due, and go no further."""
    engine = worker._engine  # noqa: SLF001 - the race is between two steps of it
    await engine.current()
    return _claims(worker).claim(engine.now(), engine.real(), limit)


async def settle(worker: Worker, rows: Sequence[Due]) -> Batch:
    """Let a worker append what the rows bring, and go no further."""
    return await worker._settle(rows)  # noqa: SLF001 - see above


def finish(worker: Worker, batch: Batch) -> None:
    """Let a worker take its rows off the table."""
    real = worker._engine.real()  # noqa: SLF001 - see above
    _claims(worker).finish(batch.done, batch.failed, real)


def die(worker: Worker) -> None:
    """End a worker's connection, as a kill does: what it held is given back."""
    _claims(worker).close()


def _claims(worker: Worker) -> Claims:
    return worker._claims  # noqa: SLF001 - see above


async def overdue(timed: Timed) -> str:
    """Return a case of which the first two points are due."""
    case = await timed.reported()
    timed.follow()
    timed.later(hours=7)
    return case


def test_what_one_worker_holds_the_other_passes_by(district: Database) -> None:
    async def race(timed: Timed, other: Worker) -> None:
        await overdue(timed)
        held = await claim(timed.worker, 1)
        assert len(held) == 1
        rest = await claim(other)
        assert len(rest) == 1
        assert rest != held
        finish(timed.worker, await settle(timed.worker, held))
        finish(other, await settle(other, rest))
        timed.follow()
        assert timed.standing().overdue == 0

    two(district, race)


def test_without_the_row_lock_both_would_hold_the_same(
    district: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims_module, "CLAIM", claims_module.CLAIM.replace(NO_LOCK, ""))

    async def race(timed: Timed, other: Worker) -> None:
        await overdue(timed)
        assert await claim(timed.worker) == await claim(other) != []

    two(district, race)


async def dies_after_append(timed: Timed, other: Worker) -> str:
    """Kill a worker between its facts and its rows; another one, with a stale cache, follows."""
    case = await overdue(timed)
    await other._engine.case(case)  # noqa: SLF001 - it knows the case from before
    rows = await claim(timed.worker)
    await settle(timed.worker, rows)
    die(timed.worker)
    assert await claim(other) == rows
    finish(other, await settle(other, rows))
    return case


def test_a_death_between_the_facts_and_the_rows_is_absorbed(district: Database) -> None:
    async def race(timed: Timed, other: Worker) -> None:
        case = await dies_after_append(timed, other)
        assert max(timed.happened(case).values()) == 1
        assert timed.standing().overdue == 0
        assert timed.incidents() == []
        assert other.tally.fired == 0
        timed.follow()
        assert timed.rows() == planned(await timed.engine.case(case))

    two(district, race)


@pytest.mark.parametrize("kept", [NO_REPLAY[0], NO_CONFLICT], ids=["version", "command-id"])
def test_the_version_and_the_command_id_each_absorb_it_alone(
    district: Database, kept: tuple[str, str]
) -> None:
    break_append(district, kept)

    async def race(timed: Timed, other: Worker) -> None:
        case = await dies_after_append(timed, other)
        assert max(timed.happened(case).values()) == 1
        assert timed.incidents() == []

    two(district, race)


def test_without_either_the_second_worker_would_run_into_the_first_one(district: Database) -> None:
    break_append(district, NO_REPLAY[0], NO_CONFLICT)

    async def race(timed: Timed, other: Worker) -> None:
        await dies_after_append(timed, other)
        assert {row[4].partition(" ")[0] for row in timed.incidents()} == {"UniqueViolation"}

    two(district, race)


def test_a_death_before_the_facts_gives_everything_back(district: Database) -> None:
    async def race(timed: Timed, other: Worker) -> None:
        case = await overdue(timed)
        rows = await claim(timed.worker)
        die(timed.worker)
        assert timed.happened(case) == {}
        assert await claim(other) == rows
        finish(other, await settle(other, rows))
        assert len(timed.happened(case)) == 2

    two(district, race)


def test_rows_deleted_before_their_facts_would_be_lost_with_the_worker(district: Database) -> None:
    async def race(timed: Timed, other: Worker) -> None:
        case = await overdue(timed)
        rows = await claim(timed.worker)
        finish(timed.worker, Batch(rows, []))  # the wrong order
        die(timed.worker)
        assert await claim(other) == []
        assert timed.happened(case) == {}

    two(district, race)


async def resumes_elsewhere(timed: Timed, other: Worker) -> str:
    """Let one engine know a case only as it stood still, and let its worker find it running."""
    case = await timed.reported(*URGENT)
    until = timed.clock.now + timedelta(days=9)
    asked = {"reason_code": "awaiting_parties", "until": until.isoformat(), "evidence": "函"}
    ask = Act(action="request_suspension", data=asked)
    await timed.engine.act(case, ask, d.caller(Role.DEPARTMENT_OFFICER, d.WATER))
    grant = Act(action="grant_suspension", data={"request": 1})
    await timed.engine.act(case, grant, _as(Role.SUPERVISOR))
    await other._engine.case(case)  # noqa: SLF001 - as it stands still
    timed.later(minutes=10)
    lead = d.caller(Role.DEPARTMENT_OFFICER, d.WATER)
    await timed.engine.act(case, Act(action="resume", data={}), lead)
    timed.follow()
    timed.later(days=2)
    timed.worker, other = other, timed.worker
    await timed.work()
    timed.worker, other = other, timed.worker
    return case


def _as(role: Role, unit: str | None = None) -> Caller:
    """Return somebody else than who asked."""
    caller = d.caller(role, unit)
    return Caller(actor=caller.actor, client=role.value, key=caller.key, digest=caller.digest)


def test_a_stale_cache_never_loses_a_point(district: Database) -> None:
    async def race(timed: Timed, other: Worker) -> None:
        case = await resumes_elsewhere(timed, other)
        assert timed.happened(case)["handling", "", 1, 1, "breach"] == 1
        assert timed.rows() == planned(await timed.engine.case(case))

    two(district, race)


def test_going_by_the_cache_alone_would_lose_it(
    district: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Engine.settle

    async def by_the_cache(engine: Engine, case_id: str, caller: Caller) -> Outcome:
        held = engine._cache.get(case_id)  # noqa: SLF001 - the break is about it
        if held is None:
            return await right(engine, case_id, caller)
        outcome = await engine._attempt(Settle(), held, caller)  # noqa: SLF001 - see above
        return outcome or await right(engine, case_id, caller)

    monkeypatch.setattr(Engine, "settle", by_the_cache)

    async def race(timed: Timed, other: Worker) -> None:
        case = await resumes_elsewhere(timed, other)
        assert timed.happened(case)["handling", "", 1, 1, "breach"] == 0
        assert timed.rows() != planned(await timed.engine.case(case))

    two(district, race)


async def reminds_while_the_fold_follows(timed: Timed, *, locked: bool) -> set[str]:
    """Let the fold take in a reminder before the worker deletes its row; return what is planned."""
    case = await timed.reported(*URGENT)
    timed.later(days=3)
    await timed.work()
    clock = (await timed.engine.case(case)).clock("handling")
    assert clock is not None
    timed.clock.now = next(point.at for point in clock.plan if point.name == "rung:3")
    rows = [row for row in await claim(timed.worker) if row.point == "rung:3"]
    batch = await settle(timed.worker, rows)
    following = threading.Thread(target=timed.follow)
    following.start()
    if locked:
        await asyncio.to_thread(await_blocked, timed.database)
    else:
        await asyncio.to_thread(following.join)
    finish(timed.worker, batch)
    await asyncio.to_thread(following.join)
    assert timed.happened(case)["handling", "", 1, 1, "rung:3"] == 2
    return {row[5] for row in timed.rows() if row[1] == "handling"}


def test_the_next_reminder_survives_the_deletion_of_the_last_one(district: Database) -> None:
    async def race(timed: Timed, _: Worker) -> None:
        assert "rung:3" in await reminds_while_the_fold_follows(timed, locked=True)

    two(district, race)


def test_without_a_lock_the_moment_of_the_point_would_save_it(
    district: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims_module, "CLAIM", claims_module.CLAIM.replace(NO_LOCK, ""))

    async def race(timed: Timed, _: Worker) -> None:
        assert "rung:3" in await reminds_while_the_fold_follows(timed, locked=False)

    two(district, race)


def test_without_either_the_next_reminder_would_be_lost(
    district: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims_module, "CLAIM", claims_module.CLAIM.replace(NO_LOCK, ""))
    blind = claims_module.DELETE.replace("t.generation, t.at)", "t.generation)")
    blind = blind.replace("w.generation, w.at)", "w.generation)")
    assert blind != claims_module.DELETE
    monkeypatch.setattr(claims_module, "DELETE", blind)

    async def race(timed: Timed, _: Worker) -> None:
        assert "rung:3" not in await reminds_while_the_fold_follows(timed, locked=False)

    two(district, race)


def test_two_workers_at_full_speed_beside_the_fold_do_everything_once(district: Database) -> None:
    async def race(timed: Timed, other: Worker) -> None:
        cases = [await timed.reported(*URGENT) for _ in range(25)]
        before = [await timed.engine.case(case) for case in cases]
        timed.follow()
        timed.later(days=1, seconds=1)
        one, two_ = Worker(timed.engine, limit=7), Worker(other._engine, limit=5)  # noqa: SLF001
        stop = threading.Event()
        runner = Runner(district, [TimerTable()], poll=0.01)
        following = threading.Thread(target=runner.run, args=(stop,))
        following.start()
        tasks = [asyncio.create_task(worker.run()) for worker in (one, two_)]
        try:
            async with asyncio.timeout(60):
                while timed.standing().overdue:  # noqa: ASYNC110 - the table tells nobody
                    await asyncio.sleep(0.05)
        finally:
            for worker in (one, two_):
                worker.stop()
            await asyncio.gather(*tasks)
            stop.set()
            await asyncio.to_thread(following.join)
        timed.follow()
        for case, then in zip(cases, before, strict=True):
            assert timed.happened(case) == points(then, timed.clock.now)
            told = [
                (fact.recipient, fact.cause)
                for fact in timed.facts(case, f.NoticeIssued)
                if isinstance(fact, f.NoticeIssued)
            ]
            assert len(told) == len(set(told))
        assert timed.incidents() == []
        after = [planned(await timed.engine.case(case)) for case in cases]
        assert timed.rows() == set().union(*after)
        assert one.tally.fired
        assert two_.tally.fired

    two(district, race)
