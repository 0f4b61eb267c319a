"""包案: the paper flow of adopting a dispute, from the form to the circulated file."""

from typing import Final

import pytest

from domain import facts as f
from domain.accountability_matrix import matrix
from domain.actor import Actor, Role
from tests.support import accountable as a
from tests.support import districts as d
from tests.support import given as g
from tests.support.adoption import (
    ADOPTED,
    ADOPTER,
    CIRCULATED,
    DISPUTE,
    DUTIES,
    FIRST,
    IN_FORCE,
    KIND,
    PLAN,
    REPORT,
    REQUEST,
    SIGN,
    STRIKE,
    SUBMIT,
    Adoption,
    Step,
    fulfil,
    take,
)
from tests.support.people import only


def stages(story: a.Story) -> list[str]:
    """Return where the case stood, one after the other."""
    moved = [draft.fact for draft in story.history if isinstance(draft.fact, f.CaseFact)]
    return list(dict.fromkeys(fact.stage.target for fact in moved))


def test_it_goes_from_the_form_to_the_circulated_file() -> None:
    story = Adoption(*CIRCULATED)
    assert stages(story) == [
        "drafted",
        "awaiting_sign_off",
        "adopted",
        "in_force",
        "striking_off",
        "struck_off",
        "circulated",
    ]
    assert (story.case.outcome, story.case.data["dispute"]) == ("struck_off", DISPUTE)
    assert [clock.name for clock in story.case.open_clocks] == ["stability"]
    status = [cell.status for cell in matrix(story.case, story.directory, story.now)]
    assert status[:1] + status[2:] == ["fulfilled"] * 5 + ["set"]


def test_the_plan_makes_the_four_stand_within_24_hours_of_the_signature() -> None:
    story = Adoption(*ADOPTED)
    clock = story.case.clock("four_fixed")
    assert clock is not None
    assert (clock.due - clock.started_at).total_seconds() == 24 * 3600
    story.when(*PLAN)
    assert only(story, f.FourFixed).severity is None
    assert "four_fixed" not in [one.name for one in story.case.open_clocks]


def test_the_dispute_must_be_one_that_can_be_seen() -> None:
    story = Adoption(REPORT, seen=False)
    story.when(*SUBMIT).refused("not-found", "/data/dispute")


def test_signing_has_a_limit_that_being_sent_back_stops() -> None:
    story = Adoption(REPORT, SUBMIT)
    assert "sign_off" in [clock.name for clock in story.case.open_clocks]
    story.took((FIRST, ("send_back", {"reason": "情况不清"})))
    assert story.case.stage == "drafted"
    assert "sign_off" not in [clock.name for clock in story.case.open_clocks]
    story.took(SUBMIT, SIGN)
    assert story.case.stage == "adopted"


def test_it_may_be_not_adopted_or_withdrawn() -> None:
    refuse = (FIRST, ("not_adopt", {"reason_code": "not_major", "reason": "可由网格调解"}))
    assert Adoption(REPORT, SUBMIT, refuse).case.stage == "not_adopted"
    withdraw = (g.COMMUNITY, ("withdraw", {"reason": "已和解"}))
    assert Adoption(REPORT, SUBMIT, withdraw).case.stage == "withdrawn"


def test_an_extension_needs_the_first_leaders_signature_too() -> None:
    ask = (ADOPTER, ("request_extension", {"asked": "30nd", "reason": "需鉴定"}))
    story = Adoption(*IN_FORCE, ask)
    before = story.case.clock("adoption")
    story.when(ADOPTER, "grant_extension").refused("same-person")
    story.when(g.TOWN, "grant_extension").refused("role-forbidden")
    story.when(FIRST, "grant_extension").then("extension-granted", "clock-rescheduled")
    after = story.case.clock("adoption")
    assert before is not None
    assert after is not None
    assert after.due > before.due
    deadline, clock = story.case.accountability.deadline, story.case.clock("deadline")
    assert deadline is not None
    assert clock is not None
    assert deadline.at == clock.due
    again = Adoption(*IN_FORCE, ask, (FIRST, "grant_extension"))
    again.when(*ask).refused("extension-not-allowed")


REFUSED: Final[list[tuple[tuple[Step, ...], Step, str]]] = [
    ((REPORT,), SIGN, "action-unavailable"),
    ((REPORT, SUBMIT), (g.COMMUNITY, SIGN[1]), "role-forbidden"),
    (ADOPTED, (FIRST, PLAN[1]), "role-forbidden"),
    (ADOPTED, REQUEST, "action-unavailable"),
    (IN_FORCE, (FIRST, STRIKE[1]), "action-unavailable"),
    ((*IN_FORCE, REQUEST), STRIKE, "accountability-incomplete"),
    ((*IN_FORCE, *DUTIES, REQUEST), STRIKE, "accountability-incomplete"),
    (IN_FORCE, (FIRST, ("change_leader", {"leader": "post-chief"})), "evidence-missing"),
    (IN_FORCE, fulfil("investigation"), "duty-not-allowed"),
    (CIRCULATED, fulfil("stability"), "duty-not-allowed"),
    (CIRCULATED, REQUEST, "action-unavailable"),
]


@pytest.mark.parametrize(("past", "step", "code"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(past: tuple[Step, ...], step: Step, code: str) -> None:
    Adoption(*past).when(*step).refused(code)


def test_a_vacant_leader_cannot_strike_it_off() -> None:
    story = Adoption(*IN_FORCE)
    vacant = (FIRST, ("change_leader", {"leader": a.EMPTY, **a.HANDOVER}))
    story.took(vacant)
    unit = Actor(role=Role.LEADER, unit=d.COUNTY)
    refusal = story.when(unit, REQUEST[1]).refused("accountability-incomplete")
    assert "定领导（岗位缺位）" in str(refusal)


def test_striking_off_may_be_refused_and_is_asked_for_again() -> None:
    refuse = (FIRST, ("refuse_strike_off", {"reason": "仍有反复"}))
    story = Adoption(*IN_FORCE, *DUTIES, take("stability"), REQUEST, refuse)
    assert (story.case.stage, story.case.rework) == ("in_force", 1)
    story.took(REQUEST, STRIKE)
    assert story.case.stage == "struck_off"


def test_a_dispute_that_flares_up_after_the_file_was_closed_is_adopted_anew() -> None:
    story = Adoption(*CIRCULATED).at("2026-10-20T09:00")
    story.when(g.COMMUNITY, ("revisit", {"outcome": "unstable", **a.EVIDENCE}))
    assert only(story, f.CaseReopened).cycle == 2
    assert story.case.stage == "adopted"
    assert {clock.name for clock in story.case.open_clocks} == {"adoption", "four_fixed"}
    story.took(PLAN)
    assert story.case.accountability.completions == 2


def test_every_stage_belongs_to_a_phase_of_the_loop_and_every_phase_has_one() -> None:
    kind = g.kind(KIND)
    assert {stage.phase for stage in kind.stages.values()} == {
        "discovery",
        "community_response",
        "tiered_response",
        "joint_handling",
    }
