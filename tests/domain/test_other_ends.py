"""待补充, 备案, 转出, 作废, 不予受理: the other ends of a case, and the detours before them."""

from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.commands import Settle
from tests.support import given as g
from tests.support.people import (
    BO,
    DISPATCHER,
    LAN,
    LEAD,
    MEI,
    REASON,
    SUPERVISOR,
    TEXT,
    VERIFIER,
    Story,
    only,
)
from workflows.language import compile_kind

CODED = {"reason_code": "mistaken", **REASON}
VOID = ("request_void", CODED)
PROPOSE = ("not_accept", {"reason_code": "out_of_remit", **REASON})
TIMER = Actor(role=Role.TIMER)


def asking(provider: str) -> tuple[str, dict[str, Any]]:
    return ("request_supplement", {"provider": provider, "items": "现场照片"})


WAITING: g.Steps = (*g.REPORTED, (g.COMMUNITY, asking("grid")))
GIVE = ("provide_supplement", {"supplement": "照片已补"})

# 待补充


def test_while_it_waits_for_more_the_acceptance_clock_stands_still_and_says_why() -> None:
    story = Story(*g.REPORTED).when(g.COMMUNITY, asking("grid"))
    story.then("supplement-requested", "clock-paused")
    asked, paused = only(story, f.SupplementRequested), only(story, f.ClockPaused)
    assert (asked.request, asked.provider, asked.suspension) == (1, "grid", "awaiting_supplement")
    assert (paused.clock, paused.reason, paused.request) == ("acceptance", "awaiting_supplement", 1)
    assert story.case.stage == "awaiting_supplement"
    story.later(days=1).when(g.GRID, GIVE)
    story.then("supplement-provided", "clock-resumed")
    # One minute of four working hours was used; the total clock went on.
    assert only(story, f.ClockResumed).due == datetime.fromisoformat("2026-10-13T15:00:00+08:00")
    assert story.case.stage == "awaiting_acceptance"
    assert {clock.name for clock in story.case.open_clocks if clock.held} == set()


@pytest.mark.parametrize(
    ("provider", "actor", "code"),
    [
        ("grid", g.GRID, None),
        ("grid", g.INTEGRATOR, "role-forbidden"),
        ("intake", g.INTEGRATOR, None),
        ("intake", g.GRID, "role-forbidden"),
        ("reporter", g.DISPATCHER, None),
        ("reporter", g.GRID, "role-forbidden"),
    ],
)
def test_whoever_was_asked_provides_it(provider: str, actor: Actor, code: str | None) -> None:
    story = Story(*g.REPORTED, (g.COMMUNITY, asking(provider))).when(actor, GIVE)
    assert story.refusal is None if code is None else story.refused(code)


def test_an_overdue_clock_goes_on_while_more_is_asked_for() -> None:
    story = Story(*g.REPORTED).at("2026-10-12T15:00:01+08:00").when(g.COMMUNITY, asking("grid"))
    assert story.facts(f.ClockPaused) == []
    story.when(g.GRID, GIVE).then("supplement-provided")


def test_the_wait_has_an_end_and_then_the_clock_goes_on() -> None:
    story = Story(*WAITING).at("2026-10-26T18:00:01+08:00").when(TIMER, Settle())
    assert only(story, f.ClockResumed).reason == "awaiting_supplement"
    assert story.case.stage == "awaiting_supplement"
    story.when(g.GRID, GIVE).then("supplement-provided")


def test_nothing_more_is_asked_for_before_the_first_has_come() -> None:
    story = Story(*WAITING)
    story.when(g.COMMUNITY, asking("intake")).refused("action-unavailable")
    story.when(g.COMMUNITY, "accept").then("case-accepted", "clock-stopped")
    assert story.case.requests == ()


# 备案, 转出


@pytest.mark.parametrize(
    ("action", "fact", "stage"),
    [
        (("put_on_record", REASON), "case-put-on-record", "recorded"),
        (
            ("transfer_out", {"system": "12345", **REASON}),
            "case-transferred-out",
            "transferred_out",
        ),
    ],
)
def test_a_case_is_put_on_record_or_goes_elsewhere_and_may_come_back(
    action: tuple[str, dict[str, Any]], fact: str, stage: str
) -> None:
    story = Story(*g.REPORTED).when(g.COMMUNITY, action)
    story.then(fact, "clock-stopped", "clock-stopped")
    assert story.case.stage == stage
    assert story.case.open_clocks == ()
    story.when(g.COMMUNITY, ("note", {"note": "再记"})).refused("action-unavailable")
    story.when(g.DISPATCHER, ("reopen", REASON)).then("case-reopened", "clock-started")


def test_it_says_to_which_system_it_went() -> None:
    out = ("transfer_out", {"system": "12345", **REASON})
    story = Story(*g.GRADED).when(g.DISPATCHER, out)
    assert only(story, f.CaseTransferredOut).system == "12345"
    Story(*g.GRADED).when(g.DISPATCHER, ("transfer_out", REASON)).refused("unknown-field")
    Story(*g.GRADED).when(g.WATER, out).refused("role-forbidden")
    Story(*g.HANDLING).when(g.DISPATCHER, out).refused("action-unavailable")


# 作废


def test_a_case_is_voided_by_two_persons_and_its_clocks_do_not_count() -> None:
    story = Story(*g.HANDLING).when(DISPATCHER, VOID).then("void-requested")
    story.when(DISPATCHER, VOID).refused("request-pending")
    story.when(DISPATCHER, "confirm_void").refused("same-person")
    story.when(LEAD, "confirm_void").refused("role-forbidden")
    story.when(SUPERVISOR, "confirm_void")
    voided = only(story, f.CaseVoided)
    assert (voided.request, voided.by, voided.reason) == (1, BO, "mistaken")
    assert story.facts(f.ClockStopped) == []
    assert len(story.facts(f.ClockCancelled)) == 3
    assert story.case.stage == "voided"
    story.when(SUPERVISOR, ("reopen", REASON)).refused("action-unavailable")


def test_who_does_not_agree_leaves_the_case_as_it_was() -> None:
    story = Story(*g.HANDLING, (DISPATCHER, VOID))
    story.when(SUPERVISOR, ("refuse_void", REASON)).then("void-refused")
    assert (story.case.stage, story.case.requests) == ("handling", ())
    story.when(SUPERVISOR, "confirm_void").refused("unknown-field")


# 不予受理


def test_not_accepting_is_confirmed_by_a_second_person_with_the_first_ones_reason() -> None:
    story = Story(*g.REPORTED).when(VERIFIER, PROPOSE).then("non-acceptance-proposed")
    assert only(story, f.NonAcceptanceProposed).by == LAN
    assert story.case.stage == "reported"
    story.when(VERIFIER, "confirm_non_acceptance").refused("same-person")
    story.when(replace(VERIFIER, person=MEI), "confirm_non_acceptance")
    story.then("case-not-accepted", "clock-stopped", "clock-stopped")
    assert only(story, f.CaseNotAccepted).reason == "out_of_remit"
    assert (story.case.stage, story.case.requests) == ("not_accepted", ())
    story.when(SUPERVISOR, ("reopen", REASON)).then("case-reopened", "clock-started")


def test_nobody_confirms_what_nobody_proposed() -> None:
    Story(*g.REPORTED).when(g.DISPATCHER, "confirm_non_acceptance").refused("guard-failed")


def test_a_refused_proposal_is_over_and_so_is_one_of_an_accepted_case() -> None:
    story = Story(*g.REPORTED, (VERIFIER, PROPOSE))
    story.when(DISPATCHER, ("refuse_non_acceptance", REASON)).then("non-acceptance-refused")
    story.given((VERIFIER, PROPOSE), (g.COMMUNITY, "accept"))
    assert story.case.requests == ()
    story.when(DISPATCHER, "confirm_non_acceptance").refused("action-unavailable")


def test_a_kind_in_which_one_person_decides_needs_no_second() -> None:
    text = TEXT.replace(
        "    emits: [non-acceptance-proposed]\n",
        "    emits: [case-not-accepted]\n    to: not_accepted\n",
    )
    confirming, following = text.index("  confirm_non_acceptance:"), text.index("  grade:")
    alone = compile_kind(text[:confirming] + text[following:])
    story = Story(*g.REPORTED, kind=alone).when(g.COMMUNITY, PROPOSE)
    assert only(story, f.CaseNotAccepted).reason == "out_of_remit"
