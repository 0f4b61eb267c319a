"""The calendar's arithmetic, against counting day by day."""

from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import BadCalendar, Calendar, calendar_from_document
from tests.support.counting import unhurried

OFFICE = ((32_400, 43_200), (50_400, 64_800))
DAYS = st.dates(date(2019, 12, 1), date(2021, 2, 1))


def calendar(days: Mapping[date, bool], hours: tuple[tuple[int, int], ...] = OFFICE) -> Calendar:
    return Calendar("test", "1", hours, days, date(2020, 1, 1), date(2020, 12, 31))


def document(**changes: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "name": "test",
        "hours": ["09:00-12:00", "14:00-18:00"],
        "covered": {"from": "2026-01-01", "to": "2026-12-31"},
        "years": {
            "2026": {
                "holidays": {"国庆节": "2026-10-01/2026-10-07"},
                "workdays": {"国庆节": "2026-09-20 2026-10-10"},
            }
        },
    }
    return {**plain, **changes}


@unhurried
@given(st.dictionaries(DAYS, st.booleans(), max_size=60), DAYS, DAYS)
def test_counting_by_formula_equals_counting_day_by_day(
    exceptions: dict[date, bool], one: date, other: date
) -> None:
    made = calendar(exceptions)
    first, last = sorted((one, other))
    days = [first + timedelta(n) for n in range((last - first).days)]
    naive = sum(exceptions.get(day, day.weekday() < 5) for day in days)
    assert made.workdays_before(last.toordinal()) - made.workdays_before(first.toordinal()) == naive


@unhurried
@given(st.dictionaries(DAYS, st.booleans(), max_size=60), DAYS)
def test_the_nth_workday_is_the_inverse_of_counting(
    exceptions: dict[date, bool], day: date
) -> None:
    made = calendar(exceptions)
    found = made.workday_from(day.toordinal())
    naive = next(d for n in range(100) if made.is_workday(d := day + timedelta(n)))
    assert date.fromordinal(found) == naive
    assert made.worked(day.toordinal()) == made.is_workday(day)
    back = next(d for n in range(100) if made.is_workday(d := day - timedelta(n)))
    assert date.fromordinal(made.workday_until(day.toordinal())) == back


@unhurried
@given(st.integers(0, 86_399))
def test_open_seconds_are_those_inside_the_hours(second: int) -> None:
    made = calendar({})
    naive = sum(max(0, min(second, closes) - opens) for opens, closes in OFFICE)
    assert made.opened_by(second) == naive
    if naive:
        assert made.opened_by(made.second_after(naive)) == naive
        assert made.second_after(naive) <= second
    monday = date(2020, 6, 1).toordinal()
    before = made.open_before(monday, 0)
    assert made.open_before(monday, second) == before + naive
    assert made.open_before(monday - 1, second) == before
    assert made.open_before(monday + 1, 0) == before + made.open_seconds


def test_outside_the_coverage_the_week_decides_and_is_provisional() -> None:
    made = calendar({date(2020, 10, 1): False})
    assert made.is_workday(date(2021, 10, 1))
    assert not made.is_workday(date(2021, 10, 2))
    assert made.is_provisional(date(2021, 10, 1))
    assert made.is_provisional(date(2019, 12, 31))
    assert not made.is_provisional(date(2020, 10, 1))


def test_the_last_december_is_provisional_until_the_next_notice() -> None:
    made = calendar({})
    assert not made.is_provisional(date(2020, 11, 30))
    assert made.is_provisional(date(2020, 12, 1))


def test_a_calendar_cannot_be_changed_from_outside() -> None:
    given_days = {date(2020, 10, 1): False}
    made = calendar(given_days)
    given_days.clear()
    assert not made.is_workday(date(2020, 10, 1))
    with pytest.raises(TypeError):
        made.days[date(2020, 10, 1)] = True  # type: ignore[index] # the point of the test
    assert hash(made) == hash(calendar(made.days))
    assert made == calendar(made.days)


def test_a_document_gives_its_days_hours_and_coverage() -> None:
    made = calendar_from_document(document())
    assert made.hours == OFFICE
    assert made.close_of_business == 18 * 3600
    assert made.open_seconds == 7 * 3600
    assert made.is_workday(date(2026, 9, 20))
    assert not made.is_workday(date(2026, 10, 7))
    assert len(made.days) == 9
    assert (made.covered_from, made.covered_to) == (date(2026, 1, 1), date(2026, 12, 31))


def test_the_version_follows_the_content_and_nothing_else() -> None:
    version = calendar_from_document(document()).version
    assert version.startswith("2026.")
    assert calendar_from_document(document(title="another")).version == version
    assert calendar_from_document(document(hours=["09:00-17:00"])).version != version
    assert calendar_from_document(document(years={})).version != version


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "name"),
        ({"hours": "09:00-12:00"}, "hours"),
        ({"hours": []}, "没有办公时间"),
        ({"hours": ["9-12"]}, "09:00-12:00"),
        ({"hours": ["14:00-18:00", "09:00-12:00"]}, "先后"),
        ({"hours": ["09:00-12:00", "11:00-18:00"]}, "先后"),
        ({"hours": ["09:00-25:00"]}, "24:00"),
        ({"covered": {"from": "2026-01-01"}}, "None"),
        ({"covered": {"from": "2027-01-01", "to": "2026-01-01"}}, "颠倒"),
        ({"years": []}, "years"),
        ({"years": {"2026": {"holidays": {}}}}, "workdays"),
        ({"years": {"2026": {"holidays": {"x": "10-01"}, "workdays": {}}}}, "10-01"),
        ({"years": {"2026": {"holidays": {"x": "2026-02-30"}, "workdays": {}}}}, "2026-02-30"),
        (
            {"years": {"2026": {"holidays": {"x": "2026-10-02/2026-10-01"}, "workdays": {}}}},
            "颠倒",
        ),
        (
            {"years": {"2026": {"holidays": {"x": "2026-10-01"}, "workdays": {"x": "2026-10-01"}}}},
            "既是假日又是工作日",
        ),
    ],
)
def test_a_bad_document_is_refused_with_what_to_mend(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(BadCalendar, match=message):
        calendar_from_document(document(**changes))
