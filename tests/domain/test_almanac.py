"""A calendar through its versions: each counts its own days, and no others."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.almanac import Almanac, Regime, almanac_of, with_version
from domain.calendar import BadCalendar, Calendar
from domain.due import (
    SHANGHAI,
    Budget,
    Cutoff,
    NoOpening,
    Pause,
    Unit,
    before,
    consumed,
    due,
    opening,
    parse_budget,
    threshold,
)
from tests.support.counting import (
    AUTUMN,
    BUDGETS,
    CUTOFFS,
    MOMENTS,
    UNITS,
    almanacs,
    paused_starts,
    unhurried,
)
from tests.support.moments import at, local, pauses
from tests.support.second_count import naive_due
from workflows.calendars import load_shipped

OFFICE = load_shipped("cn-office")
WINTER = ((32_400, 43_200), (50_400, 64_800))  # 09:00–12:00, 14:00–18:00
SUMMER = ((30_600, 43_200), (54_000, 66_600))  # 08:30–12:00, 15:00–18:30
YEAR = (date(2026, 1, 1), date(2026, 12, 31))
JUNE = date(2026, 6, 1)  # a Monday


def calendar(
    version: str,
    hours: tuple[tuple[int, int], ...] = WINTER,
    days: dict[date, bool] | None = None,
    covered: tuple[date, date] = YEAR,
) -> Calendar:
    return Calendar("office", version, hours, days or {}, *covered)


SUMMERY = with_version(almanac_of(calendar("1")), calendar("2", SUMMER), JUNE)


@pytest.mark.parametrize(
    ("start", "budget", "expected"),
    [
        ("2026-05-29 17:00", "4wh", "2026-06-01 11:30"),
        ("2026-05-29 17:00", "1wh", "2026-05-29 18:00"),
        ("2026-05-29 17:00", "8wh", "2026-06-01 18:30"),
        ("2026-05-28 10:00", "1wd", "2026-05-29 18:00"),
        ("2026-05-28 10:00", "2wd", "2026-06-01 18:30"),
        ("2026-05-28 10:00", "1nd", "2026-05-29 18:00"),
        ("2026-05-28 10:00", "2nd", "2026-06-01 18:30"),
        ("2026-05-28 10:00", "5nd", "2026-06-02 18:30"),
        ("2026-04-30 10:00", "1month", "2026-06-01 18:30"),
        ("2026-05-31 17:00", "9nh", "2026-06-01 02:00"),
    ],
)
def test_summer_hours_count_from_their_first_day_on(start: str, budget: str, expected: str) -> None:
    answer = due(at(start), parse_budget(budget), SUMMERY)
    assert local(answer.at) == f"{expected}:00"
    assert answer.calendar_version == "2"


def test_a_pause_across_the_change_holds_the_hours_of_both() -> None:
    paused = pauses("2026-05-29 16:00", "2026-06-01 09:00")
    answer = due(at("2026-05-29 15:00"), Budget(4, Unit.wh), SUMMERY, pauses=paused)
    assert local(answer.at) == "2026-06-01 12:00:00"
    lost = consumed(*paused[0], Unit.wh, SUMMERY)
    assert lost == 2 * 3600 + 1800


def test_what_was_counted_before_a_version_takes_effect_stays() -> None:
    changed = {date(2026, 5, 29): False, date(2026, 6, 2): False}
    told = with_version(almanac_of(calendar("1")), calendar("2", WINTER, changed), JUNE)
    start = at("2026-05-28 10:00")
    assert local(due(start, Budget(2, Unit.wd), told).at) == "2026-06-01 18:00:00"
    assert local(due(start, Budget(3, Unit.wd), told).at) == "2026-06-03 18:00:00"
    assert told.is_workday(date(2026, 5, 29))
    assert not told.is_workday(date(2026, 6, 2))


def test_natural_days_roll_on_through_the_next_version() -> None:
    shut = {date(2026, 6, 1): False, date(2026, 6, 2): False}
    told = with_version(almanac_of(calendar("1")), calendar("2", SUMMER, shut), JUNE)
    assert local(due(at("2026-05-29 10:00"), Budget(1, Unit.nd), told).at) == (
        "2026-06-03 18:30:00"
    )


def test_a_version_replaces_those_from_its_day_on() -> None:
    one, two, three = (calendar(version) for version in "123")
    both = with_version(with_version(almanac_of(one), two, JUNE), three, date(2026, 7, 1))
    assert [regime.calendar.version for regime in both.regimes] == ["1", "2", "3"]
    assert both.version == "3"
    assert both.newest == three
    assert [both.on(day).version for day in (date(2026, 5, 31), JUNE, date(2027, 1, 1))] == [
        *("1", "2", "3"),
    ]
    again = with_version(both, calendar("4"), JUNE)
    assert [regime.calendar.version for regime in again.regimes] == ["1", "4"]
    assert with_version(both, calendar("5"), None).regimes == (Regime(None, calendar("5")),)
    assert len(both.regimes) == 3


@pytest.mark.parametrize("starts", [(), (JUNE,), (None, None), (None, JUNE, JUNE)])
def test_regimes_must_follow_each_other(starts: tuple[date | None, ...]) -> None:
    with pytest.raises(BadCalendar, match="生效日期"):
        Almanac("office", tuple(Regime(since, calendar("1")) for since in starts))


def test_december_is_sure_once_the_next_notice_has_come() -> None:
    next_year = calendar("2", covered=(YEAR[0], date(2027, 12, 31)))
    told = with_version(almanac_of(calendar("1")), next_year, date(2027, 1, 1))
    for day in (date(2026, 12, 15), date(2027, 1, 4), date(2027, 11, 30)):
        assert not told.is_provisional(day), day
    for day in (date(2025, 12, 31), date(2027, 12, 1), date(2028, 1, 1)):
        assert told.is_provisional(day), day
    assert not due(at("2026-12-20 10:00"), Budget(15, Unit.wd), told).provisional
    assert due(at("2026-12-20 10:00"), Budget(15, Unit.wd), calendar("1")).provisional


def test_december_stays_assumed_under_a_version_that_brings_no_notice() -> None:
    hours_only = with_version(almanac_of(calendar("1")), calendar("2", SUMMER), date(2026, 12, 15))
    assert hours_only.is_provisional(date(2026, 12, 10))
    assert hours_only.is_provisional(date(2026, 12, 20))
    assert not hours_only.is_provisional(date(2026, 11, 30))


def test_days_that_a_version_did_not_cover_while_it_counted_stay_assumed() -> None:
    late = calendar("2", covered=(YEAR[0], date(2027, 12, 31)))
    told = with_version(almanac_of(calendar("1")), late, date(2027, 2, 1))
    assert told.is_provisional(date(2027, 1, 15))
    assert not told.is_provisional(date(2027, 2, 1))


def test_a_closure_across_a_change_of_version_is_refused() -> None:
    covered = (date(2026, 1, 1), date(2028, 12, 31))
    old = {date(2026, 3, 2) + timedelta(n): False for n in range(300)}
    new = {date(2026, 9, 1) + timedelta(n): False for n in range(300)}
    shut = with_version(
        almanac_of(calendar("1", WINTER, old, covered)),
        calendar("2", WINTER, new, covered),
        date(2026, 10, 1),
    )
    for unit in (Unit.wh, Unit.wd, Unit.nd):
        with pytest.raises(NoOpening):
            due(at("2026-02-27 10:00"), Budget(20, unit), shut)
    assert due(at("2026-02-20 10:00"), Budget(2, Unit.wd), shut)
    assert due(at("2027-07-01 10:00"), Budget(2, Unit.wd), shut)
    for one in shut.regimes:
        assert due(at("2026-02-27 10:00"), Budget(20, Unit.wh), one.calendar)


def test_going_back_crosses_versions_too() -> None:
    moment = at("2026-06-01 09:30")
    assert local(before(moment, parse_budget("1wh"), SUMMERY)) == "2026-06-01 08:30:00"
    assert local(before(moment, parse_budget("2wh"), SUMMERY)) == "2026-05-29 17:00:00"
    assert local(before(moment, parse_budget("1wd"), SUMMERY)) == "2026-05-29 18:00:00"
    later = at("2026-06-02 09:30")
    assert local(before(later, parse_budget("1wd"), SUMMERY)) == "2026-06-01 18:30:00"
    assert local(before(later, parse_budget("2wd"), SUMMERY)) == "2026-05-29 18:00:00"


def test_the_next_opening_is_by_the_version_of_its_day() -> None:
    assert local(opening(at("2026-05-29 18:00"), SUMMERY)) == "2026-06-01 08:30:00"
    assert local(opening(at("2026-05-29 12:00"), SUMMERY)) == "2026-05-29 14:00:00"
    assert local(opening(at("2026-05-29 14:00"), SUMMERY)) == "2026-05-29 14:00:00"


# ── Laws ────────────────────────────────────────────────────────────────────────────────────────

TWICE = with_version(almanac_of(OFFICE), OFFICE, date(2026, 9, 29))
OFTEN = with_version(with_version(TWICE, OFFICE, date(2026, 10, 1)), OFFICE, date(2026, 10, 2))


@pytest.mark.parametrize("almanac", [almanac_of(OFFICE), TWICE, OFTEN])
@unhurried
@given(clock=paused_starts(AUTUMN), budget=BUDGETS, cutoff=CUTOFFS, percent=st.integers(0, 100))
def test_an_almanac_of_one_calendar_counts_as_that_calendar(
    almanac: Almanac,
    clock: tuple[datetime, list[Pause]],
    budget: Budget,
    cutoff: Cutoff,
    percent: int,
) -> None:
    start, paused = clock
    one = due(start, budget, OFFICE, cutoff, pauses=paused)
    assert due(start, budget, almanac, cutoff, pauses=paused) == one
    by = (cutoff,)
    assert threshold(start, budget, percent, almanac, *by, pauses=paused) == threshold(
        start, budget, percent, OFFICE, *by, pauses=paused
    )
    assert consumed(start, one.at, budget.unit, almanac, *by, pauses=paused) == consumed(
        start, one.at, budget.unit, OFFICE, *by, pauses=paused
    )
    assert before(one.at, budget, almanac, cutoff) == before(one.at, budget, OFFICE, cutoff)


@unhurried
@given(paused_starts(AUTUMN), BUDGETS, CUTOFFS, almanacs())
def test_due_is_the_earliest_moment_under_any_versions(
    clock: tuple[datetime, list[Pause]], budget: Budget, cutoff: Cutoff, almanac: Almanac
) -> None:
    start, paused = clock
    answer = due(start, budget, almanac, cutoff, pauses=paused).at

    def used(until: datetime) -> int:
        return consumed(start, until, budget.unit, almanac, cutoff, pauses=paused)

    assert used(answer) >= budget.size
    assert used(answer - timedelta(seconds=1)) < budget.size


@settings(max_examples=100, deadline=None)
@given(paused_starts(AUTUMN), st.builds(Budget, st.integers(1, 12), UNITS), CUTOFFS, almanacs())
def test_a_naive_implementation_agrees_across_versions(
    clock: tuple[datetime, list[Pause]], budget: Budget, cutoff: Cutoff, almanac: Almanac
) -> None:
    start = clock[0].replace(second=0)
    paused = [(a.replace(second=0), b.replace(second=0)) for a, b in clock[1]]
    expected = naive_due(start, budget, almanac, cutoff, paused)
    assert local(due(start, budget, almanac, cutoff, pauses=paused).at) == local(expected)


@unhurried
@given(st.lists(MOMENTS, min_size=3, max_size=3), almanacs())
def test_working_time_adds_up_over_any_split_under_any_versions(
    moments: list[datetime], almanac: Almanac
) -> None:
    a, b, c = sorted(moments)
    whole = consumed(a, c, Unit.wh, almanac)
    assert whole == consumed(a, b, Unit.wh, almanac) + consumed(b, c, Unit.wh, almanac)


@unhurried
@given(
    st.datetimes(datetime(2026, 9, 1), datetime(2026, 10, 31)),  # noqa: DTZ001 # next line
    almanacs(),
)
def test_days_of_an_almanac_are_days_of_the_version_that_counts(
    moment: datetime, almanac: Almanac
) -> None:
    moment = moment.replace(second=0, microsecond=0, tzinfo=SHANGHAI)
    opened = consumed(moment, moment + timedelta(minutes=1), Unit.wh, almanac)
    calendar = almanac.on(moment.date())
    second = moment.hour * 3600 + moment.minute * 60
    inside = any(opens <= second < closes for opens, closes in calendar.hours)
    assert opened == (60 if inside and almanac.is_workday(moment.date()) else 0)
