"""Explaining a clock: a table a citizen can check, for the vectors and for what moved a limit."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain import facts as f
from domain.almanac import almanac_of, with_version
from domain.budget import Cutoff, parse_budget
from domain.calendar import Calendar
from domain.case import blank
from domain.clock import Hold
from domain.clock_names import clock_text, find_clock, parse_clock
from domain.drift import drift
from domain.errors import NotFound, UnknownCalendar
from domain.evolve import fold
from domain.explain import Explanation, explain
from domain.explain_rows import MOST_ROWS, Matter, Row, lay_out
from domain.explain_text import as_document, as_lines
from domain.wall import SHANGHAI
from tests.support import given as g
from tests.support.clock_facts import INSTANCE, ClockFacts
from workflows.calendars import load_shipped

OFFICE = almanac_of(load_shipped("cn-office"))
WATER, ROADS, CENTRE = (f.Unit(name, ("610327", name)) for name in ("water", "roads", "centre"))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def local(moment: datetime) -> str:
    text = moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    return text.removesuffix(":00")


def clock(start: str, budget: str, **members: Any) -> ClockFacts:  # noqa: ANN401
    return ClockFacts(OFFICE).hold(at(start), WATER).start(at(start), budget, **members)


def explained(facts: ClockFacts, until: str) -> Explanation:
    return explain(facts.records, INSTANCE, facts.almanacs, at(until))


def told(rows: tuple[Row, ...]) -> list[tuple[str, str, str, int, int]]:
    return [(local(row.since), local(row.until), row.why, row.amount, row.total) for row in rows]


VECTORS = [
    ("2026-09-30 17:00", "4wh", [], "2026-10-08 12:00"),
    ("2026-09-18 17:00", "4wh", [], "2026-09-20 12:00"),
    ("2026-10-08 09:00", "3wh", [], "2026-10-08 12:00"),
    ("2026-10-08 09:00", "181wm", [], "2026-10-08 14:01"),
    ("2026-10-08 20:00", "1wh", [], "2026-10-09 10:00"),
    ("2026-10-12 16:00", "4wh", ["2026-10-12 18:00", "2026-10-13 09:00"], "2026-10-13 11:00"),
    ("2026-10-12 16:00", "4wh", ["2026-10-12 17:00", "2026-10-13 10:00"], "2026-10-13 15:00"),
    ("2026-10-16 16:00", "7wh", ["2026-10-16 17:00", "2026-10-19 15:00"], "2026-10-20 12:00"),
    ("2026-09-24 10:00", "5wd", [], "2026-10-09 18:00"),
    ("2026-10-09 10:00", "1wd", [], "2026-10-10 18:00"),
    ("2026-10-09 20:00", "1wd", [], "2026-10-10 18:00"),
    ("2026-10-12 10:00", "3wd", [], "2026-10-15 18:00"),
    ("2026-10-12 10:00", "3wd", ["2026-10-13 11:00", "2026-10-15 09:00"], "2026-10-19 18:00"),
    ("2026-10-12 10:00", "3wd", ["2026-10-13 09:00", "2026-10-13 17:00"], "2026-10-15 18:00"),
    ("2026-09-24 10:00", "10nd", [], "2026-10-08 18:00"),
    ("2026-09-30 17:00", "24nh", [], "2026-10-01 17:00"),
    ("2026-10-12 09:00", "24wh", ["2026-10-12 14:00", "2026-10-12 16:00"], "2026-10-15 16:00"),
    ("2026-10-12 09:00", "8wh", ["2026-10-12 14:00", "2026-10-12 16:00"], "2026-10-13 12:00"),
]


@pytest.mark.parametrize(("start", "budget", "paused", "due"), VECTORS)
def test_the_last_row_of_every_vector_ends_at_the_due_and_the_sum_is_the_budget(
    start: str, budget: str, paused: list[str], due: str
) -> None:
    facts = clock(start, budget)
    if paused:
        facts.pause(at(paused[0]), "weather").resume(at(paused[1]), "weather")
    until = max([start, *paused])
    table = explained(facts, until)
    assert local(table.rows[0].since) == start
    assert local(table.rows[-1].until) == local(table.due) == due
    assert table.rows[-1].total == table.size == parse_budget(budget).size
    assert table.agrees
    assert sum(row.amount for row in table.rows) == table.size


def test_make_up_workdays_and_holidays_are_named() -> None:
    table = explained(clock("2026-09-18 17:00", "4wh"), "2026-09-20 10:30")
    assert told(table.rows) == [
        ("2026-09-18 17:00", "2026-09-18 18:00", "working-time", 3600, 3600),
        ("2026-09-18 18:00", "2026-09-19 00:00", "off-hours", 0, 3600),
        ("2026-09-19 00:00", "2026-09-20 00:00", "weekend", 0, 3600),
        ("2026-09-20 00:00", "2026-09-20 09:00", "off-hours", 0, 3600),
        ("2026-09-20 09:00", "2026-09-20 10:30", "make-up-workday", 5400, 9000),
        ("2026-09-20 10:30", "2026-09-20 12:00", "make-up-workday", 5400, 14_400),
    ]
    assert [row.ahead for row in table.rows] == [False] * 5 + [True]
    assert [row.charged_to for row in table.rows] == ["water", None, None, None, "water", None]
    assert {row.calendar_version for row in table.rows} == {OFFICE.version}


def test_working_days_show_for_every_cutoff_whether_it_counts() -> None:
    facts = clock("2026-10-12 10:00", "3wd")
    facts.pause(at("2026-10-13 11:00"), "court").resume(at("2026-10-15 09:00"), "court")
    facts.stop(at("2026-10-20 11:00"))
    table = explained(facts, "2026-10-21 09:00")
    assert told(table.rows) == [
        ("2026-10-12 10:00", "2026-10-13 00:00", "start-day", 0, 0),
        ("2026-10-13 00:00", "2026-10-15 00:00", "paused", 0, 0),
        ("2026-10-15 00:00", "2026-10-16 00:00", "workday", 1, 1),
        ("2026-10-16 00:00", "2026-10-17 00:00", "workday", 1, 2),
        ("2026-10-17 00:00", "2026-10-19 00:00", "weekend", 0, 2),
        ("2026-10-19 00:00", "2026-10-19 18:00", "workday", 1, 3),
        ("2026-10-19 18:00", "2026-10-20 00:00", "after-cutoff", 0, 3),
        ("2026-10-20 00:00", "2026-10-20 11:00", "before-cutoff", 0, 3),
    ]
    assert [row.overrun for row in table.rows] == [False] * 6 + [True] * 2
    assert table.rows[1].reasons == ("court",)
    assert (table.status, table.met) == ("stopped", False)


def test_natural_days_roll_and_a_holiday_counts() -> None:
    rows = told(explained(clock("2026-09-24 10:00", "10nd"), "2026-09-24 10:00").rows)
    assert rows[1] == ("2026-09-25 00:00", "2026-09-26 00:00", "natural-day", 1, 1)
    assert rows[-2:] == [
        ("2026-10-04 00:00", "2026-10-04 18:00", "natural-day", 1, 10),
        ("2026-10-04 18:00", "2026-10-08 18:00", "rolled", 0, 10),
    ]


def test_months_are_counted_to_the_same_day_number() -> None:
    table = explained(clock("2026-01-31 10:00", "1month", cutoff="end_of_day"), "2026-01-31 10:00")
    assert (table.size, table.counts) == (28, "days")
    assert (local(table.due), table.agrees) == ("2026-02-28 23:59:59", True)


def test_an_overrun_keeps_counting_until_the_stop_and_a_stop_freezes_it() -> None:
    facts = clock("2026-10-12 09:00", "2wh").stop(at("2026-10-12 11:30"))
    for until in ("2026-10-12 11:30", "2026-12-01 00:00"):
        assert told(explained(facts, until).rows) == [
            ("2026-10-12 09:00", "2026-10-12 11:00", "working-time", 7200, 7200),
            ("2026-10-12 11:00", "2026-10-12 11:30", "working-time", 1800, 9000),
        ]
    early = clock("2026-10-12 09:00", "2wh").stop(at("2026-10-12 11:00"))
    assert explained(early, "2026-12-01 00:00").met


def test_it_is_explained_as_it_stood_at_the_moment() -> None:
    facts = clock("2026-10-12 09:00", "2wh").extend(at("2026-10-12 10:00"), "1wh")
    before, after = (explained(facts, f"2026-10-12 {hour}:00") for hour in ("09", "10"))
    assert (before.size, local(before.due)) == (7200, "2026-10-12 11:00")
    assert (after.size, local(after.due)) == (10_800, "2026-10-12 12:00")
    with pytest.raises(NotFound):
        explained(facts, "2026-10-12 08:59")


def test_reasons_that_overlap_are_told_together_and_count_once() -> None:
    facts = clock("2026-10-12 09:00", "2wh")
    facts.pause(at("2026-10-12 10:00"), "weather").pause(at("2026-10-12 10:30"), "court")
    facts.resume(at("2026-10-12 11:00"), "weather").resume(at("2026-10-12 11:30"), "court")
    table = explained(facts, "2026-10-12 16:00")
    assert [(local(row.since)[11:], row.reasons) for row in table.rows if row.reasons] == [
        ("10:00", ("weather",)),
        ("10:30", ("court", "weather")),
        ("11:00", ("court",)),
    ]
    assert local(table.due) == "2026-10-12 14:30"
    assert table.agrees


def test_while_it_stands_still_nobody_knows_more_than_the_named_end() -> None:
    facts = clock("2026-10-12 09:00", "2wh").pause(at("2026-10-12 10:00"), "weather")
    table = explained(facts, "2026-10-12 15:00")
    assert told(table.rows)[-1] == ("2026-10-12 10:00", "2026-10-12 15:00", "paused", 0, 3600)
    assert (table.status, table.agrees) == ("paused", None)
    until = clock("2026-10-12 09:00", "2wh")
    until.pause(at("2026-10-12 10:00"), "weather", until=at("2026-10-12 16:00"))
    assert local(explained(until, "2026-10-12 15:00").rows[-1].until) == "2026-10-12 17:00"


def test_every_counted_second_is_charged_to_whoever_held_the_case_then() -> None:
    facts = clock("2026-10-12 09:00", "4wh").hold(at("2026-10-12 10:15"), ROADS)
    rows = explained(facts, "2026-10-12 12:00").rows
    assert [(row.charged_to, row.amount) for row in rows[:2]] == [("water", 4500), ("roads", 6300)]


def test_a_day_is_charged_to_whoever_held_the_case_at_its_cutoff() -> None:
    facts = clock("2026-10-12 09:00", "2wd").hold(at("2026-10-13 17:59"), ROADS)
    facts.hold(at("2026-10-13 18:01"), WATER)
    rows = explained(facts, "2026-10-15 09:00").rows
    assert [row.charged_to for row in rows if row.counted] == ["roads", "water"]


def test_without_a_holder_the_one_before_stays_responsible() -> None:
    facts = clock("2026-10-12 09:00", "4wh").hold(at("2026-10-12 10:00"), None)
    rows = explained(facts, "2026-10-12 12:00").rows
    assert [(row.charged_to, row.amount) for row in rows[:1]] == [("water", 3 * 3600)]


def test_the_time_of_a_returned_case_is_charged_to_the_dispatcher() -> None:
    facts = clock("2026-10-12 09:00", "4wh")
    facts.cancel(at("2026-10-12 11:00"), reason="return-upheld", charged_to=CENTRE)
    table = explained(facts, "2026-10-12 15:00")
    assert [(row.charged_to, row.ahead) for row in table.rows if row.counted] == [
        ("centre", False),
        (None, True),
        (None, True),
    ]
    assert (table.status, table.met) == ("cancelled", None)


def test_a_tasks_time_is_its_units_whoever_holds_the_case() -> None:
    task = ("assistance", "task:2", 1, 1)
    facts = ClockFacts(OFFICE, task).hold(at("2026-10-12 09:00"), WATER)
    facts.start(at("2026-10-12 09:00"), "4wh", answerable=ROADS)
    table = explain(facts.records, task, facts.almanacs, at("2026-10-12 10:00"))
    assert table.clock == "assistance.1.1@task:2"
    assert [row.charged_to for row in table.rows] == ["roads", None, None, None]


def test_a_stricter_grade_counts_from_the_start_and_the_grace_is_a_row_of_its_own() -> None:
    facts = clock("2026-10-12 09:00", "24wh")
    facts.pause(at("2026-10-12 14:00"), "weather").resume(at("2026-10-12 16:00"), "weather")
    facts.move(at("2026-10-13 10:00"), "regraded", budget="8wh")
    table = explained(facts, "2026-10-13 10:00")
    assert local(table.due) == "2026-10-13 12:00"
    assert table.rows[-1].total == 8 * 3600
    graced = clock("2026-10-12 09:00", "24wh")
    floor = f.Floor(at("2026-10-12 15:00"), "2wh")
    graced.move(at("2026-10-12 15:00"), "regraded", budget="2wh", floors=(floor,))
    table = explained(graced, "2026-10-12 15:00")
    assert told(table.rows) == [
        ("2026-10-12 09:00", "2026-10-12 11:00", "working-time", 7200, 7200),
        ("2026-10-12 11:00", "2026-10-12 15:00", "floor", 0, 7200),
        ("2026-10-12 15:00", "2026-10-12 17:00", "floor", 0, 7200),
    ]
    assert table.agrees
    assert [change.code for change in table.changes] == ["started", "regraded"]
    assert table.changes[1].floors == (floor,)


def test_a_grade_that_counts_anew_leaves_the_time_before_it_out() -> None:
    facts = clock("2026-10-12 09:00", "24wh")
    facts.move(at("2026-10-12 15:00"), "regraded", budget="1wh", started_at=at("2026-10-12 15:00"))
    assert told(explained(facts, "2026-10-12 15:00").rows) == [
        ("2026-10-12 09:00", "2026-10-12 15:00", "counted-anew", 0, 0),
        ("2026-10-12 15:00", "2026-10-12 16:00", "working-time", 3600, 3600),
    ]


def otherwise(version: str, *flipped: str) -> Calendar:
    known = load_shipped("cn-office")
    days = dict(known.days)
    for text in flipped:
        day = date.fromisoformat(text)
        days[day] = not known.is_workday(day)
    return Calendar("cn-office", version, known.hours, days, known.covered_from, known.covered_to)


def test_each_row_says_by_which_version_of_the_calendar_it_was_counted() -> None:
    newer = with_version(OFFICE, otherwise("newer", "2026-10-14"), date(2026, 10, 14))
    facts = clock("2026-10-12 10:00", "3wd").publish(at("2026-10-13 09:00"), newer)
    table = explained(facts, "2026-10-13 09:00")
    assert local(table.due) == "2026-10-16 18:00"
    versions = {local(row.since)[5:10]: row.calendar_version for row in table.rows}
    assert versions["10-13"] == OFFICE.version
    assert versions["10-14"] == versions["10-15"] == "newer"
    assert [change.calendar_version for change in table.changes] == [OFFICE.version, "newer"]
    del facts.almanacs["cn-office", "newer"]
    with pytest.raises(UnknownCalendar, match="newer"):
        explained(facts, "2026-10-13 09:00")


def test_an_absolute_date_is_only_waited_for() -> None:
    facts = clock("2026-10-12 09:00", "date", due=at("2026-10-13 12:00"))
    table = explained(facts.stop(at("2026-10-13 12:01")), "2026-10-14 09:00")
    assert told(table.rows) == [
        ("2026-10-12 09:00", "2026-10-13 12:00", "absolute-date", 0, 0),
        ("2026-10-13 12:00", "2026-10-13 12:01", "absolute-date", 0, 0),
    ]
    assert (table.counts, table.met, table.agrees) == ("date", False, True)


def test_a_table_that_does_not_come_to_the_recorded_due_says_so() -> None:
    facts = clock("2026-10-12 09:00", "2wh")
    facts.almanacs["cn-office", OFFICE.version] = almanac_of(otherwise("x", "2026-10-12"))
    table = explained(facts, "2026-10-12 09:00")
    assert table.agrees is False
    assert any("不一致" in line for line in as_lines(table, {}, {}))


def test_a_table_that_nobody_would_check_ends_and_says_so() -> None:
    matter = Matter(
        start=at("2026-10-12 09:00"),
        unit=parse_budget("9999wd").unit,
        size=9999,
        cutoff=Cutoff.close_of_business,
        almanac=OFFICE,
        holds=(Hold("x", at("2026-10-13 09:00"), at("2026-10-14 09:00")),),
        lived=at("2026-10-12 09:00"),
    )
    table = lay_out(matter)
    assert (len(table.rows), table.complete, table.due) == (MOST_ROWS, False, None)


def test_the_changes_are_told_in_order_with_what_each_did_to_the_due() -> None:
    facts = clock("2026-10-12 09:00", "4wh", limit=f.Limit("kind", "closed-loop@1.0.0", "x=y"))
    facts.pause(at("2026-10-12 10:00"), "weather").resume(at("2026-10-12 11:00"), "weather")
    facts.extend(at("2026-10-12 11:00"), "30wm").stop(at("2026-10-12 14:00"))
    table = explained(facts, "2026-10-12 14:00")
    assert [(one.code, one.due and local(one.due)) for one in table.changes] == [
        ("started", "2026-10-12 15:00"),
        ("paused", None),
        ("resumed", "2026-10-12 16:00"),
        ("extension-granted", "2026-10-12 16:30"),
        ("clock-stopped", "2026-10-12 16:30"),
    ]
    assert table.changes[3].added == "30wm"
    assert table.limit == f.Limit("kind", "closed-loop@1.0.0", "x=y")
    lines = "\n".join(as_lines(table, {"water": "水务局"}, {"weather": "天气"}))
    for said in ("水务局", "挂账：天气", "延期，+30wm", "closed-loop@1.0.0（x=y）", "按时", "累计"):
        assert said in lines


def test_the_document_has_local_times_codes_and_the_chinese_beside_them() -> None:
    facts = clock("2026-09-30 17:00", "4wh").hold(at("2026-09-30 17:30"), ROADS)
    document = as_document(explained(facts, "2026-10-08 09:30"), {"water": "水务局"}, {})
    assert document["due"] == "2026-10-08T12:00:00+08:00"
    first, second = document["rows"][:2]
    assert (first["since"], first["amount_text"]) == ("2026-09-30T17:00:00+08:00", "0:30")
    assert (first["charged_to"], first["charged_to_name"]) == ("water", "水务局")
    assert (second["charged_to_name"], second["total_text"]) == (None, "1:00")
    assert [row["text"] for row in document["rows"]][2:] == [
        "非工作时间",
        "法定假日",
        "非工作时间",
        "工作时间",
        "工作时间（推算）",
    ]


@pytest.mark.parametrize(
    ("text", "instance"),
    [
        ("handling", ("handling", "", 2, 1)),
        ("handling.1.2", ("handling", "", 1, 2)),
        ("assistance@task:2", ("assistance", "task:2", 1, 1)),
        ("assistance.1.1@task:2", ("assistance", "task:2", 1, 1)),
    ],
)
def test_a_clock_is_found_by_its_name(text: str, instance: tuple[str, str, int, int]) -> None:
    every = [
        ("handling", "", 1, 1),
        ("handling", "", 1, 2),
        ("handling", "", 2, 1),
        ("assistance", "task:1", 1, 1),
        ("assistance", "task:2", 1, 1),
    ]
    clocks = [ClockFacts(OFFICE, one).start(at("2026-10-12 09:00"), "4wh").clock for one in every]
    assert find_clock(clocks, text).instance == instance
    assert find_clock(clocks, clock_text(instance)).instance == instance
    with pytest.raises(NotFound, match=r"assistance\.1\.1@task:2"):
        find_clock(clocks, "assistance")


@pytest.mark.parametrize("text", ["", "@task:2", "handling.1", "handling.1.2.3", "handling.x.1"])
def test_what_names_no_clock_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        parse_clock(text)


def test_drift_names_a_changed_limit_and_a_calendar_that_is_gone() -> None:
    facts = clock("2026-10-12 09:00", "10wd", limit=f.Limit("kind", "closed-loop@1.0.0", ""))
    case = fold(blank("case", ""), facts.records)
    kind = g.kind("closed-loop")
    assert drift(case, facts.almanacs, kind) == []
    graded = f.Limit("kind", "closed-loop@1.0.0", "severity=serious")
    facts.move(at("2026-10-12 10:00"), "regraded", limit=graded)
    case = fold(blank("case", ""), facts.records)
    [found] = drift(case, facts.almanacs, kind)
    assert (found.clock, found.what, found.recorded, found.now) == (
        *("handling.1.1", "limit"),
        *("10wd", "5wd"),
    )
    [found] = drift(case, {}, None)
    assert (found.what, found.recorded) == ("calendar", f"cn-office {OFFICE.version}")


def test_a_clock_that_stands_still_has_no_drift() -> None:
    facts = clock("2026-10-12 09:00", "4wh").pause(at("2026-10-12 10:00"), "weather")
    facts.cancel(at("2026-10-12 11:00"))
    case = fold(blank("case", ""), facts.records)
    assert drift(case, facts.almanacs, None) == []
    assert case.clocks[0].due == at("2026-10-12 09:00") + timedelta(hours=6)
