"""Importing a register, and what a later register makes of the cases of the first."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain import facts as f
from domain.case import blank
from domain.commands import Act, Import, Report, Update
from domain.evolve import fold
from tests.support import districts as d
from tests.support import given as g
from tests.support.given import NOW, given

AGO = NOW - timedelta(days=100)
SOURCE = f.SourceReference("board", "1")


def told(*, at: datetime = AGO, content: str = "a.x", **members: Any) -> Report:  # noqa: ANN401 - a report's members
    return g.report("public-reply", occurred_at=at, content=content, source=SOURCE, **members)


def replied(days: float, text: str = "已答复", *, since: datetime = AGO) -> Act:
    return Act(action="reply", data={"reply": text}, occurred_at=since + timedelta(days=days))


def assigned(days: float, lead: str = d.WATER) -> Act:
    return Act(action="assign", data={"lead": lead}, occurred_at=AGO + timedelta(days=days))


def register(*steps: Act, **members: Any) -> g.Story:  # noqa: ANN401 - a report's members
    story = given(kind_name="public-reply")
    return story.when(g.IMPORTER, Import(report=told(**members), steps=steps))


def again(story: g.Story, *steps: Act, **members: Any) -> g.Story:  # noqa: ANN401 - a report's members
    return story.later(days=1).when(g.IMPORTER, Update(report=told(**members), steps=steps))


def test_a_reply_in_time_gives_no_breach() -> None:
    register(replied(3)).then(
        "case-reported", "clock-started", "case-replied", "case-closed", "clock-stopped"
    )


def test_a_late_reply_gives_the_breach_before_the_stop() -> None:
    story = register(replied(90)).then(
        "case-reported",
        "clock-started",
        "deadline-breached",
        "case-replied",
        "case-closed",
        "clock-stopped",
    )
    times = [draft.occurred_at for draft in story.drafts]
    assert times == sorted(times)
    [stop] = story.facts(f.ClockStopped)
    assert isinstance(stop, f.ClockStopped)
    assert not stop.met
    [fact] = story.facts(f.CaseReported)
    assert isinstance(fact, f.CaseReported)
    assert fact.late == "import"


def test_an_open_case_that_is_overdue_now_has_its_breach() -> None:
    register().then("case-reported", "clock-started", "deadline-breached")
    register(at=NOW).then("case-reported", "clock-started")


def test_a_step_before_the_one_it_follows_is_refused_even_by_a_second() -> None:
    register(replied(-1 / 86400)).refused("too-old", "/occurred_at")
    register(assigned(3), replied(2)).refused("too-old")


def test_a_closing_that_is_yet_to_come_is_refused() -> None:
    register(replied(101)).refused("future-time")


def test_the_same_again_changes_nothing() -> None:
    story = register(replied(3))
    before = story.case
    assert again(story, replied(3)).then().case == before
    story = register(assigned(1))
    before = story.case
    assert again(story, assigned(1)).then().case == before


def test_a_later_register_with_a_reply_closes() -> None:
    story = register()
    again(story, replied(99), content="a.y")
    story.then("case-corrected", "case-replied", "case-closed", "clock-stopped")
    assert story.case.stage == "replied"
    again(story, replied(99), content="a.y").then()


def test_a_reply_learnt_later_but_given_in_time_retracts_the_breach() -> None:
    story = register()
    assert story.case.clocks[0].breached_at
    again(story, replied(3), content="a.y")
    story.then("case-corrected", "case-replied", "case-closed", "clock-stopped", "breach-retracted")
    assert story.case.clocks[0].breached_at is None
    assert story.case.closed_at == AGO + timedelta(days=3)


def test_steps_that_were_taken_before_are_not_taken_twice() -> None:
    story = register(assigned(1))
    again(story, assigned(1), replied(99), content="a.y")
    story.then("case-corrected", "case-replied", "case-closed", "clock-stopped")


@pytest.mark.parametrize("days", [2, 4])
def test_the_times_of_a_closed_case_stay(days: int) -> None:
    story = register(replied(3))
    again(story, replied(days), content="a.y").refused("closed-times")
    again(story, content="a.y").refused("closed-times")
    again(story, replied(3), at=AGO - timedelta(days=1), content="b.x").refused("closed-times")


def test_the_words_of_a_closed_case_may_change() -> None:
    story = register(replied(3, "旧答复"))
    again(story, replied(3, "新答复"), content="a.y").then("case-corrected")
    assert [(text.field, text.value) for text in story.drafts[0].texts] == [("reply", "新答复")]
    assert story.drafts[0].occurred_at == story.case.closed_at
    again(story, replied(3, "新答复"), content="b.y", title="新标题").then("case-corrected")
    assert [text.value for text in story.drafts[0].texts] == ["新标题"]
    assert story.case.stage == "replied"


def test_two_notes_of_a_row_that_changed_do_not_collide() -> None:
    noted = Act(
        action="assign", data={"lead": d.WATER, "note": "甲"}, occurred_at=assigned(1).occurred_at
    )
    steps = (noted, replied(3))
    story = register(*steps)
    again(story, *steps, content="a.y").then("case-corrected")
    fields = [text.field for text in story.drafts[0].texts]
    assert len(fields) == len(set(fields))


@pytest.mark.parametrize("days", [-25, 10])
def test_a_corrected_report_time_reschedules(days: int) -> None:
    story = register(at=NOW - timedelta(days=15))
    moved = NOW - timedelta(days=15 - days)
    before = story.case.clocks[0].due
    again(story, at=moved, content="b.x")
    [fact] = story.facts(f.ClockRescheduled)
    assert isinstance(fact, f.ClockRescheduled)
    assert (fact.previous_due, fact.started_at) == (before, moved)
    assert (fact.due > before) == (days > 0)
    assert story.case.reported_at == moved
    assert story.case.clocks[0].due == fact.due
    # Moved back, it is overdue by now.
    assert bool(story.facts(f.DeadlineBreached)) == (days < 0)


def test_a_report_time_after_what_was_done_is_refused() -> None:
    story = register(assigned(1))
    again(story, assigned(1), at=AGO + timedelta(days=2), content="b.x").refused("too-old")


def test_seen_from_between_the_old_and_the_new_report_time_the_case_is_whole() -> None:
    story = register(assigned(1))
    moved = AGO - timedelta(days=5)
    again(story, assigned(1), at=moved, content="b.x")
    at = AGO - timedelta(days=1)
    seen = fold(
        blank(story.case.id, story.kind.hash),
        [(one.fact, one.occurred_at) for one in story.history if one.occurred_at <= at],
    )
    assert (seen.stage, seen.kind, seen.number) == ("received", "public-reply", g.NUMBER)
    assert seen.reported_at == moved
    assert [clock.total for clock in seen.clocks] == [True]
    # And a correction never shows the stage of today in the past.
    early = fold(
        blank(story.case.id, story.kind.hash),
        [(one.fact, one.occurred_at) for one in story.history if one.occurred_at <= AGO],
    )
    assert early.stage == "received"


def test_a_row_of_another_kind_is_a_conflict() -> None:
    story = register()
    other = g.report(occurred_at=AGO, content="c.x", source=SOURCE)
    story.when(g.IMPORTER, Update(report=other)).refused("source-conflict", "/kind")


def test_what_changed_is_named() -> None:
    story = register(unit=d.COMMUNITY)
    again(story, unit=d.OTHER_COMMUNITY, category="环境", content="b.x")
    [fact] = story.facts(f.CaseCorrected)
    assert isinstance(fact, f.CaseCorrected)
    assert fact.fields == ("category", "place")
    assert story.case.place == g.unit(d.OTHER_COMMUNITY)


def test_a_register_closes_a_closed_loop_case_whatever_its_stage() -> None:
    closing = Act(action="register_closing", data={}, occurred_at=AGO + timedelta(days=1))
    accepting = Act(action="accept", data={}, occurred_at=AGO + timedelta(hours=1))
    story = given()
    report = g.report(occurred_at=AGO, content="a.x", source=SOURCE)
    story.when(g.IMPORTER, Import(report=report, steps=(accepting, closing)))
    assert story.case.stage == "closed"
    assert {clock.status for clock in story.case.clocks} <= {"stopped", "cancelled"}
