"""A notice, or a calendar of one's own, becomes a version: what is refused, and from which day."""

import json
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.almanac import almanac_of
from domain.errors import UnknownCalendar
from tests.support import calendars as c
from workflows.calendar_office import Planned, coverage, plan
from workflows.calendars import load_shipped, shipped
from workflows.calendars.notices import BadCalendarFile
from workflows.reference import Reference

PROJECT = Path(__file__).parents[2]
DATA = Path(os.environ.get("BIHUAN_TEST_DATA", PROJECT / ".." / "shared" / "data"))
OFFICE = load_shipped("cn-office")


def shared(path: str) -> Path:
    if not (DATA / path).exists():
        pytest.skip(f"no {path}: set BIHUAN_TEST_DATA to the shared test data")
    return DATA / path


KNOWN = Reference(
    calendars={"cn-office": almanac_of(OFFICE)},
    almanacs={("cn-office", OFFICE.version): almanac_of(OFFICE)},
    documents={"cn-office": shipped()["cn-office"]},
)
NOVEMBER = date(2026, 11, 20)


def planned(
    *contents: dict[str, Any],
    today: date = NOVEMBER,
    effective_from: date | None = None,
    name: str = "",
) -> Planned:
    return plan(KNOWN, today, contents, name=name, effective_from=effective_from)


def test_a_notice_becomes_a_version_that_says_just_what_it_says() -> None:
    made = planned(c.notice())
    assert (made.name, made.base) == ("cn-office", OFFICE.version)
    assert made.calendar.covered_to == date(2027, 12, 31)
    assert made.document["years"]["2027"] == {
        "sources": ["https://www.gov.cn/2026/invented"],
        "holidays": {"元旦": "2027-01-01/2027-01-03", "春节": "2027-02-05/2027-02-12"},
        "workdays": {"春节": "2027-01-31 2027-02-14"},
    }
    day, differing = OFFICE.covered_from, dict[date, bool]()
    while day < date(2028, 6, 1):
        if made.calendar.is_workday(day) != OFFICE.is_workday(day):
            differing[day] = made.calendar.is_workday(day)
        day += timedelta(1)
    weekdays = ["2027-01-01", *(f"2027-02-{day:02}" for day in (5, 8, 9, 10, 11, 12))]
    assert differing == {
        **{date.fromisoformat(one): False for one in weekdays},
        **{date.fromisoformat(one): True for one in c.WORKED},
    }


def test_every_official_year_merges_into_the_calendar_that_ships() -> None:
    document = shipped()["cn-office"]
    merged = 0
    for path in sorted(shared("calendar_cn").glob("20*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["days"]:
            assert planned(content).unchanged
            assert planned(content).document["years"] == document["years"]
            merged += 1
    assert merged == 20


def test_a_year_that_is_not_announced_yet_is_refused() -> None:
    path = shared("calendar_cn") / "2027.json"
    with pytest.raises(BadCalendarFile, match="2027 年没有列出任何日子"):
        planned(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (c.notice(days=[]), "2027 年没有列出任何日子"),
        (c.notice(papers=[]), "没有写明来源文件"),
        (c.notice(year=2026), "2027-01-01 不属于 2026 年"),
        (c.notice(days=[c.day("元旦", "2026-11-30")]), "2026-11-30 不属于 2027 年"),
        (c.notice(days=[c.day("元旦", "2028-01-01")]), "2028-01-01 不属于 2027 年"),
        (
            c.notice(days=[c.day("元旦", "2027-01-01"), c.day("春节", "2027-01-01", off=False)]),
            "2027-01-01 既是假日又是工作日",
        ),
        # 31 December 2025 was announced as an ordinary day, 1 January 2026 as a holiday.
        (c.notice(days=[c.day("元旦", "2027-01-01", off=False), c.day("x", "2027-01-01")]), "既是"),
        (c.notice(year=2028, days=[c.day("元旦", "2028-01-01")]), "请先载入 2027 年"),
        (c.notice(year=2006, days=[c.day("元旦", "2006-01-01")]), "早于日历的起始日"),
        (c.notice() | {"year": "2027"}, "year"),
        (
            c.notice(days=[{"name": "元旦", "date": "1月1日", "isOffDay": True}]),
            r"days\[0\]\.date|date",
        ),
        (c.notice(days=[{"name": "元旦", "date": "2027-01-01"}]), "isOffDay"),
        ({"hello": 1}, "name"),
        (c.document(name="办公室"), "应为小写字母"),
        (c.document(hours=[]), "没有办公时间"),
        (c.document(hours=["9-12"]), "09:00-12:00"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_with_what_to_mend(
    content: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadCalendarFile, match=words) as refused:
        planned(content)
    assert refused.value.code == "bad-calendar"


def test_a_notice_that_contradicts_the_year_before_is_refused() -> None:
    last_year = [c.day("元旦", "2026-01-01"), c.day("元旦", "2025-12-31", off=False)]
    contradicting = [c.day("元旦", "2027-01-01"), c.day("元旦", "2026-12-31", off=False)]
    both = c.notice(year=2026, days=[*last_year, c.day("元旦", "2026-12-31")])
    with pytest.raises(BadCalendarFile, match="2026-12-31 既是假日又是工作日"):
        planned(both, c.notice(days=contradicting))


def test_several_years_are_merged_in_their_order_and_none_twice() -> None:
    later = c.notice(year=2028, days=[c.day("元旦", "2028-01-01")])
    assert planned(later, c.notice()).calendar.covered_to == date(2028, 12, 31)
    with pytest.raises(BadCalendarFile, match="给了两份"):
        planned(c.notice(), c.notice())
    with pytest.raises(BadCalendarFile, match="不能与放假安排混在一起"):
        planned(c.notice(), c.document())


def test_a_notice_for_a_calendar_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownCalendar, match="cn-office"):
        planned(c.notice(), name="cn-bank")


# From which day on


def test_it_applies_from_the_first_day_that_it_sees_otherwise() -> None:
    made = planned(c.notice())
    # December of the last covered year was provisional, until this notice left it as it was.
    assert (made.effective_from, made.remarks) == (date(2026, 12, 1), ())
    assert made.almanac.is_provisional(date(2026, 12, 1)) is False
    late = planned(c.notice(), today=date(2026, 12, 28))
    assert (late.effective_from, late.remarks) == (date(2026, 12, 28), ())
    corrected = planned(c.notice(year=2026, days=[c.day("国庆节", "2026-12-25")]))
    assert corrected.effective_from == date(2026, 12, 25)


def test_days_that_have_passed_are_left_alone_unless_asked_for() -> None:
    late = date(2027, 1, 6)
    made = planned(c.notice(), today=late)
    assert made.effective_from == late
    assert "2027-01-01 起已有日子不同" in made.remarks[0]
    assert made.almanac.is_workday(date(2027, 1, 1))
    assert not made.almanac.is_workday(date(2027, 2, 8))
    asked = planned(c.notice(), today=late, effective_from=date(2027, 1, 1))
    assert "早于今天" in asked.remarks[0]
    assert not asked.almanac.is_workday(date(2027, 1, 1))
    later = planned(c.notice(), effective_from=date(2027, 2, 1))
    assert "2027-02-01 以前的变化不起作用" in later.remarks[0]
    assert later.almanac.is_workday(date(2027, 1, 1))


def test_other_hours_apply_from_today() -> None:
    made = planned({**shipped()["cn-office"], "hours": ["08:30-12:00", "14:00-18:00"]})
    assert made.effective_from == NOVEMBER
    assert "全部日子不同" in made.remarks[0]


def test_a_file_of_dates_as_yaml_reads_them_is_the_same_version() -> None:
    read = c.document()
    read["covered"] = {end: date.fromisoformat(day) for end, day in read["covered"].items()}
    assert planned(read).calendar.version == planned(c.document()).calendar.version
    assert json.dumps(planned(read).document)


@pytest.mark.parametrize(
    ("today", "days", "missing"),
    [(date(2026, 10, 31), 61, False), (date(2026, 11, 1), 60, True), (date(2027, 1, 2), -2, True)],
)
def test_from_november_on_a_missing_year_is_reported(
    today: date, days: int, *, missing: bool
) -> None:
    (found,) = coverage(KNOWN, today)
    assert (found.calendar, found.days, found.missing) == ("cn-office", days, missing)
