"""Timers: the table is the plans of open clocks, and what it holds happens once, in time."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Role
from domain.case import Case
from domain.commands import Act
from domain.errors import Refusal
from eventlog.database import Database
from eventlog.runner import Runner, lag
from projections.rebuild import rebuild_beside
from projections.tables import BUILD
from tests.support import districts as d
from tests.support import given as g
from tests.support import stories as s
from tests.support.moves import Drawn, attempt, sequences
from tests.support.schemas import dump as schema_of
from tests.support.timed import (
    ACCEPTED,
    URGENT,
    Timed,
    engine_on,
    open_clocks,
    planned,
    points,
    run,
    table,
)
from workflows.timers.claims import CLAIM, LONGEST, SETTINGS, Claims
from workflows.timers.table import TimerTable
from workflows.timers.worker import Worker, caller

START = d.START


def test_what_time_brings_happens_once_each_at_its_own_time(district: Database) -> None:
    async def story(timed: Timed) -> None:
        case = await timed.reported(*URGENT)
        before = await timed.engine.case(case)
        timed.later(days=1, seconds=1)
        expected = points(before, timed.clock.now)
        assert {name for *_, name in expected} == {
            *("threshold:50%", "threshold:80%", "threshold:2wh", "breach", "rung:1", "rung:2")
        }
        assert await timed.work() > 0
        assert timed.happened(case) == expected
        planned_at = {
            (clock.name, point.name): point.at for clock in before.clocks for point in clock.plan
        }
        for fact in timed.facts(case, f.ThresholdReached, f.EscalationRaised):
            assert isinstance(fact, f.ThresholdReached | f.EscalationRaised)
            name = fact.threshold if isinstance(fact, f.ThresholdReached) else fact.rung
            sort = "threshold" if isinstance(fact, f.ThresholdReached) else "rung"
            assert fact.effective_at == planned_at[fact.clock, f"{sort}:{name}"]
            assert fact.detected_at == timed.clock.now
        assert (timed.worker.tally.fired, timed.worker.tally.late) == (6, 4)
        assert await timed.work() == 0
        assert timed.happened(case) == expected
        assert timed.rows() == planned(await timed.engine.case(case))

    run(district, story)


def test_nothing_happens_a_second_before_its_time(district: Database) -> None:
    async def story(timed: Timed) -> None:
        case = await timed.reported()
        first = min(
            point.at for clock in (await timed.engine.case(case)).clocks for point in clock.plan
        )
        timed.clock.now = first - timedelta(seconds=1)
        assert await timed.work() == 0
        timed.later(seconds=1)
        assert await timed.work() == 1
        assert sum(timed.happened(case).values()) == 1

    run(district, story)


def test_a_recurring_reminder_never_replays_what_it_missed(district: Database) -> None:
    async def story(timed: Timed) -> None:
        case = await timed.reported(*URGENT)
        timed.later(days=10)
        await timed.work()
        reminders = [
            fact
            for fact in timed.facts(case, f.EscalationRaised)
            if isinstance(fact, f.EscalationRaised) and fact.step == "remind"
        ]
        assert len(reminders) == 1
        again = reminders[0].again
        assert again is not None
        assert again.at > timed.clock.now
        timed.clock.now = again.at
        await timed.work()
        assert timed.happened(case)["handling", "", 1, 1, "rung:3"] == 2

    run(district, story)


def test_a_pause_leaves_only_its_end_in_the_table_and_that_comes_by_itself(
    district: Database,
) -> None:
    async def story(timed: Timed) -> None:
        case = await timed.reported(*URGENT)
        until = START + timedelta(days=8)
        asked = {"reason_code": "awaiting_parties", "until": until.isoformat(), "evidence": "函"}
        steps = (
            (Role.DEPARTMENT_OFFICER, d.WATER, "request_suspension", asked),
            (Role.SUPERVISOR, None, "grant_suspension", {"request": 1}),
        )
        for role, unit, action, data in steps:
            who = replace(d.caller(role, unit), client=role.value)  # one asks, another grants
            await timed.engine.act(case, Act(action=action, data=data), who)
        timed.follow()
        held = {row[5] for row in timed.rows() if row[1] == "handling"}
        assert held == {"resume:awaiting_parties"}
        assert {row[6] for row in open_clocks(district) if row[1] == "handling"} == {"paused"}
        timed.clock.now = until
        await timed.work()
        clock = (await timed.engine.case(case)).clock("handling")
        assert clock is not None
        assert (clock.status, clock.generation) == ("running", 2)
        assert {row[6] for row in timed.rows() if row[1] == "handling"} == {2}
        assert {row[6] for row in open_clocks(district) if row[1] == "handling"} == {"running"}

    run(district, story)


NOTICE = f.NoticeIssued(
    clock="total",
    scope="",
    cycle=1,
    sequence=1,
    notice=1,
    cause="rung:1",
    step="notify",
    covers=("rung:1",),
    recipient=f.Recipient("supervisor", None),
    acknowledge=f.Point("acknowledge:1", s.at(90)),
)
PLAN = (f.Point("threshold:80%", s.at(50)), f.Point("breach", s.at(99)))


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_what_comes_after_the_end_of_a_clock_brings_nothing_back(
    district: Database, batch: int
) -> None:
    teller = s.Teller()
    told = [s.reported(), s.started(s.at(99), plan=PLAN), s.stopped(s.at(60), s.at(99)), NOTICE]
    s.store(district, [[teller.tell("a", fact, s.at(0))] for fact in told])
    _follow(district, batch=batch)
    assert (table(district), open_clocks(district)) == (set(), set())


@pytest.mark.parametrize("batch", [1, 100])
def test_a_signature_that_is_awaited_is_a_point_until_it_is_given(
    district: Database, batch: int
) -> None:
    teller = s.Teller()
    told: list[f.Fact] = [s.reported(), s.started(s.at(99), plan=PLAN), NOTICE]
    s.store(district, [[teller.tell("a", fact, s.at(0))] for fact in told])
    _follow(district, batch=batch)
    assert {row[5] for row in table(district)} == {"threshold:80%", "breach", "acknowledge:1"}
    signed = f.NoticeAcknowledged(clock="total", scope="", cycle=1, sequence=1, notice=1, by="k")
    s.store(district, [[teller.tell("a", signed, s.at(1))]])
    _follow(district, batch=batch)
    assert {row[5] for row in table(district)} == {"threshold:80%", "breach"}


def _follow(database: Database, *, batch: int = 2000) -> None:
    runner = Runner(database, [TimerTable()], batch=batch)
    while runner.run_once():
        pass
    assert [(one.behind, one.state) for one in runner.lags()] == [(0, "live")]
    runner.close()


@pytest.fixture
def founded(district: Database) -> Database:
    async def found() -> None:
        async with d.district_engine(district):
            pass

    asyncio.run(found())
    return district


@given(sequences)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_whatever_happens_the_table_is_the_plans_of_all_open_clocks(
    founded: Database, drawn: Drawn
) -> None:
    asyncio.run(_law(founded, drawn))


async def _law(database: Database, drawn: Drawn) -> None:
    kind, moves = drawn
    clock = d.Hands()
    async with engine_on(database.dsn, database.schema, clock) as engine:
        timed = Timed(database, clock, engine)
        told = g.report(kind, unit=d.GRID)
        case = (await engine.report(told, d.caller(Role.INTEGRATOR))).case
        for number, move in enumerate(moves):
            timed.later(seconds=move.seconds)
            actor, act = attempt(case, move, partial(engine.world, case))
            who = replace(d.caller(actor.role, actor.unit), client=actor.role.value)
            with suppress(Refusal):
                case = (await engine.act(case.id, act, who)).case
            if number % 3 == 2:
                await timed.work()
            elif number % 3:
                _follow(database, batch=1 + number)
            timed.follow()
            case = await engine.case(case.id)
            assert _mine(table(database), case) == planned(case)
            assert _mine(open_clocks(database), case) == _open(case)
        await timed.work()
        case = await engine.case(case.id)
        assert not planned(case, engine.now())
        assert all(row[-1] > engine.now() for row in _mine(table(database), case))
        await timed.close()


def _mine(rows: set[tuple[Any, ...]], case: Case) -> set[tuple[Any, ...]]:
    return {row for row in rows if row[0] == case.id}


def _open(case: Case) -> set[tuple[Any, ...]]:
    return {
        (
            case.id,
            *clock.instance,
            clock.generation,
            clock.status,
            clock.calendar,
            clock.calendar_version,
            clock.due,
        )
        for clock in case.open_clocks
    }


def test_rebuilding_from_the_log_gives_the_same_table_schema_and_claims(
    district: Database,
) -> None:
    async def story(timed: Timed) -> None:
        for _ in range(3):
            await timed.reported(*URGENT)
            await timed.reported()
        timed.later(days=1)
        await timed.work()
        rows, clocks = timed.rows(), open_clocks(district)
        assert len(rows) > 12
        with district.connect() as connection:
            schema = schema_of(connection, district.schema)
            connection.execute("UPDATE timer SET at = at + interval '1 day' WHERE point = 'breach'")
            connection.execute("DELETE FROM timer WHERE point LIKE 'rung%'")
        rebuild_beside(district, TimerTable(), TimerTable(suffix=BUILD), batch=7)
        assert (timed.rows(), open_clocks(district)) == (rows, clocks)
        with district.connect() as connection:
            assert schema_of(connection, district.schema) == schema
            assert [(one.name, one.behind) for one in lag(connection)] == [("timers@1", 0)]
        # The worker's statements were prepared on the tables that are gone.
        timed.later(days=1)
        assert await timed.work() > 0
        assert timed.standing().overdue == 0

    run(district, story)


def test_a_case_that_cannot_be_settled_becomes_an_incident_and_harms_no_other(
    district: Database,
) -> None:
    async def story(timed: Timed) -> None:
        poisoned, healthy = await timed.reported(), await timed.reported()
        timed.follow()
        timed.later(hours=7)
        _break(district, poisoned)
        timed.engine._cache.clear()  # noqa: SLF001 - as after a restart
        await timed.worker.step()
        assert {name for *_, name in timed.happened(healthy)} == {"threshold:80%", "breach"}
        assert {row[0] for row in timed.incidents()} == {poisoned}
        assert {row[4].partition(" ")[0] for row in timed.incidents()} == {"UnknownFact"}
        assert timed.standing().incidents == timed.standing().overdue == len(timed.incidents())
        assert timed.standing().age(timed.clock.now) > 0
        rests: list[int] = []
        for _ in range(13):
            (row, *_rest) = timed.incidents()
            rests.append(row[3])
            assert await timed.worker.step() == 0
            timed.later(seconds=row[3])
            assert await timed.worker.step() > 0
        assert rests == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]
        _mend(district, poisoned)
        timed.later(seconds=600)
        await timed.work()
        assert timed.incidents() == []
        assert {name for *_, name in timed.happened(poisoned)} == {"threshold:80%", "breach"}
        assert timed.standing().overdue == 0

    run(district, story)


def _break(database: Database, case: str) -> None:
    _rename(database, case, "case-reported", "never-heard-of")


def _mend(database: Database, case: str) -> None:
    _rename(database, case, "never-heard-of", "case-reported")


def _rename(database: Database, case: str, before: str, after: str) -> None:
    with database.connect() as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_insert_only")
        query = "UPDATE event SET type = %s WHERE stream_id = %s AND type = %s"
        assert connection.execute(query, (after, case, before)).rowcount == 1
        connection.execute("ALTER TABLE event ENABLE TRIGGER event_insert_only")


def test_many_poisoned_cases_do_not_keep_the_others_waiting(district: Database) -> None:
    async def story(timed: Timed) -> None:
        poisoned = [await timed.reported() for _ in range(4)]
        timed.later(seconds=1)
        healthy = await timed.reported()
        timed.follow()
        timed.later(hours=7)
        for case in poisoned:
            _break(district, case)
        timed.engine._cache.clear()  # noqa: SLF001 - as after a restart
        worker = Worker(timed.engine, limit=2)
        for _ in range(6):
            await worker.step()
        await worker.close()
        assert timed.happened(healthy)
        assert {row[0] for row in timed.incidents()} == set(poisoned)

    run(district, story)


def test_an_incident_of_a_point_that_was_moved_or_is_gone_is_forgotten(district: Database) -> None:
    async def story(timed: Timed) -> None:
        case = await timed.reported()
        timed.follow()
        timed.later(hours=7)
        _break(district, case)
        timed.engine._cache.clear()  # noqa: SLF001 - as after a restart
        await timed.worker.step()
        assert timed.incidents()
        assert await timed.worker.step() == 0
        with district.connect() as connection:  # another moment is another point
            connection.execute("UPDATE timer SET at = at - interval '1 minute'")
        assert await timed.worker.step() > 0
        _mend(district, case)
        accepted = d.caller(Role.COMMUNITY_OFFICER, d.COMMUNITY)
        await timed.engine.act(case, Act(action="accept"), accepted)
        timed.follow()
        assert timed.standing().incidents == 0
        timed.worker._claims.tidy()  # noqa: SLF001 - what it does once a minute
        assert timed.incidents() == []

    run(district, story)


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=1)])
def test_a_clock_that_jumps_ahead_and_back_doubles_and_loses_nothing(
    district: Database, jump: timedelta
) -> None:
    async def story(timed: Timed) -> None:
        case = await timed.reported(*URGENT)
        before = await timed.engine.case(case)
        end = START + timedelta(days=1, hours=2)
        while timed.clock.now < end:
            timed.clock.now += jump
            await timed.work()
            timed.clock.now -= jump
            assert await timed.work() == 0
            timed.later(minutes=47)
            await timed.work()
        # What was planned from the start; signatures were asked for on the way.
        furthest = points(before, timed.clock.now - timedelta(minutes=47) + jump)
        found = timed.happened(case)
        assert Counter({one: n for one, n in found.items() if "acknow" not in one[4]}) == furthest
        assert max(found.values()) == 1
        assert timed.incidents() == []
        assert timed.rows() == planned(await timed.engine.case(case))

    run(district, story)


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=1)])
def test_a_clock_set_back_while_rows_are_claimed_leaves_them_for_later(
    district: Database, jump: timedelta
) -> None:
    async def story(timed: Timed) -> None:
        case = await timed.reported()
        timed.follow()
        rows = timed.rows()
        timed.later(hours=7)
        claims = timed.worker._claims  # noqa: SLF001 - the clock moves between two of its steps
        claimed = claims.claim(timed.engine.now(), timed.engine.real(), 10)
        assert claimed
        timed.clock.now -= max(jump, timedelta(hours=7))
        batch = await timed.worker._settle(claimed)  # noqa: SLF001 - see above
        claims.finish(batch.done, batch.failed, timed.engine.real())
        assert (batch.done, batch.failed) == ([], [])
        assert (timed.rows(), timed.incidents()) == (rows, [])
        timed.clock.now = START + timedelta(hours=7)
        await timed.work()
        assert timed.happened(case) == Counter(
            {
                ("acceptance", "", 1, 1, "threshold:80%"): 1,
                ("acceptance", "", 1, 1, "breach"): 1,
            }
        )

    run(district, story)


def test_a_clock_set_back_does_not_make_failures_rest_for_ever(district: Database) -> None:
    async def story(timed: Timed) -> None:
        case = await timed.reported()
        timed.follow()
        timed.later(days=2)
        _break(district, case)
        timed.engine._cache.clear()  # noqa: SLF001 - as after a restart
        await timed.worker.step()
        _mend(district, case)
        timed.clock.now -= timedelta(days=1)
        await timed.work()
        assert timed.incidents() == []
        assert timed.happened(case)

    run(district, story)


def test_a_claim_goes_by_the_index_whatever_the_statistics_say(fresh_district: Database) -> None:
    fill = """
        INSERT INTO timer SELECT gen_random_uuid(), 'total', '', 1, 1, 'breach', 1,
            '2026-10-12T00:00:00Z'::timestamptz + n * interval '1 second'
        FROM generate_series(1, 20000) n
    """
    values = {"now": START, "real": START, "latest": START + LONGEST, "limit": 200}
    with fresh_district.connect() as connection:
        connection.execute(SETTINGS, ("0", "0"))
        for statement in ("SELECT 1", fill, "ANALYZE timer"):
            connection.execute(statement.encode())
            found = connection.execute(f"EXPLAIN {CLAIM}".encode(), values).fetchall()
            lines = "\n".join(line for (line,) in found)
            assert "Index Scan using timer_at" in lines
            assert "timer_incident_key" in lines
            assert "Sort" not in lines
            assert "Seq Scan" not in lines


def test_the_same_point_always_asks_under_the_same_key_and_another_under_another(
    district: Database,
) -> None:
    async def story(timed: Timed) -> None:
        for _ in range(2):
            await timed.reported(*ACCEPTED)
        timed.follow()
        timed.later(days=90)
        claims = Claims(district)
        rows = claims.claim(timed.engine.now(), timed.engine.real(), 100)
        claims.close()
        assert len(rows) > 2
        keys = [caller(row).key for row in rows]
        assert len(set(keys)) == len(rows)
        assert keys == [caller(row).key for row in rows]

    run(district, story)


def test_a_worker_that_runs_fires_in_time_and_stops_when_told(district: Database) -> None:
    async def story(timed: Timed) -> None:
        case = await timed.reported()
        timed.follow()
        task = asyncio.create_task(timed.worker.run())
        await asyncio.sleep(0.05)
        assert not timed.happened(case)
        timed.later(hours=7)
        async with asyncio.timeout(5):
            while timed.standing().overdue:  # noqa: ASYNC110 - the table tells nobody
                await asyncio.sleep(0.02)
        timed.worker.stop()
        await asyncio.wait_for(task, 2)
        assert timed.worker.tally.fired == 2
        assert timed.worker.tally.late == 2
        assert timed.standing().overdue == 0

    run(district, story)
