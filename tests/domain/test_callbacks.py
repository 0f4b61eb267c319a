"""Callback, rating, redo, archiving: closed is not solved."""

import pytest

from domain import facts as f
from domain.actor import Actor, Role
from domain.aftercare_guards import REDOS
from tests.support import districts as d
from tests.support import given as g
from tests.support.neighbours import CLOSED, CLOSING, EVIDENCE, REASON

GLAD = {"solved": True, "satisfaction": 5}
CROSS = {"solved": False, "satisfaction": 1, **REASON}
LEADER = Actor(role=Role.LEADER)
AGAIN = ((g.DISPATCHER, ("redo", CROSS)), *CLOSING)


def test_a_satisfied_callback_is_kept_and_the_case_may_be_archived() -> None:
    story = g.given(*CLOSED).when(g.DISPATCHER, ("record_callback", GLAD)).then("callback-recorded")
    assert story.case.stage == "closed"
    story.when(g.DISPATCHER, "archive").then("milestone-reached")
    assert story.case.stage == "archived"
    assert story.case.outcome == "closed"


def test_nothing_is_archived_before_anybody_was_asked() -> None:
    g.given(*CLOSED).when(g.DISPATCHER, "archive").refused("callback-missing")


def test_a_rating_serves_as_well_as_a_callback() -> None:
    story = g.given(*CLOSED, (g.INTEGRATOR, ("rate", {"satisfaction": 4})))
    story.when(g.DISPATCHER, "archive").then("milestone-reached")


@pytest.mark.parametrize("grade", [0, 6, -1])
def test_there_are_five_grades(grade: int) -> None:
    story = g.given(*CLOSED)
    given = {"solved": True, "satisfaction": grade}
    story.when(g.DISPATCHER, ("record_callback", given))
    story.refused("unknown-field", "/data/satisfaction")


@pytest.mark.parametrize(
    "answer", [{"solved": False, "satisfaction": 5}, {"solved": True, "satisfaction": 2}]
)
def test_who_is_dissatisfied_is_not_just_noted(answer: dict[str, object]) -> None:
    story = g.given(*CLOSED).when(g.DISPATCHER, ("record_callback", answer))
    refusal = story.refused("callback-dissatisfied")
    assert "重办" in str(refusal)


def test_a_redo_sends_the_case_back_to_its_handler_with_a_budget_of_its_own() -> None:
    story = g.given(*CLOSED).when(g.DISPATCHER, ("redo", CROSS))
    story.then("callback-recorded", "redo-required", "clock-started")
    case = story.case
    assert (case.stage, case.outcome, case.closed_at) == ("handling", None, None)
    assert case.holder == g.unit(d.WATER)
    assert case.aftercare.redo == 1
    [started] = story.facts(f.ClockStarted)
    assert isinstance(started, f.ClockStarted)
    assert (started.clock, started.limit.origin) == ("handling", "rework")


def test_a_satisfied_answer_does_not_send_a_case_back() -> None:
    story = g.given(*CLOSED).when(g.DISPATCHER, ("redo", GLAD | REASON))
    story.refused("unknown-field", "/data/satisfaction")


def test_the_handler_does_not_call_back_itself() -> None:
    g.given(*CLOSED).when(g.WATER, ("record_callback", GLAD)).refused("role-forbidden")


def test_a_case_is_redone_twice_at_most_then_it_goes_to_a_leader() -> None:
    story = g.given(*CLOSED, *AGAIN, *AGAIN)
    assert story.case.aftercare.redo == REDOS
    story.when(g.DISPATCHER, ("redo", CROSS)).refused("redo-exhausted")
    story.when(g.DISPATCHER, ("report_unsettled", CROSS)).then("callback-recorded")
    assert (story.case.stage, story.case.closed_at) == ("pre_closing_check", None)
    story.when(g.COMMUNITY, ("close", {"grade": "substantive"})).refused("leader-closes")
    story.when(g.DISPATCHER, ("close_unsettled", REASON)).refused("role-forbidden")
    story.when(LEADER, "close_unsettled").refused("evidence-missing")
    story.when(LEADER, ("close_unsettled", REASON)).then("case-closed")
    [closed] = story.facts(f.CaseClosed)
    assert isinstance(closed, f.CaseClosed)
    assert (closed.grade, closed.outcome) == ("procedural", "closed_unsettled")
    assert story.case.stage == "archived"


def test_even_after_rework_only_a_leader_closes_what_two_redos_did_not_settle() -> None:
    story = g.given(*CLOSED, *AGAIN, *AGAIN, (g.DISPATCHER, ("report_unsettled", CROSS)))
    story.given(
        (g.COMMUNITY, ("rework", REASON)),
        (g.WATER, ("claim_completion", EVIDENCE)),
        (g.COMMUNITY, "verify"),
    )
    story.when(g.COMMUNITY, ("close", {"grade": "substantive"})).refused("leader-closes")


def test_before_two_redos_nothing_goes_to_a_leader() -> None:
    story = g.given(*CLOSED)
    story.when(g.DISPATCHER, ("report_unsettled", CROSS)).refused("guard-failed")


def test_a_leader_closes_in_this_way_only_what_came_to_them() -> None:
    story = g.given(*CLOSED[:-1])
    story.when(LEADER, ("close_unsettled", REASON)).refused("guard-failed")


def test_a_result_is_rated_once_and_a_new_result_again() -> None:
    rated = (g.INTEGRATOR, ("rate", {"satisfaction": 2}))
    story = g.given(*CLOSED).when(*rated).then("case-rated")
    story.when(*rated).refused("already-rated")
    story.later(minutes=1).given(*AGAIN).when(*rated).then("case-rated")


def test_a_new_cycle_may_be_redone_anew() -> None:
    supervisor = Actor(role=Role.SUPERVISOR)
    story = g.given(*CLOSED, *AGAIN, *AGAIN, (supervisor, ("reopen", REASON)))
    assert story.case.aftercare.redo == 0
