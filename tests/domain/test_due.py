"""Due dates: the vectors of clocks.md, the laws, and a naive second implementation."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.almanac import almanac_of
from domain.calendar import Calendar
from domain.due import (
    SHANGHAI,
    BareDuration,
    Budget,
    Cutoff,
    NoOpening,
    Pause,
    PauseNotAllowed,
    Unit,
    UnitMismatch,
    ZeroBudget,
    consumed,
    due,
    parse_budget,
    threshold,
)
from domain.errors import NaiveTime
from domain.wall import to_wall
from tests.support.counting import BUDGETS, CUTOFFS, MOMENTS, UNITS, paused_starts, unhurried
from tests.support.moments import at, local, pauses
from tests.support.second_count import naive_due
from workflows.calendars import load_shipped

OFFICE = load_shipped("cn-office")
END_OF_DAY = Cutoff.end_of_day


@pytest.mark.parametrize(
    ("start", "budget", "paused", "expected"),
    [
        ("2026-09-30 17:00", "4wh", [], "2026-10-08 12:00"),
        ("2026-09-18 17:00", "4wh", [], "2026-09-20 12:00"),
        ("2026-10-08 09:00", "3wh", [], "2026-10-08 12:00"),
        ("2026-10-08 09:00", "181wm", [], "2026-10-08 14:01"),
        ("2026-10-08 20:00", "1wh", [], "2026-10-09 10:00"),
        (
            "2026-10-12 16:00",
            "4wh",
            ["2026-10-12 18:00", "2026-10-13 09:00"],
            "2026-10-13 11:00",
        ),
        (
            "2026-10-12 16:00",
            "4wh",
            ["2026-10-12 17:00", "2026-10-13 10:00"],
            "2026-10-13 15:00",
        ),
        (
            "2026-10-16 16:00",
            "7wh",
            ["2026-10-16 17:00", "2026-10-19 15:00"],
            "2026-10-20 12:00",
        ),
        ("2026-09-24 10:00", "5wd", [], "2026-10-09 18:00"),
        ("2026-10-09 10:00", "1wd", [], "2026-10-10 18:00"),
        ("2026-10-09 20:00", "1wd", [], "2026-10-10 18:00"),
        ("2026-10-12 10:00", "3wd", [], "2026-10-15 18:00"),
        (
            "2026-10-12 10:00",
            "3wd",
            ["2026-10-13 11:00", "2026-10-15 09:00"],
            "2026-10-19 18:00",
        ),
        (
            "2026-10-12 10:00",
            "3wd",
            ["2026-10-13 09:00", "2026-10-13 17:00"],
            "2026-10-15 18:00",
        ),
        ("2026-09-24 10:00", "10nd", [], "2026-10-08 18:00"),
        ("2026-09-30 17:00", "24nh", [], "2026-10-01 17:00"),
        (
            "2026-10-12 09:00",
            "24wh",
            ["2026-10-12 14:00", "2026-10-12 16:00"],
            "2026-10-15 16:00",
        ),
        (
            "2026-10-12 09:00",
            "8wh",
            ["2026-10-12 14:00", "2026-10-12 16:00"],
            "2026-10-13 12:00",
        ),
    ],
)
def test_the_vectors_of_the_design(
    start: str, budget: str, paused: list[str], expected: str
) -> None:
    answer = due(at(start), parse_budget(budget), OFFICE, pauses=pauses(*paused))
    assert local(answer.at) == f"{expected}:00"
    assert answer.at.tzinfo is UTC
    assert not answer.provisional
    assert answer.calendar_version == OFFICE.version


@pytest.mark.parametrize(
    ("reported", "expected"),
    [("2018-12-25", "2019-01-16 23:59:59"), ("2018-03-15", "2018-04-08 23:59:59")],
)
def test_the_cases_from_real_data(reported: str, expected: str) -> None:
    assert local(due(at(reported), Budget(15, Unit.wd), OFFICE, END_OF_DAY).at) == expected


def test_a_threshold_is_counted_through_the_calendar() -> None:
    start, budget = at("2026-09-18 17:00"), Budget(4, Unit.wh)
    assert local(threshold(start, budget, 80, OFFICE).at) == "2026-09-20 11:12:00"
    assert threshold(start, budget, 100, OFFICE) == due(start, budget, OFFICE)
    assert threshold(start, budget, 0, OFFICE).at == start


def test_a_share_that_is_not_whole_is_never_early() -> None:
    start, budget = at("2026-10-12 10:00"), Budget(3, Unit.wd)
    assert local(threshold(start, budget, 67, OFFICE).at) == "2026-10-15 18:00:00"
    assert local(threshold(start, budget, 66, OFFICE).at) == "2026-10-14 18:00:00"


def test_an_extension_adds_budget_in_the_clocks_own_unit() -> None:
    start, paused = at("2026-10-12 16:00"), pauses("2026-10-12 17:00", "2026-10-13 10:00")
    more = [parse_budget("2wh"), parse_budget("30wm")]
    answer = due(start, Budget(4, Unit.wh), OFFICE, pauses=paused, extensions=more)
    assert local(answer.at) == "2026-10-13 17:30:00"
    with pytest.raises(UnitMismatch):
        due(start, Budget(4, Unit.wh), OFFICE, extensions=[Budget(1, Unit.wd)])


def test_overlapping_pauses_count_once() -> None:
    start = at("2026-10-12 09:00")
    twice = pauses("2026-10-12 10:00", "2026-10-12 11:00", "2026-10-12 10:30", "2026-10-12 11:30")
    assert local(due(start, Budget(2, Unit.wh), OFFICE, pauses=twice).at) == "2026-10-12 14:30:00"


def test_a_pause_inside_another_changes_nothing() -> None:
    start, budget = at("2026-10-12 09:00"), Budget(2, Unit.wh)
    outer = pauses("2026-10-12 10:00", "2026-10-12 12:00")
    inner = pauses("2026-10-12 10:30", "2026-10-12 11:00")
    assert due(start, budget, OFFICE, pauses=outer + inner) == due(
        start, budget, OFFICE, pauses=outer
    )


def test_a_pause_must_end_after_it_starts() -> None:
    backwards = pauses("2026-10-12 11:00", "2026-10-12 10:00")
    with pytest.raises(PauseNotAllowed, match="2026-10-12 10:00:00"):
        due(at("2026-10-12 09:00"), Budget(2, Unit.wh), OFFICE, pauses=backwards)


def test_natural_days_pause_by_whole_days_only() -> None:
    start, budget = at("2026-10-12 10:00"), Budget(3, Unit.nd)
    part = pauses("2026-10-13 00:01", "2026-10-14 23:59")
    whole = pauses("2026-10-13 00:00", "2026-10-14 00:01")
    assert local(due(start, budget, OFFICE, pauses=part).at) == "2026-10-15 18:00:00"
    assert local(due(start, budget, OFFICE, pauses=whole).at) == "2026-10-16 18:00:00"


def test_a_paused_clock_in_natural_days_does_not_roll_into_its_pause() -> None:
    paused = pauses("2026-10-06 00:00", "2026-10-09 00:00")
    answer = due(at("2026-09-24 10:00"), Budget(10, Unit.nd), OFFICE, pauses=paused)
    assert local(answer.at) == "2026-10-09 18:00:00"


@pytest.mark.parametrize(
    "text", ["4wh", "15wd", "24nh", "10nd", "181wm", "181nm", "30wm", "3month"]
)
def test_a_budget_reads_as_it_writes(text: str) -> None:
    assert str(parse_budget(text)) == text


def test_minutes_that_make_hours_are_hours() -> None:
    assert parse_budget("180wm") == Budget(3, Unit.wh)
    assert parse_budget("181nm").size == 181 * 60


@pytest.mark.parametrize(
    "text",
    [
        "3",
        "3天",
        "3d",
        "3h",
        "3.0167wh",
        "1.5wh",
        "",
        "wh",
        "3 wh",
        "٣wh",
        "3wh\n",
        "9999999wd",
        "3months",
        "3m",
    ],
)
def test_a_budget_without_a_plain_unit_is_refused(text: str) -> None:
    with pytest.raises(BareDuration, match="15wd") as refused:
        parse_budget(text)
    assert refused.value.code == "bare-duration"


@pytest.mark.parametrize("text", ["0wh", "0wd", "0wm", "-3wd"])
def test_a_budget_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(ZeroBudget) as refused:
        parse_budget(text)
    assert refused.value.code == "zero-budget"


def test_a_budget_made_by_hand_is_checked_too() -> None:
    with pytest.raises(ZeroBudget):
        Budget(0, Unit.wd)
    with pytest.raises(UnitMismatch):
        Budget(1, Unit.wd, minutes=30)


def test_a_time_without_an_offset_is_refused() -> None:
    naive = datetime(2026, 9, 30, 17)  # noqa: DTZ001 # the point of the test
    with pytest.raises(NaiveTime):
        due(naive, Budget(4, Unit.wh), OFFICE)
    with pytest.raises(NaiveTime):
        consumed(at("2026-09-30"), naive, Unit.wh, OFFICE)


@pytest.mark.parametrize("day", ["1900-12-31", "1991-04-13", "1991-09-14", "2026-10-08"])
def test_the_wall_clock_is_that_of_the_zone_also_when_clocks_are_changed(day: str) -> None:
    for hour in range(48):
        moment = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(hours=hour)
        wall = moment.astimezone(SHANGHAI)
        seconds = wall.hour * 3600 + wall.minute * 60 + wall.second
        assert to_wall(moment, SHANGHAI) == wall.toordinal() * 86_400 + seconds
        assert to_wall(wall, SHANGHAI) == to_wall(moment, SHANGHAI)


def test_the_zone_in_which_a_time_is_written_changes_nothing() -> None:
    start = at("2026-10-12 01:00")
    for zone in (UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=2))):
        written = start.astimezone(zone)
        assert due(written, Budget(1, Unit.wd), OFFICE) == due(start, Budget(1, Unit.wd), OFFICE)


def test_the_date_of_a_start_is_the_districts_and_not_that_of_utc() -> None:
    start = datetime(2026, 10, 9, 17, tzinfo=UTC)  # Saturday 01:00 in the district
    assert local(due(start, Budget(1, Unit.wd), OFFICE).at) == "2026-10-12 18:00:00"
    assert local(due(start, Budget(1, Unit.nd), OFFICE).at) == "2026-10-12 18:00:00"
    assert local(due(start, Budget(1, Unit.month), OFFICE).at) == "2026-11-10 18:00:00"


def test_a_used_up_budget_is_due_then_and_not_after_lunch() -> None:
    answer = due(at("2026-10-12 09:00"), Budget(3, Unit.wh), OFFICE)
    assert local(answer.at) == "2026-10-12 12:00:00"


def test_a_pause_off_hours_gives_no_working_time() -> None:
    start, budget = at("2026-10-12 16:00"), Budget(4, Unit.wh)
    night = pauses("2026-10-12 18:00", "2026-10-13 09:00")
    assert due(start, budget, OFFICE, pauses=night) == due(start, budget, OFFICE)


@pytest.mark.parametrize(
    ("paused", "expected"),
    [
        (["2026-10-13 17:59:59", "2026-10-13 18:00:00"], "2026-10-15"),
        (["2026-10-13 17:59:59", "2026-10-13 18:00:01"], "2026-10-16"),
        (["2026-10-13 18:00:00", "2026-10-13 18:00:01"], "2026-10-16"),
        (["2026-10-13 18:00:01", "2026-10-14 17:59:59"], "2026-10-15"),
        (["2026-10-13 18:00:01", "2026-10-15 17:59:59"], "2026-10-16"),
        (["2026-10-12 09:00:00", "2026-10-12 23:00:00"], "2026-10-15"),
    ],
)
def test_working_days_gain_a_day_for_each_cutoff_that_a_pause_covers(
    paused: list[str], expected: str
) -> None:
    answer = due(at("2026-10-12 10:00"), Budget(3, Unit.wd), OFFICE, pauses=pauses(*paused))
    assert local(answer.at) == f"{expected} 18:00:00"


def test_working_time_gains_what_was_open_in_a_pause_and_not_what_passed() -> None:
    start, budget = at("2026-10-16 16:00"), Budget(7, Unit.wh)
    paused = pauses("2026-10-16 17:00", "2026-10-19 15:00")
    moved = due(start, budget, OFFICE, pauses=paused).at
    gained = consumed(due(start, budget, OFFICE).at, moved, Unit.wh, OFFICE)
    assert gained == consumed(*paused[0], Unit.wh, OFFICE) == 5 * 3600


@pytest.mark.parametrize("text", ["4wh", "7wh", "5wd", "10nd", "3month"])
@pytest.mark.parametrize("percent", [1, 50, 80, 99])
def test_a_threshold_never_lands_where_nobody_works(text: str, percent: int) -> None:
    start, budget = at("2026-09-24 17:30"), parse_budget(text)
    moment = threshold(start, budget, percent, OFFICE).at.astimezone(SHANGHAI)
    assert OFFICE.is_workday(moment.date())
    assert time(9) < moment.time() <= time(12) or time(14) < moment.time() <= time(18)


def test_fractions_of_a_second_are_cut() -> None:
    start = at("2026-10-12 10:00:00").replace(microsecond=999_999)
    assert local(due(start, Budget(1, Unit.wh), OFFICE).at) == "2026-10-12 11:00:00"


def test_a_natural_hour_is_an_hour_even_when_the_clocks_were_changed() -> None:
    start = datetime(1991, 9, 14, 12, tzinfo=UTC)  # summer time ended that night
    assert due(start, Budget(24, Unit.nh), OFFICE).at == start + timedelta(days=1)


@pytest.mark.parametrize("unit", [Unit.wh, Unit.wd, Unit.nd])
def test_a_closure_of_more_than_400_days_is_refused(unit: Unit) -> None:
    first = date(2026, 3, 2)
    shut = {first + timedelta(n): False for n in range(450)}
    closed = Calendar("shut", "1", ((0, 86_400),), shut, date(2026, 1, 1), date(2027, 12, 31))
    for day in ("2026-02-27 23:59:59", "2026-03-05 10:00"):
        with pytest.raises(NoOpening) as refused:
            due(at(day), Budget(48, unit), closed)
        assert refused.value.code == "no-opening"
    assert local(due(at("2026-02-20 10:00"), Budget(2, unit), closed).at) < "2026-02-26"
    assert due(at("2027-05-20 10:00"), Budget(2, unit), closed)


def test_natural_hours_need_no_opening() -> None:
    shut = {date(2026, 1, 1) + timedelta(n): False for n in range(700)}
    closed = Calendar("shut", "1", ((0, 86_400),), shut, date(2026, 1, 1), date(2027, 12, 31))
    assert (
        local(due(at("2026-03-05 10:00"), Budget(1, Unit.nh), closed).at) == "2026-03-05 11:00:00"
    )


def test_beyond_the_year_9999_is_refused() -> None:
    with pytest.raises(NoOpening):
        due(at("9999-12-01"), Budget(300, Unit.wd), OFFICE)


def test_a_due_date_that_rests_on_assumed_days_says_so() -> None:
    assert due(at("2026-12-20"), Budget(15, Unit.wd), OFFICE).provisional
    assert due(at("2026-11-27 17:30"), Budget(1, Unit.wd), OFFICE).provisional is False
    assert due(at("2006-12-01"), Budget(1, Unit.wd), OFFICE).provisional
    assert not due(at("2026-12-20"), Budget(15, Unit.nh), OFFICE).provisional


# ── Laws ────────────────────────────────────────────────────────────────────────────────────────


@unhurried
@given(paused_starts(), BUDGETS, CUTOFFS)
def test_due_is_the_earliest_moment_at_which_the_budget_is_used_up(
    clock: tuple[datetime, list[Pause]], budget: Budget, cutoff: Cutoff
) -> None:
    start, paused = clock
    answer = due(start, budget, OFFICE, cutoff, pauses=paused).at

    def used(until: datetime) -> int:
        return consumed(start, until, budget.unit, OFFICE, cutoff, pauses=paused)

    assert used(answer) >= budget.size
    assert used(answer - timedelta(seconds=1)) < budget.size


@unhurried
@given(paused_starts(), BUDGETS, st.integers(1, 20), CUTOFFS)
def test_a_larger_budget_is_never_due_earlier(
    clock: tuple[datetime, list[Pause]], budget: Budget, more: int, cutoff: Cutoff
) -> None:
    start, paused = clock
    larger = Budget(budget.amount + more, budget.unit)
    one = due(start, budget, OFFICE, cutoff, pauses=paused).at
    assert one <= due(start, larger, OFFICE, cutoff, pauses=paused).at
    assert one >= due(start, budget, OFFICE, cutoff).at


@unhurried
@given(paused_starts(), BUDGETS, CUTOFFS)
def test_a_pause_more_never_makes_a_due_earlier(
    clock: tuple[datetime, list[Pause]], budget: Budget, cutoff: Cutoff
) -> None:
    start, paused = clock
    dues = [
        due(start, budget, OFFICE, cutoff, pauses=paused[:count]).at
        for count in range(len(paused) + 1)
    ]
    assert dues == sorted(dues)


@unhurried
@given(paused_starts(), BUDGETS, st.lists(st.integers(1, 9), max_size=3), CUTOFFS)
def test_an_extension_more_never_makes_a_due_earlier(
    clock: tuple[datetime, list[Pause]], budget: Budget, more: list[int], cutoff: Cutoff
) -> None:
    start, paused = clock
    extensions = [Budget(amount, budget.unit) for amount in more]
    dues = [
        due(start, budget, OFFICE, cutoff, pauses=paused, extensions=extensions[:count]).at
        for count in range(len(extensions) + 1)
    ]
    assert dues == sorted(dues)
    if budget.unit is not Unit.nd and budget.unit is not Unit.month:  # those roll to a workday
        assert len(set(dues)) == len(dues)


@unhurried
@given(paused_starts(), BUDGETS, st.integers(0, 100), CUTOFFS)
def test_a_share_of_a_limit_is_never_early_and_never_after_the_due(
    clock: tuple[datetime, list[Pause]], budget: Budget, percent: int, cutoff: Cutoff
) -> None:
    start, paused = clock
    moment = threshold(start, budget, percent, OFFICE, cutoff, pauses=paused).at
    falls = due(start, budget, OFFICE, cutoff, pauses=paused)
    assert start <= moment <= falls.at
    assert threshold(start, budget, 100, OFFICE, cutoff, pauses=paused) == falls
    used = consumed(start, moment, budget.unit, OFFICE, cutoff, pauses=paused)
    assert used * 100 >= budget.size * percent or budget.unit is Unit.month


@unhurried
@given(st.lists(MOMENTS, min_size=3, max_size=3), st.sampled_from([Unit.wh, Unit.nh]))
def test_hours_add_up_over_any_split(moments: list[datetime], unit: Unit) -> None:
    a, b, c = sorted(moments)
    whole = consumed(a, c, unit, OFFICE)
    assert whole == consumed(a, b, unit, OFFICE) + consumed(b, c, unit, OFFICE)


@unhurried
@given(st.lists(MOMENTS, min_size=3, max_size=3), st.sampled_from([Unit.wd, Unit.nd]), CUTOFFS)
def test_days_add_up_over_a_split_at_a_cutoff(
    moments: list[datetime], unit: Unit, cutoff: Cutoff
) -> None:
    a, b, c = sorted(moments)
    assume(OFFICE.is_workday(b.date()))
    hour = time(23, 59, 59) if cutoff is END_OF_DAY else time(18)
    b = datetime.combine(b.date(), hour, SHANGHAI)
    assume(a <= b <= c)
    whole = consumed(a, c, unit, OFFICE, cutoff)
    parts = [consumed(x, y, unit, OFFICE, cutoff) for x, y in pairwise((a, b, c))]
    assert whole == sum(parts)


# ── A second implementation, minute by minute and day by day ────────────────────────────────────


@settings(max_examples=60, deadline=None)
@given(paused_starts(), st.builds(Budget, st.integers(1, 12), UNITS), CUTOFFS)
def test_a_naive_implementation_agrees(
    clock: tuple[datetime, list[Pause]], budget: Budget, cutoff: Cutoff
) -> None:
    start = clock[0].replace(second=0)
    paused = [(a.replace(second=0), b.replace(second=0)) for a, b in clock[1]]
    expected = naive_due(start, budget, almanac_of(OFFICE), cutoff, paused)
    assert local(due(start, budget, OFFICE, cutoff, pauses=paused).at) == local(expected)
