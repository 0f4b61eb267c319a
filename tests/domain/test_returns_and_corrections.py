"""退单, 变更分级, 更正: what may be asked for, who decides on it, and what is refused."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from tests.support import districts as d
from tests.support import given as g
from tests.support.people import (
    DISPATCHER,
    EVIDENCE,
    KE,
    LAN,
    LEAD,
    LEADER,
    MEI,
    REASON,
    SUPERVISOR,
    VERIFIER,
    Story,
    altered,
    handling,
    numbers,
    only,
)

SECOND = timedelta(seconds=1)

# 退单


def test_a_wrong_dispatch_goes_back_to_who_accepted_it_and_its_tasks_lapse() -> None:
    story = Story(*g.ASSIGNED, (LEAD, ("request_return", REASON)))
    story.when(DISPATCHER, "uphold_return")
    upheld = only(story, f.ReturnUpheld)
    assert (upheld.request, upheld.by, upheld.charged_to) == (1, KE, g.unit(d.COMMUNITY))
    assert [task.status for task in story.case.tasks] == ["waived"]
    assert story.case.stage == "awaiting_dispatch"
    story.given(
        (g.DISPATCHER, ("dispatch", {"lead": d.HOUSING})),
        (g.HOUSING, "start_handling"),
        *((g.DISPATCHER, step) for _, step in g.FIX),
        (g.HOUSING, ("claim_completion", EVIDENCE)),
    )


@pytest.mark.parametrize(
    ("moment", "code"),
    [("2026-10-14T18:00:00+08:00", None), ("2026-10-14T18:00:01+08:00", "return-not-allowed")],
)
def test_a_return_is_asked_for_within_two_working_days_of_the_assignment(
    moment: str, code: str | None
) -> None:
    story = handling().at(moment).when(LEAD, ("request_return", REASON))
    if code is None:
        story.then("return-requested")
    else:
        last = story.refused(code).details["last"]
        assert last == datetime.fromisoformat("2026-10-14T18:00:00+08:00")


def test_the_window_begins_anew_with_another_assignment() -> None:
    story = Story(*g.ASSIGNED, (LEAD, ("request_return", REASON)), (DISPATCHER, "uphold_return"))
    story.at("2026-10-16T10:00:00+08:00")
    story.given((g.DISPATCHER, ("dispatch", {"lead": d.HOUSING})))
    story.at("2026-10-20T18:00:00+08:00")
    story.when(g.HOUSING, ("request_return", REASON)).then("return-requested")


def test_what_was_claimed_complete_once_is_not_returned() -> None:
    story = Story(*g.CLAIMED).at("2026-10-13T10:00:00+08:00").given((VERIFIER, ("rework", REASON)))
    last = (
        story.when(LEAD, ("request_return", REASON)).refused("return-not-allowed").details["last"]
    )
    assert last == datetime.fromisoformat("2026-10-14T18:00:00+08:00")


def test_another_person_decides_on_a_return_and_a_refused_one_may_be_asked_for_again() -> None:
    story = handling((LEAD, ("request_return", REASON)))
    story.when(LEAD, ("request_return", REASON)).refused("request-pending")
    story.when(replace(DISPATCHER, person=MEI), "uphold_return").refused("same-person")
    story.when(DISPATCHER, ("refuse_return", REASON)).then("return-refused")
    assert story.case.holder == g.unit(d.WATER)
    story.when(LEAD, ("request_return", REASON)).then("return-requested")


# 变更分级


def test_grading_again_keeps_the_urgency_and_must_change_something() -> None:
    urgent = ("regrade", {"severity": "serious", "urgency": "urgent", **REASON})
    story = handling((g.DISPATCHER, urgent))
    story.when(g.DISPATCHER, urgent).refused("unknown-field", "/data/severity")
    story.when(g.DISPATCHER, ("regrade", {"severity": "serious", **REASON}))
    story.refused("unknown-field", "/data/severity")
    story.when(SUPERVISOR, ("correct_grading", {"severity": "major", **REASON}))
    graded = only(story, f.CaseGraded)
    assert (graded.severity, graded.urgency, graded.tier) == ("major", "urgent", "county")


def test_only_a_corrected_grade_was_wrong() -> None:
    for action, misgraded in (("regrade", False), ("correct_grading", True)):
        story = handling().when(SUPERVISOR, (action, {"severity": "major", **REASON}))
        assert only(story, f.CaseGraded).misgraded is misgraded


def test_the_unit_that_handles_does_not_correct_its_own_grade() -> None:
    at_water = Actor(role=Role.SUPERVISOR, unit=d.WATER)
    corrected = ("correct_grading", {"severity": "major", **REASON})
    handling().when(at_water, corrected).refused("same-person")


# 更正

STOPPED = "2026-10-12T09:05:30+08:00"  # claimed at 09:06
CORRECTION = {"clock": "handling", "stopped_at": STOPPED, **EVIDENCE}
CORRECT = ("request_correction", CORRECTION)


def test_a_correction_takes_effect_with_the_second_of_two_others() -> None:
    story = Story(*g.CLOSED).when(VERIFIER, CORRECT).then("correction-requested")
    asked = only(story, f.CorrectionRequested)
    instance = (asked.clock, asked.scope, asked.cycle, asked.sequence)
    assert instance == ("handling", "", 1, 1)
    assert (asked.by, asked.stopped_at) == (LAN, datetime.fromisoformat(STOPPED))
    story.when(replace(SUPERVISOR, person=LAN), "approve_correction").refused("same-person")
    story.when(SUPERVISOR, "approve_correction").then("correction-approved")
    assert only(story, f.CorrectionApproved).approvals == 1
    assert numbers(story) == [1]
    story.when(SUPERVISOR, "approve_correction").refused("same-person")
    story.when(SUPERVISOR, ("refuse_correction", REASON)).refused("same-person")
    story.when(LEADER, "approve_correction")
    assert only(story, f.CorrectionApproved).approvals == 2
    assert numbers(story) == []


def test_a_refused_correction_is_over() -> None:
    story = Story(*g.CLOSED, (VERIFIER, CORRECT))
    story.when(VERIFIER, CORRECT).refused("request-pending")
    story.when(LEADER, ("refuse_correction", REASON)).then("correction-refused")
    assert numbers(story) == []


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"stopped_at": "2026-10-12T09:02:59+08:00"}, "correction-not-allowed", "/data/stopped_at"),
        ({"stopped_at": "2026-10-12T09:09:00+08:00"}, "correction-not-allowed", "/data/stopped_at"),
        ({"stopped_at": "2026-10-12T09:12:01+08:00"}, "future-time", "/data/stopped_at"),
        ({"stopped_at": None}, "unknown-field", "/data/stopped_at"),
        ({"clock": "source"}, "unknown-field", "/data/clock"),
        ({"sequence": 2}, "unknown-field", "/data/clock"),
        ({"task": 1}, "unknown-field", "/data/clock"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_with_its_field(
    change: dict[str, Any], code: str, pointer: str
) -> None:
    data = CORRECTION | change
    Story(*g.CLOSED).when(VERIFIER, ("request_correction", data)).refused(code, pointer)


def test_a_clock_may_have_stopped_at_its_very_start_or_just_now() -> None:
    for moment in ("2026-10-12T09:03:00+08:00", "2026-10-12T09:12:00+08:00"):
        data = CORRECTION | {"stopped_at": moment}
        story = Story(*g.CLOSED).when(VERIFIER, ("request_correction", data))
        story.then("correction-requested")


def test_only_what_stopped_has_a_time_to_correct() -> None:
    stages = (
        "    title: 申请更正办结时间\n    in: [closed]",
        "    title: 申请更正办结时间\n    in: open",
    )
    story = handling(kind=altered(stages)).when(VERIFIER, CORRECT)
    story.refused("correction-not-allowed", "/data/clock")


def test_of_several_tasks_and_instances_the_correction_names_one() -> None:
    story = Story(
        *g.HANDLING,
        (g.WATER, ("assign_task", {"unit": d.TOWN})),
        (g.TOWN, ("complete_task", EVIDENCE)),
        *g.ASSISTED[len(g.HANDLING) :],
        *g.CLAIMED[len(g.ASSISTED) :],
        (g.COMMUNITY, ("rework", REASON)),
        *g.CLOSED[len(g.FIXED) :],
    )
    task = CORRECTION | {"clock": "assistance", "stopped_at": "2026-10-12T09:06:30+08:00"}
    story.when(VERIFIER, ("request_correction", task)).refused("unknown-field", "/data/task")
    story.when(VERIFIER, ("request_correction", task | {"task": 2}))
    assert only(story, f.CorrectionRequested).scope == "task:2"
    first = CORRECTION | {"sequence": 1}
    story.when(VERIFIER, ("request_correction", first))
    assert only(story, f.CorrectionRequested).sequence == 1
    story.when(
        VERIFIER, ("request_correction", CORRECTION | {"stopped_at": "2026-10-12T09:15:00+08:00"})
    )
    assert only(story, f.CorrectionRequested).sequence == 2


# 来源时限和阶段


def test_the_due_of_the_source_lies_after_the_report() -> None:
    for due in (g.NOW, g.NOW - SECOND):
        g.given().when(g.INTEGRATOR, g.report(due=due)).refused("unknown-field", "/due")
    naive = (g.NOW + SECOND).replace(tzinfo=None)
    g.given().when(g.INTEGRATOR, g.report(due=naive)).refused("naive-time", "/due")
    due = g.NOW + timedelta(days=1, microseconds=7)
    story = Story().when(g.INTEGRATOR, g.report(due=due))
    assert only(story, f.CaseReported).source_due == g.NOW + timedelta(days=1)
    assert "source" in {clock.name for clock in story.case.open_clocks}


def test_a_milestone_starts_the_clock_that_waits_for_its_value() -> None:
    action = """\
  fence:
    title: 围护
    in: [handling]
    by: [lead]
    emits: [milestone-reached]
    set: {milestone: fenced}
  mend:
    title: 阶段性完成
    in: [handling]
    by: [lead]
    form: {milestone: {title: 阶段, type: choice, values: [mended], required: true}}
    emits: [milestone-reached]
  claim_completion:
"""
    clock = """\
clocks:
  mending:
    title: 修复时限
    start: ["milestone-reached:fenced"]
    stop: ["milestone-reached:mended"]
    budget: 8nh
    calendar: cn-office
"""
    story = handling(kind=altered(("  claim_completion:\n", action), ("clocks:\n", clock)))
    story.when(LEAD, "fence").then("milestone-reached", "clock-started")
    assert only(story, f.MilestoneReached).milestone == "fenced"
    assert only(story, f.ClockStarted).clock == "mending"
    story.when(LEAD, ("mend", {"milestone": "mended"})).then("milestone-reached", "clock-stopped")
