"""What a new version of a calendar does to open clocks, and whose calendar a clock counts by."""

import asyncio
import json
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Role
from domain.commands import Act
from domain.due import SHANGHAI
from domain.errors import Collision, UnknownCalendar, UnknownUnit
from eventlog.database import Database
from eventlog.reader import read_head
from tests.support import calendars as c
from tests.support import districts as d
from tests.support.timed import ACCEPTED, Steps, Timed, run
from workflows.calendar_office import assign, plan, publish, today_of
from workflows.calendars import load_shipped, shipped
from workflows.open_clocks import BEGINNING, older_than_newest, page
from workflows.recounts import Move, Preview, Recounted, recount
from workflows.reference import Reference

OFFICE = load_shipped("cn-office")


def at(day: str, hour: str = "09:00") -> datetime:
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(hour), SHANGHAI)


async def load(
    timed: Timed, *contents: dict[str, Any], effective_from: date | None = None
) -> list[Move]:
    """Publish, and count again; what moved is what the preview had said."""
    engine = timed.engine
    made = plan(await engine.refresh(), today_of(engine), contents, effective_from=effective_from)
    timed.follow()
    preview = Preview(engine, made)
    moves = sorted(preview, key=lambda move: (move.case, move.clock, move.scope))
    assert preview.failures == []
    await publish(engine, made)
    counted = await recount(engine, made.name, follow=timed.follow)
    assert counted.failures == []
    assert counted.changed == len({move.case for move in moves})
    timed.follow()
    for move in moves:
        (found,) = [
            one
            for one in rescheduled(timed, move.case)[-len(moves) :]
            if (one.clock, one.scope, one.calendar_version)
            == (move.clock, move.scope, made.calendar.version)
        ]
        assert (found.previous_due, found.due) == (move.before, move.after)
        assert (found.provisional, found.compressed) == (move.provisional_after, move.compressed)
    return moves


def rescheduled(timed: Timed, case: str) -> list[f.ClockRescheduled]:
    found = timed.facts(case, f.ClockRescheduled)
    return [fact for fact in found if isinstance(fact, f.ClockRescheduled)]


def dues(moves: list[Move]) -> dict[str, tuple[datetime, datetime]]:
    return {
        move.clock: (move.before.astimezone(SHANGHAI), move.after.astimezone(SHANGHAI))
        for move in moves
    }


ASSISTED: Steps = (
    *ACCEPTED,
    (Role.COMMUNITY_OFFICER, d.COMMUNITY, "grade", {"severity": "general", "urgency": "normal"}),
    (Role.DISPATCHER, None, "dispatch", {"lead": d.WATER, "assisting": [d.HOUSING]}),
)
END = timedelta(hours=14, minutes=59, seconds=59)
"""From 09:00 to the last second of the day."""


def test_a_notice_moves_exactly_the_dues_it_should(district: Database) -> None:
    async def story(timed: Timed) -> None:
        timed.clock.now = at("2026-11-20")
        soon = await timed.reported()
        timed.clock.now = at("2026-12-28")
        late = await timed.reported(*ASSISTED)
        done = await timed.reported()
        refused = (
            Role.COMMUNITY_OFFICER,
            d.COMMUNITY,
            "not_accept",
            {"reason_code": "out_of_remit", "reason": "不属于受理范围"},
        )
        await _act(timed, done, refused)
        another = replace(d.caller(Role.DISPATCHER), client="another")
        await timed.engine.act(done, Act(action="confirm_non_acceptance"), another)
        moves = await load(timed, c.notice())
        assert {move.case for move in moves} == {soon, late}
        assert dues([move for move in moves if move.case == soon]) == {
            # 30 working days from 20 November: New Year's Day is one of them no more.
            "total": (at("2027-01-01") + END, at("2027-01-04") + END),
        }
        assert dues([move for move in moves if move.case == late]) == {
            # From 28 December: 1 January and five days of February, less two Sundays.
            "total": (at("2027-02-08") + END, at("2027-02-15") + END),
            "handling": (at("2027-01-11", "18:00"), at("2027-01-12", "18:00")),
            "assistance": (at("2026-12-30", "18:00"), at("2026-12-30", "18:00")),
        }
        assert not any(move.provisional_after for move in moves)
        assert all(move.provisional_before for move in moves)
        assert rescheduled(timed, done) == []

    run(district, story)


async def _act(timed: Timed, case: str, step: tuple[Role, str | None, str, dict[str, Any]]) -> None:
    role, unit, action, data = step
    await timed.engine.act(case, Act(action=action, data=data), d.caller(role, unit))


def test_what_was_consumed_before_it_took_effect_is_frozen(district: Database) -> None:
    async def story(timed: Timed) -> None:
        timed.clock.now = at("2026-12-28")
        case = await timed.reported(*ACCEPTED)
        timed.clock.now = at("2027-01-06")
        moves = await load(timed, c.notice())
        # 1 January was worked as far as anybody knew, and stays counted.
        assert dues(moves)["total"] == (at("2027-02-08") + END, at("2027-02-14") + END)
        assert moves[0].case == case

    run(district, story)


SATURDAY = "2026-10-17"


def working_saturday() -> dict[str, Any]:
    """A correction of the present year: next Saturday is worked."""
    document = json.loads(json.dumps(shipped()["cn-office"]))
    document["years"]["2026"]["workdays"]["防汛"] = SATURDAY
    return dict(document)


@pytest.mark.parametrize(
    ("now", "due_then", "compressed"),
    [
        (at("2026-10-16", "15:00"), at(SATURDAY, "18:00"), False),
        # Eight working hours from Friday 17:30: 0:30, Saturday's seven, 0:30 on Monday.
        (at("2026-10-16", "17:30"), at("2026-10-19", "09:30"), True),
    ],
)
def test_an_earlier_due_leaves_at_least_eight_working_hours(
    district: Database, now: datetime, due_then: datetime, *, compressed: bool
) -> None:
    async def story(timed: Timed) -> None:
        timed.clock.now = at("2026-10-15", "17:00")
        case = await timed.reported(*ASSISTED)
        timed.clock.now = now
        moves = await load(timed, working_saturday())
        (move,) = [move for move in moves if move.clock == "assistance"]
        assert move.before == at("2026-10-19", "18:00")
        assert (move.after, move.compressed) == (due_then, compressed)
        (clock,) = [
            clock for clock in (await timed.engine.case(case)).clocks if clock.name == "assistance"
        ]
        assert (clock.due, bool(clock.floors)) == (due_then, compressed)

    run(district, story)


def test_a_due_with_less_notice_than_that_left_does_not_move(district: Database) -> None:
    async def story(timed: Timed) -> None:
        timed.clock.now = at("2026-10-15", "17:00")
        await timed.reported(*ASSISTED)
        timed.clock.now = at(SATURDAY, "11:00")
        moves = await load(timed, working_saturday(), effective_from=date(2026, 10, 17))
        # Eight hours from Saturday 11:00 end on Monday at noon; before 18:00, so it does move.
        assert dues(moves)["assistance"][1] == at("2026-10-19", "12:00")

    run(district, story)


def test_a_breach_stands_and_what_is_over_is_never_counted_again(district: Database) -> None:
    async def story(timed: Timed) -> None:
        timed.clock.now = at("2026-12-28")
        case = await timed.reported()
        timed.clock.now = at("2027-02-20")
        await timed.work()
        before = (await timed.engine.case(case)).clocks
        assert all(clock.breached_at for clock in before)
        moves = await load(timed, c.notice(), effective_from=date(2027, 1, 1))
        assert moves == []
        assert (await timed.engine.case(case)).clocks == before

    run(district, story)


def test_the_same_notice_again_does_nothing(district: Database) -> None:
    async def story(timed: Timed) -> None:
        timed.clock.now = at("2026-12-28")
        await timed.reported(*ACCEPTED)
        assert await load(timed, c.notice())
        head = position(timed)
        again = plan(await timed.engine.refresh(), today_of(timed.engine), [c.notice()])
        assert again.unchanged
        assert await recount(timed.engine, "cn-office", follow=timed.follow) == Recounted()
        assert position(timed) == head

    run(district, story)


def position(timed: Timed) -> int:
    with timed.database.connection() as connection:
        return read_head(connection).position


def test_a_recount_that_was_broken_off_goes_on_with_the_rest(district: Database) -> None:
    async def story(timed: Timed) -> None:
        timed.clock.now = at("2026-12-28")
        cases = [await timed.reported(*ACCEPTED) for _ in range(24)]
        engine = timed.engine
        made = plan(await engine.refresh(), today_of(engine), [c.notice()])
        await publish(engine, made)

        def stop(done: int, total: int) -> None:
            assert total == len(cases)
            if done == 5:
                raise RuntimeError("killed")

        with pytest.raises(BaseExceptionGroup):
            await recount(engine, "cn-office", tell=stop, follow=timed.follow, at_once=2)
        counted = [case for case in cases if rescheduled(timed, case)]
        assert 5 <= len(counted) < len(cases)
        rest = await recount(engine, "cn-office", follow=timed.follow)
        # Two were under way: they may still have been stored.
        assert 0 <= len(cases) - len(counted) - rest.examined <= 2
        assert [len(rescheduled(timed, case)) for case in cases] == [1] * len(cases)

    run(district, story)


def test_clocks_that_an_older_engine_starts_meanwhile_are_counted_too(district: Database) -> None:
    async def story(timed: Timed) -> None:
        timed.clock.now = at("2026-12-28")
        first = await timed.reported(*ACCEPTED)
        before = timed.engine.reference
        made = plan(before, today_of(timed.engine), [c.notice()])
        await publish(timed.engine, made)
        know(timed, before)
        other = await timed.reported()
        counted = await recount(timed.engine, "cn-office", follow=timed.follow)
        assert counted.changed == 2
        for case in (first, other):
            assert await versions(timed, case, "total") == [made.calendar.version]

    run(district, story)


def test_a_clock_that_an_older_engine_takes_back_is_counted_once_more(district: Database) -> None:
    async def story(timed: Timed) -> None:
        timed.clock.now = at("2026-12-28")
        case = await timed.reported(*ASSISTED)
        before = timed.engine.reference
        await load(timed, c.notice())
        newest = timed.engine.reference.calendars["cn-office"].version
        for severity in ("major", "general"):
            know(timed, before)
            grade = {"severity": severity, "reason": "涉及多户"}
            await _act(timed, case, (Role.DISPATCHER, None, "regrade", grade))
            assert await versions(timed, case, "handling") == [OFFICE.version]
            counted = await recount(timed.engine, "cn-office", follow=timed.follow)
            assert (counted.examined, counted.changed) == (1, 1)
            assert await versions(timed, case, "handling") == [newest]

    run(district, story)


def know(timed: Timed, reference: Reference) -> None:
    """Let the engine know no more than this, as that of another process does for a second."""
    timed.engine.reference = reference
    timed.engine._refreshed = asyncio.get_running_loop().time() + 60  # noqa: SLF001


async def versions(timed: Timed, case: str, clock: str) -> list[str]:
    """Return by which version a clock of a case is counted."""
    clocks = (await timed.engine.case(case)).open_clocks
    return [one.calendar_version for one in clocks if one.name == clock]


def test_a_clock_that_stands_still_is_looked_at_too(district: Database) -> None:
    async def story(timed: Timed) -> None:
        timed.clock.now = at("2026-12-01")
        case = await timed.reported(*ASSISTED)
        with district.connection() as connection:
            timed.follow()
            # Its due lies before what changes, and yet says nothing while it stands still.
            connection.execute("UPDATE open_clock SET status = 'paused' WHERE clock = 'assistance'")
        made = plan(await timed.engine.refresh(), date(2027, 1, 31), [c.notice()])
        older = older_than_newest(
            timed.engine.reference.almanacs | {(made.name, made.almanac.version): made.almanac},
            made.name,
        )
        ((found, clocks),) = page(district, older, BEGINNING)
        assert found == case
        assert clocks == ["assistance/task:1/1/1/1"]

    run(district, story)


def test_of_two_who_publish_at_once_the_second_must_look_again(district: Database) -> None:
    async def story(timed: Timed) -> None:
        engine = timed.engine
        reference = await engine.refresh()
        one = plan(reference, today_of(engine), [c.notice()])
        other = plan(reference, today_of(engine), [working_saturday()])
        await publish(engine, one)
        with pytest.raises(Collision, match="刚刚有了新版"):
            await publish(engine, other)
        assert engine.reference.calendars["cn-office"].version == one.calendar.version

    run(district, story)


def test_going_back_to_an_older_version_is_a_version_of_its_own(district: Database) -> None:
    async def story(timed: Timed) -> None:
        engine = timed.engine
        for document in (working_saturday(), shipped()["cn-office"]):
            made = plan(await engine.refresh(), today_of(engine), [document])
            assert not made.unchanged
            await publish(engine, made)
        almanac = (await engine.refresh()).calendars["cn-office"]
        assert almanac.version == f"{OFFICE.version}~2"
        assert not almanac.is_workday(date.fromisoformat(SATURDAY))
        assert set(engine.reference.almanacs) >= {
            ("cn-office", OFFICE.version),
            ("cn-office", f"{OFFICE.version}~2"),
        }
        assert plan(engine.reference, today_of(engine), [shipped()["cn-office"]]).unchanged

    run(district, story)


# Units with calendars of their own


def test_a_unit_counts_by_its_own_calendar_or_the_nearest_above(district: Database) -> None:
    async def story(timed: Timed) -> None:
        engine = timed.engine
        reference = await engine.refresh()
        await publish(engine, plan(reference, today_of(engine), [c.document()]))
        assert await assign(engine, "城关镇", "community-hall")
        assert not await assign(engine, "城关镇", "community-hall")
        directory = engine.reference.directory
        found = {
            unit: directory.calendar_of(directory.unit(unit))
            for unit in (d.COUNTY, d.TOWN, d.COMMUNITY, d.GRID, d.OTHER_COMMUNITY)
        }
        assert found == {
            d.COUNTY: None,
            d.TOWN: "community-hall",
            d.COMMUNITY: "community-hall",
            d.GRID: "community-hall",
            d.OTHER_COMMUNITY: None,
        }
        assert await assign(engine, d.COMMUNITY, "cn-office")
        directory = engine.reference.directory
        assert directory.calendar_of(directory.unit(d.GRID)) == "cn-office"
        assert await assign(engine, d.COMMUNITY, None)
        directory = engine.reference.directory
        assert directory.calendar_of(directory.unit(d.GRID)) == "community-hall"

    run(district, story)


def test_a_clock_keeps_the_calendar_it_started_with(district: Database) -> None:
    async def story(timed: Timed) -> None:
        engine = timed.engine
        timed.clock.now = at("2026-10-16")  # a Friday
        before = await timed.reported()
        await publish(engine, plan(await engine.refresh(), today_of(engine), [c.document()]))
        await assign(engine, d.COMMUNITY, "community-hall")
        after = await timed.reported()
        old, new = [
            {clock.name: clock for clock in (await engine.case(case)).clocks}
            for case in (before, after)
        ]
        assert {clock.calendar for clock in old.values()} == {"cn-office"}
        assert {clock.calendar for clock in new.values()} == {"community-hall"}
        # Thirty days on end instead of thirty working days.
        assert new["total"].due == at("2026-11-15") + END
        assert old["total"].due > new["total"].due

    run(district, story)


def test_neither_an_unknown_unit_nor_an_unknown_calendar_is_assigned(district: Database) -> None:
    async def story(timed: Timed) -> None:
        with pytest.raises(UnknownCalendar, match="cn-office"):
            await assign(timed.engine, d.COMMUNITY, "community-hall")
        with pytest.raises(UnknownUnit, match="月球"):
            await assign(timed.engine, "月球", "cn-office")

    run(district, story)
