"""The shipped calendar, against its source, two packages and a register of real replies."""

import csv
import json
import os
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import chinese_calendar
import holidays
import pytest

from domain.due import SHANGHAI, Budget, Cutoff, Unit, due
from domain.errors import UnknownCalendar
from workflows import calendars
from workflows.calendars import SHIPPED, load_shipped, shipped

PROJECT = Path(__file__).parents[2]
DATA = Path(os.environ.get("BIHUAN_TEST_DATA", PROJECT / ".." / "shared" / "data"))
OFFICE = load_shipped("cn-office")

# Days on which a package says otherwise than the official notices, each with the reason. With
# chinesecalendar 1.11 and holidays 0.109 there are none from 2007 to 2026; a new release may
# bring one, and then the notice decides, and the day is named here.
KNOWN_DISAGREEMENTS: dict[str, dict[date, str]] = {"chinesecalendar": {}, "holidays": {}}


def shared(path: str) -> Path:
    if not (DATA / path).exists():
        pytest.skip(f"no {path}: set BIHUAN_TEST_DATA to the shared test data")
    return DATA / path


def covered() -> Iterator[date]:
    day = OFFICE.covered_from
    while day <= OFFICE.covered_to:
        yield day
        day += timedelta(1)


def test_every_shipped_file_is_listed() -> None:
    folder = Path(calendars.__file__).parent
    assert sorted(path.stem for path in folder.glob("*.json")) == sorted(SHIPPED)
    assert {document["name"] for document in shipped().values()} == set(SHIPPED)


def test_an_unknown_calendar_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownCalendar, match="cn-office") as refused:
        load_shipped("cn-bank")
    assert refused.value.code == "unknown-calendar"


def test_the_official_calendar_covers_2007_to_2026_and_names_its_sources() -> None:
    document = shipped()["cn-office"]
    years = document["years"]
    assert isinstance(years, dict)
    assert sorted(years) == [str(year) for year in range(2007, 2027)]
    assert all("gov.cn" in source for year in years.values() for source in year["sources"])
    assert "Copyright (c) 2019 NateScarlet" in json.dumps(document["attribution"])
    assert (OFFICE.covered_from, OFFICE.covered_to) == (date(2007, 1, 1), date(2026, 12, 31))


def test_the_official_calendar_equals_its_source_day_by_day() -> None:
    stated: dict[date, bool] = {}
    for path in sorted(shared("calendar_cn").glob("*.json")):
        for day in json.loads(path.read_text(encoding="utf-8"))["days"]:
            stated[date.fromisoformat(day["date"])] = not day["isOffDay"]
    assert len(stated) == 678
    assert dict(OFFICE.days) == stated


def test_chinesecalendar_agrees_on_every_covered_day() -> None:
    differing = {
        day for day in covered() if chinese_calendar.is_workday(day) != OFFICE.is_workday(day)
    }
    assert differing == set(KNOWN_DISAGREEMENTS["chinesecalendar"])


def test_holidays_agrees_on_every_covered_day() -> None:
    package = holidays.country_holidays("CN", years=range(2006, 2027))
    differing = {day for day in covered() if package.is_working_day(day) != OFFICE.is_workday(day)}
    assert differing == set(KNOWN_DISAGREEMENTS["holidays"])


def test_no_package_may_answer_for_a_year_that_is_not_announced() -> None:
    day = date(2027, 2, 9)
    with pytest.raises(NotImplementedError):
        chinese_calendar.is_workday(day)
    assert not holidays.country_holidays("CN", years=2027).is_working_day(day)  # invented
    assert OFFICE.is_workday(day)
    assert OFFICE.is_provisional(day)


@pytest.mark.parametrize(("budget", "on_time"), [(5, 418), (10, 622), (15, 739), (30, 986)])
def test_the_register_of_replies_is_judged_as_published(budget: int, on_time: int) -> None:
    path = shared("replies/replies_2011_2017_1079.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [(moment(row["留言时间"]), moment(row["答复时间"])) for row in csv.DictReader(file)]
    assert len(rows) == 1079
    limit = Budget(budget, Unit.wd)
    met = sum(
        closed <= due(reported, limit, OFFICE, Cutoff.end_of_day).at for reported, closed in rows
    )
    assert met == on_time


def moment(text: str) -> datetime:
    return datetime.strptime(text.strip(), "%Y/%m/%d %H:%M:%S").replace(tzinfo=SHANGHAI)
