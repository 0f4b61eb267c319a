"""网格闭环: every action of the kind, who may take it, and what it refuses."""
# ruff: noqa: E501 - one line for each row of the tables

from typing import Any

import pytest

from domain import facts as f
from domain.actor import Actor
from domain.errors import Refusal
from tests.support import districts as d
from tests.support import given as g
from tests.support.given import given

EVIDENCE = {"evidence": "已处理"}
REASON = {"reason": "理由"}
NOT_ACCEPTED = {"reason_code": "other", "reason": "不属本区"}
SUSPENSION = {"reason_code": "awaiting_parties", "until": "2026-10-14T09:00:00+08:00", **EVIDENCE}
EXTENSION = {"asked": "2wd", **REASON}
CORRECTION = {"clock": "handling", "stopped_at": "2026-10-12T09:05:30+08:00", **EVIDENCE}
REGRADED = {"severity": "major", **REASON}
PROPOSED: g.Steps = (*g.REPORTED, (g.COMMUNITY, ("not_accept", NOT_ACCEPTED)))
SUSPENSION_ASKED: g.Steps = (*g.HANDLING, (g.WATER, ("request_suspension", SUSPENSION)))
SUSPENDED: g.Steps = (*SUSPENSION_ASKED, (g.COMMUNITY, "grant_suspension"))
EXTENSION_ASKED: g.Steps = (*g.HANDLING, (g.WATER, ("request_extension", EXTENSION)))
RETURN_ASKED: g.Steps = (*g.ASSIGNED, (g.WATER, ("request_return", REASON)))
CORRECTION_ASKED: g.Steps = (*g.CLOSED, (g.COMMUNITY, ("request_correction", CORRECTION)))
# (what has happened, who, action, data, facts, stage, holder)
WALK: list[tuple[g.Steps, Actor, str, dict[str, Any], list[str], str, str]] = [
    (g.REPORTED, g.GRID, "contain", EVIDENCE, ["containment-taken"], "reported", d.COMMUNITY),
    (g.HANDLING, g.HOUSING, "contain", EVIDENCE, ["containment-taken"], "handling", d.WATER),
    (g.VERIFIED, g.SUPERVISOR, "note", {"note": "快办"}, ["note-recorded"], "pre_closing_check", d.COMMUNITY),
    (g.ACCEPTED, g.COMMUNITY, "reclassify", {"category": "市容"}, ["case-reclassified"], "awaiting_grading", d.COMMUNITY),
    (g.REPORTED, g.GRID, "withdraw", REASON, ["case-withdrawn", "clock-stopped", "clock-cancelled"], "withdrawn", d.COMMUNITY),
    (g.REPORTED, g.GRID, "handle_on_the_spot", EVIDENCE, ["case-handled-on-the-spot", "case-closed", "clock-stopped", "clock-cancelled"], "handled_on_the_spot", d.COMMUNITY),
    (g.REPORTED, g.GRID, "submit", {}, ["note-recorded"], "awaiting_acceptance", d.COMMUNITY),
    (g.REPORTED, g.COMMUNITY, "accept", {}, ["case-accepted", "clock-stopped"], "awaiting_grading", d.COMMUNITY),
    (g.REPORTED, g.COMMUNITY, "not_accept", NOT_ACCEPTED, ["non-acceptance-proposed"], "reported", d.COMMUNITY),
    (PROPOSED, g.DISPATCHER, "confirm_non_acceptance", {}, ["case-not-accepted", "clock-stopped", "clock-stopped"], "not_accepted", d.COMMUNITY),
    (g.ACCEPTED, g.COMMUNITY, "grade", {"severity": "major", "urgency": "urgent", **g.OVERRIDE}, ["decision-made", "case-graded", "clock-started"], "awaiting_dispatch", d.COMMUNITY),
    (g.GRADED, g.DISPATCHER, "dispatch", {"lead": "水务局", "assisting": [d.HOUSING], "informed": [d.TOWN]}, ["case-assigned", "task-assigned", "clock-started", "clock-started"], "assigned", d.WATER),
    (g.ASSIGNED, g.WATER, "start_handling", {}, ["handling-started"], "handling", d.WATER),
    (g.HANDLING, g.WATER, "assign_task", {"unit": d.TOWN}, ["task-assigned", "clock-started"], "handling", d.WATER),
    (g.HANDLING, g.HOUSING, "complete_task", EVIDENCE, ["task-completed", "clock-stopped"], "handling", d.WATER),
    (g.HANDLING, g.WATER, "waive_task", REASON, ["task-waived", "clock-stopped"], "handling", d.WATER),
    (g.FIXED, g.WATER, "claim_completion", EVIDENCE, ["completion-claimed", "clock-stopped", "clock-started"], "completion_claimed", d.COMMUNITY),
    (g.CLAIMED, g.COMMUNITY, "verify", {}, ["completion-verified", "clock-stopped", "clock-stopped"], "pre_closing_check", d.COMMUNITY),
    (g.CLAIMED, g.COMMUNITY, "rework", REASON, ["rework-required", "clock-stopped", "clock-started"], "handling", d.WATER),
    (g.VERIFIED, g.DISPATCHER, "close", {"grade": "staged"}, ["case-closed", "clock-stopped"], "closed", d.COMMUNITY),
    (g.CLOSED, g.SUPERVISOR, "reopen", REASON, ["case-reopened", "clock-started"], "awaiting_dispatch", d.COMMUNITY),
    (g.HANDLING, g.WATER, "request_suspension", SUSPENSION, ["suspension-requested"], "handling", d.WATER),
    (SUSPENSION_ASKED, g.COMMUNITY, "grant_suspension", {}, ["suspension-granted", "clock-paused"], "suspended", d.WATER),
    (SUSPENSION_ASKED, g.SUPERVISOR, "refuse_suspension", REASON, ["suspension-refused"], "handling", d.WATER),
    (SUSPENDED, g.WATER, "resume", {}, ["case-resumed", "clock-resumed"], "handling", d.WATER),
    (SUSPENDED, g.COMMUNITY, "resume", {}, ["case-resumed", "clock-resumed"], "handling", d.WATER),
    (SUSPENDED, g.WATER, "note", {"note": "仍在等"}, ["note-recorded"], "suspended", d.WATER),
    (SUSPENDED, g.WATER, "contain", EVIDENCE, ["containment-taken"], "suspended", d.WATER),
    (g.ASSIGNED, g.WATER, "request_extension", EXTENSION, ["extension-requested"], "assigned", d.WATER),
    (EXTENSION_ASKED, g.COMMUNITY, "grant_extension", {}, ["extension-granted", "clock-rescheduled"], "handling", d.WATER),
    (EXTENSION_ASKED, g.COMMUNITY, "refuse_extension", REASON, ["extension-refused"], "handling", d.WATER),
    (g.HANDLING, g.WATER, "request_return", REASON, ["return-requested"], "handling", d.WATER),
    (RETURN_ASKED, g.DISPATCHER, "uphold_return", {}, ["return-upheld", "task-waived", "clock-cancelled", "clock-cancelled"], "awaiting_dispatch", d.COMMUNITY),
    (RETURN_ASKED, g.COMMUNITY, "refuse_return", REASON, ["return-refused"], "assigned", d.WATER),
    (g.HANDLING, g.DISPATCHER, "regrade", REGRADED, ["case-graded", "clock-rescheduled", "clock-started"], "handling", d.WATER),
    (g.CLAIMED, g.SUPERVISOR, "correct_grading", REGRADED, ["case-graded", "clock-started"], "completion_claimed", d.COMMUNITY),
    (g.CLOSED, g.COMMUNITY, "request_correction", CORRECTION, ["correction-requested"], "closed", d.COMMUNITY),
    (CORRECTION_ASKED, g.SUPERVISOR, "approve_correction", {}, ["correction-approved"], "closed", d.COMMUNITY),
    (CORRECTION_ASKED, g.SUPERVISOR, "refuse_correction", REASON, ["correction-refused"], "closed", d.COMMUNITY),
]  # fmt: skip


@pytest.mark.parametrize("row", WALK, ids=lambda row: f"{row[2]}-{row[5]}")
def test_an_action_by_the_right_person_gives_its_facts(row: tuple[Any, ...]) -> None:
    before, actor, action, data, types, stage, holder = row
    story = given(*before).when(actor, (action, data)).then(*types)
    assert story.case.stage == stage
    assert story.case.holder == g.unit(holder)
    moves = [draft.fact for draft in story.drafts if isinstance(draft.fact, f.CaseFact)]
    # Only the first fact moves the case; the others stand where it moved to.
    assert all(fact.stage.source == fact.stage.target == stage for fact in moves[1:])
    assert moves[0].stage.target == stage
    assert all(not draft.texts for draft in story.drafts[1:])


# (what has happened, who, action, data, code)
REFUSED: list[tuple[g.Steps, Actor, str, dict[str, Any], str]] = [
    (g.REPORTED, g.COMMUNITY, "grade", {"severity": "major"}, "action-unavailable"),
    (g.REPORTED, g.COMMUNITY, "fly", {}, "action-unavailable"),
    (g.CLOSED, g.COMMUNITY, "note", {"note": "再记"}, "action-unavailable"),
    (g.REPORTED, g.WATER, "accept", {}, "role-forbidden"),
    (g.REPORTED, g.TOWN, "accept", {}, "role-forbidden"),
    (g.REPORTED, g.OTHER_COMMUNITY, "accept", {}, "role-forbidden"),
    (g.REPORTED, g.OTHER_TOWN, "contain", EVIDENCE, "role-forbidden"),
    (g.ACCEPTED, g.OTHER_TOWN, "grade", {"severity": "major"}, "role-forbidden"),
    (g.ACCEPTED, g.TOWN, "grade", {"severity": "major"}, "role-forbidden"),
    (g.ASSIGNED, g.HOUSING, "start_handling", {}, "role-forbidden"),
    (g.ASSIGNED, g.COMMUNITY, "start_handling", {}, "role-forbidden"),
    (g.HANDLING, g.TOWN, "complete_task", EVIDENCE, "role-forbidden"),
    (g.HANDLING, g.WATER, "complete_task", EVIDENCE, "role-forbidden"),
    (g.ASSISTED, g.HOUSING, "complete_task", EVIDENCE, "role-forbidden"),
    (g.HANDLING, g.HOUSING, "waive_task", REASON, "role-forbidden"),
    (g.CLAIMED, g.WATER, "verify", {}, "role-forbidden"),
    (g.CLAIMED, g.OTHER_COMMUNITY, "verify", {}, "role-forbidden"),
    (g.CLAIMED, g.WATER, "rework", REASON, "role-forbidden"),
    (g.CLOSED, g.COMMUNITY, "reopen", REASON, "role-forbidden"),
    (g.REPORTED, g.COMMUNITY, "register_closing", {}, "role-forbidden"),
    (SUSPENDED, g.WATER, "claim_completion", EVIDENCE, "action-unavailable"),
    (SUSPENDED, g.WATER, "request_return", REASON, "action-unavailable"),
    (SUSPENDED, g.WATER, "request_extension", EXTENSION, "action-unavailable"),
    (g.ASSIGNED, g.WATER, "request_suspension", SUSPENSION, "action-unavailable"),
    (g.HANDLING, g.HOUSING, "request_suspension", SUSPENSION, "role-forbidden"),
    (SUSPENSION_ASKED, g.WATER, "grant_suspension", {}, "role-forbidden"),
    (SUSPENDED, g.HOUSING, "resume", {}, "role-forbidden"),
    (EXTENSION_ASKED, g.WATER, "grant_extension", {}, "role-forbidden"),
    (RETURN_ASKED, g.WATER, "uphold_return", {}, "role-forbidden"),
    (RETURN_ASKED, g.SUPERVISOR, "uphold_return", {}, "role-forbidden"),
    (g.HANDLING, g.WATER, "regrade", REGRADED, "role-forbidden"),
    (g.HANDLING, g.DISPATCHER, "correct_grading", REGRADED, "role-forbidden"),
    (g.CLOSED, g.WATER, "request_correction", CORRECTION, "role-forbidden"),
    (CORRECTION_ASKED, g.COMMUNITY, "approve_correction", {}, "role-forbidden"),
    (g.HANDLING, g.WATER, "claim_completion", EVIDENCE, "tasks-open"),
    (g.FIXED, g.WATER, "claim_completion", {}, "evidence-missing"),
    (g.FIXED, g.WATER, "claim_completion", {"evidence": "　 \n"}, "evidence-missing"),
    (g.REPORTED, g.GRID, "handle_on_the_spot", {}, "evidence-missing"),
    (g.ACCEPTED, g.COMMUNITY, "grade", {"severity": "major"}, "evidence-missing"),
    (g.ACCEPTED, g.COMMUNITY, "grade", {"severity": "huge"}, "unknown-field"),
    (g.ACCEPTED, g.COMMUNITY, "grade", {"severity": 3}, "unknown-field"),
    (g.ACCEPTED, g.COMMUNITY, "grade", {"severity": "major", "colour": "红"}, "unknown-field"),
    (g.ACCEPTED, g.COMMUNITY, "reclassify", {"category": "长" * 101}, "unknown-field"),
    (g.ACCEPTED, g.COMMUNITY, "reclassify", {"category": "两\n行"}, "unknown-field"),
    (g.GRADED, g.DISPATCHER, "dispatch", {}, "unknown-field"),
    (g.GRADED, g.DISPATCHER, "dispatch", {"lead": "海事局"}, "unknown-unit"),
    (g.GRADED, g.DISPATCHER, "dispatch", {"lead": d.WATER, "assisting": d.TOWN}, "unknown-field"),
    (g.GRADED, g.DISPATCHER, "dispatch", {"lead": d.WATER, "assisting": ["x"]}, "unknown-unit"),
    (g.GRADED, g.DISPATCHER, "dispatch", {"lead": d.WATER, "assisting": [d.WATER]}, "unknown-field"),
    (g.HANDLING, g.HOUSING, "complete_task", {"task": 2, **EVIDENCE}, "unknown-field"),
    (g.HANDLING, g.HOUSING, "complete_task", {"task": True, **EVIDENCE}, "unknown-field"),
    (g.HANDLING, g.HOUSING, "complete_task", {"task": 2**53, **EVIDENCE}, "unknown-field"),
]  # fmt: skip


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row[2]}-{row[4]}")
def test_whoever_may_not_or_says_it_wrong_is_refused_and_nothing_happens(
    row: tuple[Any, ...],
) -> None:
    before, actor, action, data, code = row
    story = given(*before)
    case = story.case
    story.when(actor, (action, data)).refused(code)
    assert story.case == case


def test_an_unavailable_action_names_those_that_are() -> None:
    refusal = given(*g.REPORTED).when(g.COMMUNITY, "verify").refused("action-unavailable")
    assert {"accept", "not_accept", "note", "contain"} <= set(refusal.details["actions"])  # type: ignore[call-overload]
    assert "register_closing" not in refusal.details["actions"]  # type: ignore[operator]
    assert "受理并立案" in str(refusal)
    assert "已上报" in str(refusal)


def test_a_unit_completes_its_own_task_and_no_other() -> None:
    story = given(*g.HANDLING, (g.WATER, ("assign_task", {"unit": d.TOWN})))
    story.when(g.TOWN, ("complete_task", {"task": 1, **EVIDENCE})).refused("unknown-field")
    story.when(g.TOWN, ("complete_task", EVIDENCE)).then("task-completed", "clock-stopped")
    assert [task.status for task in story.case.tasks] == ["open", "done"]


def test_the_lead_names_which_of_several_tasks_it_waives() -> None:
    story = given(*g.HANDLING, (g.WATER, ("assign_task", {"unit": d.TOWN})))
    refusal = story.when(g.WATER, ("waive_task", REASON)).refused("unknown-field", "/data/task")
    assert "1、2" in str(refusal)
    story.when(g.WATER, ("waive_task", {"task": 2, **REASON})).then("task-waived", "clock-stopped")
    assert [task.status for task in story.case.tasks] == ["open", "waived"]


def test_a_unit_named_twice_gets_one_task() -> None:
    story = given(*g.GRADED)
    story.when(g.DISPATCHER, ("dispatch", {"lead": d.WATER, "assisting": [d.HOUSING, "住建局"]}))
    assert len(story.case.tasks) == 1


def _handled_by_itself() -> g.Story:
    return given(
        *g.ACCEPTED,
        (g.COMMUNITY, "grade"),
        (g.DISPATCHER, ("dispatch", {"lead": d.COMMUNITY})),
        (g.COMMUNITY, "start_handling"),
        (g.COMMUNITY, ("claim_completion", EVIDENCE)),
    )


def test_where_a_community_handles_itself_its_town_verifies() -> None:
    story = _handled_by_itself()
    assert story.case.holder == g.unit(d.TOWN)
    story.when(g.COMMUNITY, "verify").refused("role-forbidden")
    story.when(g.TOWN, "verify").then("completion-verified", "clock-stopped")
    story.when(g.TOWN, ("close", {"grade": "substantive"}))
    story.when(g.SUPERVISOR, ("reopen", REASON))
    assert story.case.holder == g.unit(d.COMMUNITY)


def test_nobody_of_the_handling_unit_verifies_whatever_their_role() -> None:
    # The centre handles what it accepted: there is nobody above it.
    story = given(
        (g.INTEGRATOR, g.report()),
        (g.DISPATCHER, "accept"),
        (g.DISPATCHER, "grade"),
        (g.DISPATCHER, ("dispatch", {"lead": d.COUNTY})),
        (Actor(role=g.TOWN.role), "start_handling"),
        (Actor(role=g.TOWN.role), ("claim_completion", EVIDENCE)),
    )
    story.when(g.DISPATCHER, "verify").refused("same-person")


@pytest.mark.parametrize(
    "ending",
    [
        ((g.COMMUNITY, ("not_accept", NOT_ACCEPTED)), (g.DISPATCHER, "confirm_non_acceptance")),
        ((g.GRID, ("handle_on_the_spot", EVIDENCE)),),
    ],
)
def test_what_was_never_accepted_can_be_reopened_and_verified(ending: g.Steps) -> None:
    story = given(
        *g.REPORTED,
        *ending,
        (g.DISPATCHER, ("reopen", REASON)),
        (g.DISPATCHER, ("dispatch", {"lead": d.WATER})),
        (g.WATER, "start_handling"),
        (g.WATER, ("claim_completion", EVIDENCE)),
    )
    story.when(g.OTHER_COMMUNITY, "verify").refused("role-forbidden")
    story.when(g.COMMUNITY, "verify").then("completion-verified", "clock-stopped")


def test_a_report_lies_with_the_community_of_its_place() -> None:
    story = given().when(g.GRID, g.report()).then("case-reported", "clock-started", "clock-started")
    assert (story.case.place, story.case.holder) == (g.unit(d.GRID), g.unit(d.COMMUNITY))
    story = given().when(g.DISPATCHER, g.report(unit=d.WATER))
    assert story.case.holder == g.unit(d.WATER)
    story = given().when(g.INTEGRATOR, g.report())
    assert (story.case.place, story.case.holder) == (None, g.unit(d.COUNTY))


def test_a_case_without_a_place_is_for_the_centre_only() -> None:
    story = given((g.INTEGRATOR, g.report()))
    for actor in (g.GRID, g.COMMUNITY, g.TOWN):
        story.when(actor, ("contain", EVIDENCE)).refused("role-forbidden")
    story.when(g.COMMUNITY, "accept").refused("role-forbidden")
    story.when(g.DISPATCHER, "accept").then("case-accepted", "clock-stopped")


def test_staff_report_only_from_their_own_place_channels_from_anywhere() -> None:
    story = given()
    story.when(g.GRID, g.report(unit=d.OTHER_COMMUNITY)).refused("role-forbidden")
    story.when(g.WATER, g.report()).refused("role-forbidden")
    story.when(g.TOWN, g.report(unit=d.GRID)).then(
        "case-reported", "clock-started", "clock-started"
    )
    assert given().when(g.INTEGRATOR, g.report(unit="河北镇/河北社区")).case.place


BAD_REPORTS: list[tuple[dict[str, Any], str, str]] = [
    ({"unit": "无此单元"}, "unknown-unit", "/unit"),
    ({"title": " 　"}, "evidence-missing", "/title"),
    ({"reporter": {"wechat": "x"}}, "unknown-field", "/reporter/wechat"),
    ({"data": {"colour": 1}}, "unknown-field", "/data/colour"),
    ({"data": {"people": "3"}}, "unknown-field", "/data/people"),
    ({"data": {"people": True}}, "unknown-field", "/data/people"),
    ({"data": {"people": -(2**60)}}, "unknown-field", "/data/people"),
    ({"data": {"danger": 1}}, "unknown-field", "/data/danger"),
]


@pytest.mark.parametrize(("members", "code", "pointer"), BAD_REPORTS)
def test_a_report_that_is_wrong_says_where(
    members: dict[str, Any], code: str, pointer: str
) -> None:
    given().when(g.INTEGRATOR, g.report(**members)).refused(code, pointer)


def test_texts_and_identities_never_stand_in_a_fact() -> None:
    told = g.report(
        description="路口东侧",
        reporter={"name": "某居民", "phone": "13800000000"},
        category="市容/从没听过的类别",
        data={"people": 3},
    )
    story = given().when(g.GRID, told)
    fields = {(text.field, text.subject) for text in story.drafts[0].texts}
    assert fields == {
        ("title", "narrative"),
        ("description", "narrative"),
        ("reporter.name", "reporter"),
        ("reporter.phone", "reporter"),
    }
    assert "某居民" not in str(story.drafts[0].fact)
    assert story.case.data == {"people": 3}


def test_a_refusal_is_a_sentence_with_a_code() -> None:
    refusal = given(*g.REPORTED).when(g.WATER, "accept").refused("role-forbidden")
    assert isinstance(refusal, Refusal)
    assert "受理并立案" in str(refusal)
