"""Which times may be given, and what the clocks of a case make of them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec.structs import replace

from domain import facts as f
from domain.acting import OFFLINE, SKEW
from domain.commands import Act
from domain.decide import decide
from domain.errors import Refusal
from domain.evolve import evolve
from tests.support import districts as d
from tests.support import given as g
from tests.support.given import NOW, given

SECOND = timedelta(seconds=1)
NOTE = {"note": "进展"}
EVIDENCE = {"evidence": "已处理"}


def note(at: datetime | None) -> Act:
    return Act(action="note", data=NOTE, occurred_at=at)


@pytest.mark.parametrize(
    ("given_at", "kept"),
    [
        (None, NOW),
        (NOW + SKEW, NOW),
        (NOW + timedelta(microseconds=5), NOW),
        (NOW - SKEW, NOW - SKEW),
        (NOW - OFFLINE, NOW - OFFLINE),
        (NOW - timedelta(milliseconds=1), NOW - SECOND),
        ((NOW - SECOND).astimezone(timezone(timedelta(hours=8))), NOW - SECOND),
    ],
)
def test_a_report_happened_when_it_says_in_utc_and_whole_seconds(
    given_at: datetime | None, kept: datetime
) -> None:
    story = given().when(g.GRID, g.report(occurred_at=given_at))
    assert {draft.occurred_at for draft in story.drafts} == {kept}
    assert story.case.reported_at == kept
    assert all(draft.occurred_at.tzinfo is UTC for draft in story.drafts)


@pytest.mark.parametrize(
    ("given_at", "code"),
    [
        (NOW + SKEW + SECOND, "future-time"),
        (NOW - OFFLINE - SECOND, "too-old"),
        (NOW.replace(tzinfo=None), "naive-time"),
    ],
)
def test_a_report_from_the_future_or_too_long_ago_is_refused(given_at: datetime, code: str) -> None:
    given().when(g.GRID, g.report(occurred_at=given_at)).refused(code, "/occurred_at")


def test_a_late_report_is_marked_one_within_the_skew_is_not() -> None:
    for ago, late in ((SKEW, None), (SKEW + SECOND, "offline")):
        story = given().when(g.GRID, g.report(occurred_at=NOW - ago))
        [fact] = story.facts(f.CaseReported)
        assert isinstance(fact, f.CaseReported)
        assert fact.late == late


def test_an_action_may_not_be_backdated_beyond_the_skew() -> None:
    story = given(*g.REPORTED).later(hours=1)
    story.when(g.GRID, note(story.now - SKEW - SECOND)).refused("too-old", "/occurred_at")
    story.when(g.GRID, note(story.now + SKEW + SECOND)).refused("future-time")
    story.when(g.GRID, note(story.now.replace(tzinfo=None))).refused("naive-time")
    story.when(g.GRID, note(story.now - SKEW)).then("note-recorded")
    assert story.drafts[0].occurred_at == story.now - SKEW


def test_an_action_is_never_before_what_was_done_already() -> None:
    story = given(*g.REPORTED)
    story.when(g.GRID, note(None))
    latest = story.now
    story.later(seconds=30).when(g.GRID, note(latest - timedelta(seconds=60)))
    assert story.drafts[0].occurred_at == latest
    behind = story.copy()
    behind.now = latest - SKEW - SECOND  # a server whose clock is far behind
    behind.when(g.GRID, note(None)).refused("too-old")


def clocks(story: g.Story) -> list[tuple[str, int, int, str]]:
    """Return the clocks of the case itself; those of tasks and checks stand aside."""
    aside = {"assistance", "verification", "deadline"}
    return [
        (one.name, one.cycle, one.sequence, one.status)
        for one in story.case.clocks
        if one.name not in aside
    ]


def test_the_clocks_of_a_whole_loop() -> None:
    story = given(*g.CLAIMED)
    assert clocks(story) == [
        ("total", 1, 1, "running"),
        ("acceptance", 1, 1, "stopped"),
        ("handling", 1, 1, "stopped"),
    ]
    story.given((g.COMMUNITY, ("rework", {"reason": "不合格"})))
    assert clocks(story)[-1] == ("handling", 1, 2, "running")
    assert story.case.rework == 1
    story.given(
        (g.WATER, ("claim_completion", EVIDENCE)),
        (g.COMMUNITY, "verify"),
        (g.COMMUNITY, ("rework", {"reason": "又不合格"})),
    )
    assert clocks(story)[-1] == ("handling", 1, 3, "running")
    assert story.case.rework == 2
    story.given(
        (g.WATER, ("claim_completion", EVIDENCE)),
        (g.COMMUNITY, "verify"),
        (g.COMMUNITY, ("close", {"grade": "staged"})),
    )
    assert {one.status for one in story.case.clocks} == {"stopped"}
    assert [one.name for one in story.case.clocks].count("verification") == 3
    frozen = story.case.clocks
    story.given((g.SUPERVISOR, ("reopen", {"reason": "复发"})))
    assert story.case.clocks[: len(frozen)] == frozen
    [fresh] = story.case.clocks[len(frozen) :]
    assert (fresh.name, fresh.cycle, fresh.sequence, fresh.status) == ("total", 2, 1, "running")
    assert (story.case.cycle, story.case.rework, story.case.outcome) == (2, 0, None)
    story.given((g.DISPATCHER, ("dispatch", {"lead": d.WATER})))
    assert clocks(story)[-1] == ("handling", 2, 1, "running")


def test_a_deadline_that_passed_unnoticed_is_recorded_before_anything_else() -> None:
    story = given(*g.REPORTED).later(days=1)
    story.when(g.COMMUNITY, "accept").then("deadline-breached", "case-accepted", "clock-stopped")
    [breach] = story.facts(f.DeadlineBreached)
    assert isinstance(breach, f.DeadlineBreached)
    [recorded] = [draft for draft in story.drafts if draft.fact is breach]
    assert breach.effective_at == breach.due == recorded.occurred_at
    assert story.drafts.index(recorded) < len(story.drafts) - 2
    assert breach.detected_at == story.now
    assert breach.answerable == g.unit(d.COMMUNITY)
    [stop] = story.facts(f.ClockStopped)
    assert isinstance(stop, f.ClockStopped)
    assert not stop.met
    assert story.case.clocks[1].breached_at == breach.due


def test_several_breaches_come_in_the_order_of_their_dues_and_once() -> None:
    story = given(*g.REPORTED).later(days=60)
    story.when(g.GRID, note(None)).then("deadline-breached", "deadline-breached", "note-recorded")
    assert [fact.clock for fact in story.facts(f.DeadlineBreached)] == ["acceptance", "total"]  # type: ignore[attr-defined]
    story.when(g.GRID, note(None)).then("note-recorded")


def test_a_clock_is_met_at_its_due_and_breached_a_second_later() -> None:
    story = given(*g.REPORTED)
    due = story.case.clocks[1].due
    for late, types in (
        (0, ["case-accepted", "clock-stopped"]),
        (1, ["deadline-breached", "case-accepted", "clock-stopped"]),
    ):
        other = story.copy()
        other.now = due + timedelta(seconds=late)
        other.when(g.COMMUNITY, "accept").then(*types)
        [stop] = other.facts(f.ClockStopped)
        assert isinstance(stop, f.ClockStopped)
        assert stop.met == (late == 0)


def test_a_breach_noted_before_a_slower_clock_reports_a_timely_stop_is_retracted() -> None:
    story = given(*g.REPORTED)
    due = story.case.clocks[1].due
    story.now = due + timedelta(seconds=30)
    story.when(g.GRID, note(None)).then("deadline-breached", "note-recorded")
    story = given(*g.REPORTED)
    breach = f.DeadlineBreached(
        clock="acceptance",
        scope="",
        cycle=1,
        sequence=1,
        due=due,
        effective_at=due,
        detected_at=due,
        answerable=None,
    )
    story.case = evolve(story.case, breach, due)
    story.now = due + timedelta(seconds=30)
    story.when(g.COMMUNITY, Act(action="accept", occurred_at=due - timedelta(seconds=20)))
    story.then("case-accepted", "clock-stopped", "breach-retracted")
    assert story.case.clocks[1].breached_at is None
    assert story.drafts[-1].occurred_at == due - timedelta(seconds=20)


@pytest.mark.parametrize(
    ("grading", "budget"),
    [
        ({"severity": "general"}, "10wd"),
        ({"severity": "serious"}, "5wd"),
        ({"severity": "major"}, "25wd"),
        ({"severity": "major", "urgency": "urgent"}, "24nh"),
        ({"severity": "major", "urgency": "normal"}, "25wd"),
    ],
)
def test_the_limit_of_handling_depends_on_urgency_first_and_then_severity(
    grading: dict[str, str], budget: str
) -> None:
    story = given(
        *g.ACCEPTED,
        (g.COMMUNITY, ("grade", grading | g.OVERRIDE)),
        (g.DISPATCHER, ("dispatch", {"lead": d.WATER})),
    )
    assert story.case.clocks[-1].budget == budget


def test_a_public_reply_has_fifteen_working_days_to_the_end_of_the_day() -> None:
    # 2018-12-29 was a make-up workday (clocks.md).
    start = datetime(2018, 12, 25, 2, 0, tzinfo=UTC)
    story = given((g.INTEGRATOR, g.report("public-reply")), kind_name="public-reply", now=start)
    [clock] = story.case.clocks
    assert clock.due == datetime(2019, 1, 16, 15, 59, 59, tzinfo=UTC)
    story.given((g.DISPATCHER, ("assign", {"lead": d.WATER})))
    story.when(g.HOUSING, ("reply", {"reply": "答复"})).refused("role-forbidden")
    story.given((g.DISPATCHER, ("assign", {"lead": d.HOUSING})))
    assert [one.status for one in story.case.clocks] == ["running"]
    story.when(g.WATER, ("reply", {"reply": "答复"})).refused("role-forbidden")
    story.when(g.HOUSING, "reply").refused("evidence-missing", "/data/reply")
    story.when(g.HOUSING, ("reply", {"reply": "已答复"}))
    story.then("case-replied", "case-closed", "clock-stopped")
    assert (story.case.stage, story.case.outcome) == ("replied", "replied")
    for actor, action in ((g.INTEGRATOR, "note"), (g.DISPATCHER, "reclassify")):
        story.when(actor, action).refused("action-unavailable")


def test_a_calendar_that_the_district_lacks_is_named() -> None:
    story = given()
    world = replace(story.world(g.GRID), calendars={})
    with pytest.raises(Refusal) as refusal:
        decide(g.report(), story.case, world)
    assert refusal.value.code == "unknown-calendar"
