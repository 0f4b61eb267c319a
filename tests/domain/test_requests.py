"""挂账和延期: what may be asked for, who decides on it, and what is refused (clocks.md R5, R6)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain import facts as f
from domain.commands import Act, Settle
from tests.support import districts as d
from tests.support import given as g
from tests.support.people import (
    BO,
    EVIDENCE,
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

UNTIL = "2026-10-14T09:00:00+08:00"
WAITING = {"reason_code": "awaiting_parties", "until": UNTIL, **EVIDENCE}
PROCEDURE = {"reason_code": "awaiting_procedure", **EVIDENCE}
LONGER = {"asked": "2wd", **REASON}
EXTEND = ("request_extension", LONGER)
SECOND = timedelta(seconds=1)
DUE = "2026-10-19T18:00:00+08:00"  # assigned on the 12th, five working days


# 挂账


def test_a_suspension_is_asked_for_with_its_reason_and_end_and_nothing_pauses_yet() -> None:
    story = handling()
    story.when(LEAD, ("request_suspension", WAITING)).then("suspension-requested")
    asked = only(story, f.SuspensionRequested)
    assert (asked.request, asked.by, asked.reason) == (1, MEI, "awaiting_parties")
    assert asked.until == datetime.fromisoformat(UNTIL)
    assert all(clock.status != "paused" for clock in story.case.open_clocks)


def test_whoever_is_not_known_by_person_or_key_is_named_by_role_and_unit() -> None:
    story = handling().when(g.WATER, ("request_suspension", WAITING))
    assert only(story, f.SuspensionRequested).by == f"department_officer:{d.WATER}"
    story.when(g.SUPERVISOR, "grant_suspension")
    assert only(story, f.SuspensionGranted).by == "supervisor"


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"until": None}, "unknown-field", "/data/until"),
        ({"until": "明天"}, "naive-time", "/data/until"),
        ({"until": "2026-10-14T09:00:00"}, "naive-time", "/data/until"),
        ({"until": "2026-10-12T09:05:00+08:00"}, "pause-not-allowed", "/data/until"),
        ({"until": "2026-11-09T18:00:01+08:00"}, "pause-not-allowed", "/data/until"),
        ({"reason_code": "tired"}, "unknown-field", "/data/reason_code"),
        ({"evidence": " "}, "evidence-missing", "/data/evidence"),
    ],
)
def test_a_suspension_that_cannot_be_is_refused_with_its_field(
    change: dict[str, Any], code: str, pointer: str
) -> None:
    data = WAITING | change
    handling().when(LEAD, ("request_suspension", data)).refused(code, pointer)


def test_a_suspension_may_last_to_the_very_second_of_its_cap() -> None:
    # Twenty working days from the 12th of October.
    data = WAITING | {"until": "2026-11-09T18:00:00+08:00"}
    handling().when(LEAD, ("request_suspension", data)).then("suspension-requested")


def test_a_reason_that_the_kind_does_not_list_is_refused_though_the_form_takes_any() -> None:
    values = "type: choice, values: [awaiting_parties, awaiting_procedure], required"
    kind = altered((values, "type: code, required"))
    data = WAITING | {"reason_code": "tired"}
    refusal = handling(kind=kind).when(LEAD, ("request_suspension", data))
    assert "awaiting_parties" in str(refusal.refused("unknown-field", "/data/reason_code"))


def test_what_is_overdue_is_no_longer_suspended() -> None:
    story = handling((LEAD, ("request_suspension", PROCEDURE)))
    late = {**WAITING, "until": "2026-10-30T09:00:00+08:00"}
    story.at(DUE).given((LEAD, ("request_suspension", late)))
    story.at(DUE)
    story.at(story.now + SECOND).when(SUPERVISOR, ("grant_suspension", {"request": 1}))
    story.refused("pause-not-allowed")
    story.given((SUPERVISOR, ("refuse_suspension", {"request": 2, **REASON})))
    story.when(LEAD, ("request_suspension", late)).refused("pause-not-allowed")


def test_without_a_clock_to_pause_there_is_nothing_to_ask_for() -> None:
    clocks = ("clocks: [handling], cap: 20wd", "clocks: [verification], cap: 20wd")
    story = handling(kind=altered(clocks)).when(LEAD, ("request_suspension", WAITING))
    assert "等待当事人" in str(story.refused("pause-not-allowed"))


def test_the_same_is_not_asked_for_twice_while_it_waits() -> None:
    story = handling((LEAD, ("request_suspension", WAITING)))
    assert "第 1 号" in str(
        story.when(LEAD, ("request_suspension", WAITING)).refused("request-pending")
    )
    story.when(LEAD, ("request_suspension", PROCEDURE)).then("suspension-requested")
    story.when(SUPERVISOR, ("refuse_suspension", {"request": 1, **REASON}))
    story.when(LEAD, ("request_suspension", WAITING)).then("suspension-requested")
    assert numbers(story) == [2, 3]


def test_of_several_requests_the_decision_names_one() -> None:
    story = handling(
        (LEAD, ("request_suspension", WAITING)), (LEAD, ("request_suspension", PROCEDURE))
    )
    refusal = story.when(SUPERVISOR, "grant_suspension").refused("unknown-field", "/data/request")
    assert "1、2" in str(refusal)
    story.when(SUPERVISOR, ("grant_suspension", {"request": 3})).refused("unknown-field")
    story.when(SUPERVISOR, ("grant_suspension", {"request": 2}))
    story.then("suspension-granted", "clock-paused", "clock-paused")
    assert only(story, f.SuspensionGranted).reason == "awaiting_procedure"
    assert numbers(story) == [1]


def test_nobody_grants_their_own_request_in_another_role() -> None:
    story = handling((LEAD, ("request_suspension", WAITING)))
    story.when(replace(SUPERVISOR, person=MEI), "grant_suspension").refused("same-person")
    story.when(replace(SUPERVISOR, person=MEI), ("refuse_suspension", REASON))
    story.refused("same-person")
    story.when(SUPERVISOR, "grant_suspension").then("suspension-granted", "clock-paused")


def test_a_decision_without_a_request_says_that_none_waits() -> None:
    refusal = handling().when(SUPERVISOR, "grant_suspension").refused("unknown-field")
    assert "等待审批的：无" in str(refusal)


def test_a_suspension_whose_end_has_passed_is_not_granted() -> None:
    story = handling((LEAD, ("request_suspension", WAITING)))
    story.at(UNTIL).when(SUPERVISOR, "grant_suspension").refused("pause-not-allowed")
    story.at(story.now - SECOND).when(SUPERVISOR, "grant_suspension")
    story.then("suspension-granted", "clock-paused")


def test_a_request_for_a_clock_that_has_begun_anew_has_lapsed() -> None:
    story = Story(*g.FIXED, (LEAD, ("request_suspension", WAITING)), (LEAD, EXTEND))
    story.when(LEAD, ("claim_completion", EVIDENCE))
    story.later(minutes=1).when(VERIFIER, ("rework", REASON))
    story.when(SUPERVISOR, ("grant_suspension", {"request": 1})).refused("pause-not-allowed")
    story.when(SUPERVISOR, ("grant_extension", {"request": 2})).refused("extension-not-allowed")
    story.when(LEAD, EXTEND).then("extension-requested")


def test_what_waits_for_one_reason_is_not_suspended_for_it_again() -> None:
    stages = (
        "title: 申请挂账\n    in: [handling]",
        "title: 申请挂账\n    in: [suspended, handling]",
    )
    story = handling(
        (LEAD, ("request_suspension", WAITING)),
        (SUPERVISOR, "grant_suspension"),
        kind=altered(stages),
    )
    refusal = story.when(LEAD, ("request_suspension", WAITING)).refused("pause-not-allowed")
    assert "已经因“等待当事人”挂账" in str(refusal)
    story.when(LEAD, ("request_suspension", PROCEDURE)).then("suspension-requested")


def test_resuming_for_one_reason_names_one_that_holds() -> None:
    form = "form: {note: {title: 恢复的原因, type: text}}"
    kind = altered((form, "form: {reason_code: {title: 理由, type: code}}"))
    story = handling(
        (LEAD, ("request_suspension", WAITING)), (SUPERVISOR, "grant_suspension"), kind=kind
    )
    story.when(LEAD, ("resume", {"reason_code": "awaiting_procedure"}))
    assert "awaiting_parties" in str(story.refused("unknown-field", "/data/reason_code"))
    story.when(LEAD, ("resume", {"reason_code": "awaiting_parties"}))
    assert only(story, f.CaseResumed).reason == "awaiting_parties"


def test_resuming_without_a_reason_ends_them_all() -> None:
    story = handling((LEAD, ("request_suspension", WAITING)), (SUPERVISOR, "grant_suspension"))
    story.when(VERIFIER, "resume").then("case-resumed", "clock-resumed")
    assert only(story, f.CaseResumed).reason is None


# 延期


def test_an_extension_is_asked_for_in_the_units_of_the_clock() -> None:
    story = handling().when(LEAD, EXTEND).then("extension-requested")
    asked = only(story, f.ExtensionRequested)
    assert (asked.request, asked.by, asked.clock, asked.asked) == (1, MEI, "handling", "2wd")
    named = handling().when(LEAD, ("request_extension", {"clock": "handling", **LONGER}))
    assert only(named, f.ExtensionRequested).clock == "handling"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("3天", "bare-duration"),
        ("0wd", "zero-budget"),
        ("8wh", "unit-mismatch"),
        ("21wd", "extension-not-allowed"),
    ],
)
def test_an_extension_that_cannot_be_is_refused_when_asked_for_and_when_granted(
    asked: str, code: str
) -> None:
    story = handling()
    story.when(LEAD, ("request_extension", {"asked": asked, **REASON})).refused(code, "/data/asked")
    story.when(LEAD, EXTEND)
    story.when(SUPERVISOR, ("grant_extension", {"granted": asked})).refused(code, "/data/granted")


def test_an_extension_is_asked_for_until_the_second_of_the_due() -> None:
    on_time = Story(*g.ASSISTED).at(DUE).when(LEAD, EXTEND).then("extension-requested")
    late = handling().at(on_time.now + SECOND).when(LEAD, EXTEND).refused("extension-late")
    assert "办理时限" in str(late)
    assert late.details["due"] == on_time.now


def test_asked_for_within_the_skew_it_was_in_time_though_the_breach_is_known() -> None:
    story = Story(*g.ASSISTED).at(DUE)
    due = story.now
    story.later(seconds=60).given((g.SUPERVISOR, Settle()))
    handled = story.case.clock("handling")
    assert handled is not None
    assert handled.breached_at == due
    story.when(LEAD, Act(action="request_extension", data=LONGER, occurred_at=due))
    assert only(story, f.ExtensionRequested).asked == "2wd"


def test_asked_for_in_time_it_may_be_granted_when_the_due_has_passed() -> None:
    story = handling((LEAD, EXTEND)).at(DUE).later(hours=20)
    story.when(SUPERVISOR, "grant_extension")
    assert only(story, f.ExtensionGranted).granted == "2wd"


def test_more_or_less_than_was_asked_may_be_granted() -> None:
    story = handling((LEAD, EXTEND)).when(SUPERVISOR, ("grant_extension", {"granted": "1wd"}))
    granted = only(story, f.ExtensionGranted)
    assert (granted.request, granted.by, granted.granted) == (1, BO, "1wd")
    assert numbers(story) == []


def test_the_second_extension_needs_a_higher_level() -> None:
    story = handling((LEAD, EXTEND), (VERIFIER, "grant_extension"), (LEAD, EXTEND))
    refusal = story.when(VERIFIER, "grant_extension").refused("role-forbidden")
    assert "督办人员" in str(refusal)
    assert "核查" not in str(refusal).partition("可办理的角色")[2]
    story.when(LEADER, "grant_extension").then("extension-granted", "clock-rescheduled")


def test_a_higher_level_may_grant_the_first_extension_too() -> None:
    handling((LEAD, EXTEND)).when(SUPERVISOR, "grant_extension").then(
        "extension-granted", "clock-rescheduled"
    )


def test_there_are_at_most_two_extensions_and_refusals_do_not_count() -> None:
    story = handling()
    decisions: list[Any] = [("refuse_extension", REASON), "grant_extension", "grant_extension"]
    for decision in decisions:
        story.given((LEAD, EXTEND), (SUPERVISOR, decision))
    refusal = story.when(LEAD, EXTEND).refused("extension-not-allowed")
    assert "最多延期 2 次" in str(refusal)


def test_extensions_together_stay_within_their_cap() -> None:
    story = handling((LEAD, ("request_extension", {"asked": "15wd", **REASON})))
    story.given((SUPERVISOR, "grant_extension"))
    six = {"asked": "6wd", **REASON}
    story.when(LEAD, ("request_extension", six)).refused("extension-not-allowed", "/data/asked")
    five = {"asked": "5wd", **REASON}
    story.when(LEAD, ("request_extension", five)).then("extension-requested")
    story.when(SUPERVISOR, "grant_extension").then("extension-granted", "clock-rescheduled")


def test_a_limit_in_another_unit_than_the_cap_is_not_extended() -> None:
    urgent = ("regrade", {"severity": "serious", "urgency": "urgent", **REASON})
    story = handling((g.DISPATCHER, urgent))
    refusal = story.when(LEAD, ("request_extension", {"asked": "4nh", **REASON}))
    assert "20wd，不适用于 24nh" in str(refusal.refused("extension-not-allowed"))


ANY_CLOCK = (
    "clock: {title: 时限, type: choice, values: [handling]}",
    "clock: {title: 时限, type: code}",
)


@pytest.mark.parametrize(
    ("clock", "code"),
    [("total", "extension-not-allowed"), ("nothing", "unknown-field")],
)
def test_only_a_clock_that_may_be_extended_is_extended(clock: str, code: str) -> None:
    story = handling(kind=altered(ANY_CLOCK))
    data = {"clock": clock, **LONGER}
    story.when(LEAD, ("request_extension", data)).refused(code, "/data/clock")


def test_what_does_not_count_any_more_is_not_extended() -> None:
    stages = (
        "    title: 申请延期\n    in: [assigned, handling]",
        "    title: 申请延期\n    in: open",
    )
    story = Story(*g.CLAIMED, kind=altered(stages))
    story.when(LEAD, ("request_extension", {"clock": "handling", **LONGER}))
    story.refused("extension-not-allowed", "/data/clock")
    assert "可以延期的：无" in str(story.when(LEAD, EXTEND).refused("unknown-field", "/data/clock"))


def test_of_several_clocks_the_request_names_one() -> None:
    extension = "    extension: {max: 1, approvers: [supervisor]}\n"
    total = ("    cutoff: end_of_day\n", f"    cutoff: end_of_day\n{extension}")
    kind = altered(total, ANY_CLOCK)
    story = handling(kind=kind)
    assert "total、handling" in str(story.when(LEAD, EXTEND).refused("unknown-field"))
    for clock in ("total", "handling"):
        story.when(LEAD, ("request_extension", {"clock": clock, **LONGER}))
        story.then("extension-requested")
    story.when(LEAD, ("request_extension", {"clock": "total", **LONGER})).refused("request-pending")


def test_while_suspended_no_due_has_passed() -> None:
    stages = (
        "    title: 申请延期\n    in: [assigned, handling]",
        "    title: 申请延期\n    in: [suspended]",
    )
    waiting = {**WAITING, "until": "2026-10-30T09:00:00+08:00"}
    story = handling(
        (LEAD, ("request_suspension", waiting)),
        (SUPERVISOR, "grant_suspension"),
        kind=altered(stages),
    )
    story.at(DUE).later(days=2).when(LEAD, EXTEND)
    assert only(story, f.ExtensionRequested).asked == "2wd"


def test_nobody_extends_their_own_limit() -> None:
    story = handling((LEAD, EXTEND))
    story.when(replace(SUPERVISOR, person=MEI), "grant_extension").refused("same-person")
    story.when(replace(SUPERVISOR, person=MEI), ("refuse_extension", REASON)).refused("same-person")
