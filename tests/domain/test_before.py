"""So much before a due, months, and starts that roll to the next opening."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.due import (
    Budget,
    Cutoff,
    NoOpening,
    Unit,
    UnitMismatch,
    before,
    consumed,
    due,
    opening,
    parse_budget,
    reached,
    threshold,
)
from domain.errors import NaiveTime
from tests.support.counting import CUTOFFS, MOMENTS, unhurried
from tests.support.moments import at, local, pauses
from workflows.calendars import load_shipped

OFFICE = load_shipped("cn-office")


@pytest.mark.parametrize(
    ("until", "budget", "expected"),
    [
        ("2026-10-08 10:00", "1wh", "2026-10-08 09:00"),
        ("2026-10-08 10:00", "2wh", "2026-09-30 17:00"),
        ("2026-10-08 15:00", "1wh", "2026-10-08 14:00"),
        ("2026-10-08 12:00", "3wh", "2026-10-08 09:00"),
        ("2026-10-08 13:00", "1wm", "2026-10-08 11:59"),
        ("2026-10-09 18:00", "1wd", "2026-10-08 18:00"),
        ("2026-10-08 18:00", "2wd", "2026-09-29 18:00"),
        ("2026-10-08 10:00", "1wd", "2026-09-30 18:00"),
        ("2026-10-09 20:00", "1wd", "2026-10-08 18:00"),
        ("2026-10-04 10:00", "1wd", "2026-09-30 18:00"),
        ("2026-10-08 10:00", "24nh", "2026-10-07 10:00"),
        ("2026-10-08 18:00", "3nd", "2026-10-05 18:00"),
        ("2026-03-31 18:00", "1month", "2026-02-28 18:00"),
        ("2026-01-15 18:00", "13month", "2024-12-15 18:00"),
    ],
)
def test_so_much_before_a_moment(until: str, budget: str, expected: str) -> None:
    assert local(before(at(until), parse_budget(budget), OFFICE)) == f"{expected}:00"


def test_days_before_end_at_the_clocks_cutoff() -> None:
    moment = before(at("2026-10-09 23:59:59"), Budget(1, Unit.wd), OFFICE, Cutoff.end_of_day)
    assert local(moment) == "2026-10-08 23:59:59"


@unhurried
@given(MOMENTS, st.integers(1, 200 * 60), st.sampled_from([Unit.wh, Unit.nh]))
def test_from_the_latest_moment_before_exactly_the_budget_is_left(
    until: datetime, minutes: int, unit: Unit
) -> None:
    budget = Budget(0, unit, minutes)
    moment = before(until, budget, OFFICE)
    assert consumed(moment, until, unit, OFFICE) == budget.size
    assert consumed(moment + timedelta(seconds=1), until, unit, OFFICE) == budget.size - 1


@unhurried
@given(MOMENTS, st.integers(1, 40), st.integers(1, 40), CUTOFFS)
def test_days_before_a_due_in_working_days_are_when_so_many_are_left(
    start: datetime, days: int, left: int, cutoff: Cutoff
) -> None:
    falls = due(start, Budget(days + left, Unit.wd), OFFICE, cutoff).at
    moment = before(falls, Budget(left, Unit.wd), OFFICE, cutoff)
    assert moment == reached(start, days, Unit.wd, OFFICE, cutoff).at


def test_there_is_nothing_before_the_first_year() -> None:
    for unit in Unit:
        with pytest.raises(NoOpening):
            before(at("0001-01-03 10:00"), Budget(999, unit), OFFICE)


def test_a_moment_without_an_offset_is_refused() -> None:
    naive = datetime(2026, 9, 30, 17)  # noqa: DTZ001 # the point of the test
    with pytest.raises(NaiveTime):
        before(naive, Budget(1, Unit.wh), OFFICE)


# ── Months ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("start", "budget", "expected"),
    [
        ("2026-06-10 10:00", "1month", "2026-07-10 18:00"),
        ("2026-01-31 10:00", "1month", "2026-02-28 18:00"),  # a make-up workday
        ("2024-01-31 10:00", "1month", "2024-02-29 18:00"),
        ("2026-07-01 20:00", "3month", "2026-10-08 18:00"),  # rolled over the National Day
        ("2026-10-31 10:00", "1month", "2026-11-30 18:00"),
        ("2025-11-30 10:00", "12month", "2026-11-30 18:00"),
    ],
)
def test_months_end_on_the_same_day_number_or_the_last_day(
    start: str, budget: str, expected: str
) -> None:
    assert local(due(at(start), parse_budget(budget), OFFICE).at) == f"{expected}:00"


def test_months_grow_by_months_and_pause_by_whole_days() -> None:
    start, month = at("2026-03-31 10:00"), Budget(1, Unit.month)
    assert local(due(start, month, OFFICE, extensions=[month]).at) == "2026-06-01 18:00:00"
    part = pauses("2026-04-13 00:01", "2026-04-14 23:59")
    whole = pauses("2026-04-13 10:00", "2026-04-20 10:00")  # six whole days
    assert local(due(start, month, OFFICE, pauses=part).at) == "2026-04-30 18:00:00"
    assert local(due(start, month, OFFICE, pauses=whole).at) == "2026-05-06 18:00:00"
    with pytest.raises(UnitMismatch):
        due(start, month, OFFICE, extensions=[Budget(30, Unit.nd)])


def test_used_months_are_whole_months() -> None:
    start = at("2026-01-31 10:00")
    moments = ["2026-02-27 18:00", "2026-02-28 18:00", "2026-03-30 18:00", "2026-03-31 18:00"]
    assert [consumed(start, at(moment), Unit.month, OFFICE) for moment in moments] == [0, 1, 1, 2]


def test_a_share_of_months_is_one_of_their_days() -> None:
    start, budget = at("2026-06-10 10:00"), Budget(1, Unit.month)  # 30 days
    assert local(threshold(start, budget, 50, OFFICE).at) == "2026-06-25 18:00:00"
    assert local(threshold(start, budget, 51, OFFICE).at) == "2026-06-26 18:00:00"
    assert threshold(start, budget, 100, OFFICE) == due(start, budget, OFFICE)


def test_months_beyond_the_calendar_of_people_are_refused() -> None:
    with pytest.raises(NoOpening):
        due(at("2026-06-10 10:00"), parse_budget("999999month"), OFFICE)


# ── Starts off working hours ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("start", "budget", "plain", "rolled"),
    [
        ("2026-10-17 10:00", "1wd", "2026-10-19 18:00", "2026-10-20 18:00"),  # Saturday
        ("2026-10-16 18:00", "1wd", "2026-10-19 18:00", "2026-10-20 18:00"),  # closing time
        ("2026-10-16 08:00", "1wd", "2026-10-19 18:00", "2026-10-19 18:00"),  # opens that day
        ("2026-10-16 17:59:59", "1wd", "2026-10-19 18:00", "2026-10-19 18:00"),
        ("2026-10-17 10:00", "2nd", "2026-10-19 18:00", "2026-10-21 18:00"),
        ("2026-10-17 10:00", "1month", "2026-11-17 18:00", "2026-11-19 18:00"),
        ("2026-10-17 10:00", "4wh", "2026-10-19 15:00", "2026-10-19 15:00"),
        ("2026-10-16 20:00", "2nh", "2026-10-16 22:00", "2026-10-19 11:00"),
    ],
)
def test_a_start_off_hours_may_roll_to_the_next_opening(
    start: str, budget: str, plain: str, rolled: str
) -> None:
    limit = parse_budget(budget)
    assert local(due(at(start), limit, OFFICE).at) == f"{plain}:00"
    falls = due(at(start), limit, OFFICE, roll=True)
    assert local(falls.at) == f"{rolled}:00"
    assert threshold(at(start), limit, 100, OFFICE, roll=True) == falls
    assert due(opening(at(start), OFFICE), limit, OFFICE) == falls


@unhurried
@given(MOMENTS)
def test_the_next_opening_is_the_first_open_second(moment: datetime) -> None:
    opened = opening(moment, OFFICE)
    assert opened >= moment
    assert consumed(moment, opened, Unit.wh, OFFICE) == 0
    assert consumed(opened, opened + timedelta(seconds=1), Unit.wh, OFFICE) == 1
