"""回退 and 退单: back to whoever gave it, flagged the second time, the third is the centre's."""

from datetime import datetime, timedelta

import pytest

from domain import facts as f
from domain.actor import Actor
from tests.support import districts as d
from tests.support import given as g
from tests.support.people import REASON, Story, altered, only

UP = ("escalate", REASON)
ASK = ("request_return", REASON)
BACK = ("request_pass_back", REASON)
WITH_TOWN: g.Steps = (*g.GRADED, (g.COMMUNITY, UP))
TAKEN: g.Steps = (*WITH_TOWN, (g.TOWN, "accept_handover"))


def dispatched(lead: str = d.WATER) -> g.Steps:
    return ((g.DISPATCHER, ("dispatch", {"lead": lead})),)


def returned(actor: Actor = g.WATER, lead: str = d.WATER) -> g.Steps:
    return (*dispatched(lead), (actor, ASK), (g.DISPATCHER, "uphold_return"))


TWICE: g.Steps = (*g.GRADED, *returned(), *returned())


def test_a_return_goes_to_whoever_dispatched_it_and_what_was_filled_in_stays() -> None:
    story = Story((g.GRID, g.report(data={"people": 3})), *g.GRADED[1:])
    story.given((g.COMMUNITY, UP), (g.TOWN, "accept_handover"))
    story.given((g.TOWN, ("dispatch", {"lead": d.WATER})), (g.WATER, ASK))
    story.when(g.TOWN, "uphold_return").then("return-upheld", "clock-cancelled")
    upheld = only(story, f.ReturnUpheld)
    assert upheld.holder == upheld.charged_to == g.unit(d.TOWN)
    assert story.case.data == {"people": 3}
    assert story.case.severity == "serious"


def test_whoever_gets_it_back_fixes_or_dispatches_it_but_never_pushes_it_forward() -> None:
    story = Story(*g.GRADED, *returned())
    for action in (("hand_down", {"to": d.WATER}), UP):
        assert "退回" in str(story.when(g.COMMUNITY, action).refused("guard-failed"))
    story.given((g.COMMUNITY, ("reclassify", {"category": "市容"})))
    story.when(g.COMMUNITY, ("dispatch", {"lead": d.HOUSING}))
    story.then("case-assigned", "clock-started")
    story.when(g.HOUSING, "start_handling").then("handling-started")


def test_after_another_dispatch_came_back_it_is_still_not_pushed_forward() -> None:
    story = Story(*g.GRADED, *returned(), *returned(g.HOUSING, d.HOUSING))
    story.when(g.COMMUNITY, UP).refused("guard-failed")


def test_what_was_handed_on_is_returned_before_it_is_accepted() -> None:
    story = Story(*WITH_TOWN).when(g.TOWN, BACK).then("return-requested")
    story.when(g.TOWN, "uphold_pass_back").refused("role-forbidden")
    story.when(g.COMMUNITY, "uphold_pass_back").then("return-upheld", "clock-cancelled")
    assert story.case.holder == g.unit(d.COMMUNITY)
    assert story.case.stage == "awaiting_dispatch"
    assert story.case.routing.hops == 1
    assert only(story, f.ClockCancelled).charged_to == g.unit(d.COMMUNITY)
    story.when(g.COMMUNITY, BACK).refused("return-not-allowed")


def test_a_refused_one_stays_and_may_be_accepted() -> None:
    story = Story(*WITH_TOWN, (g.TOWN, BACK))
    story.when(g.COMMUNITY, ("refuse_pass_back", REASON)).then("return-refused")
    story.when(g.TOWN, "accept_handover").then("handover-accepted", "clock-stopped")
    story.when(g.TOWN, BACK).refused("return-not-allowed")


def test_accepting_withdraws_the_own_request() -> None:
    story = Story(*WITH_TOWN, (g.TOWN, BACK), (g.TOWN, "accept_handover"))
    assert story.case.requests == ()
    story.when(g.COMMUNITY, "uphold_pass_back").refused("unknown-field")


@pytest.mark.parametrize(("seconds", "code"), [(0, None), (1, "return-not-allowed")])
def test_a_handover_is_returned_within_two_working_days(seconds: int, code: str | None) -> None:
    last = datetime.fromisoformat("2026-10-14T18:00:00+08:00")
    story = Story(*WITH_TOWN).at(last + timedelta(seconds=seconds)).when(g.TOWN, BACK)
    assert story.refusal is None if code is None else story.refused(code)


def test_what_came_back_may_be_returned_further_even_by_a_unit_that_had_accepted() -> None:
    story = Story(*TAKEN, *returned()).at("2026-10-20T10:00:00+08:00")
    assert story.case.holder == g.unit(d.TOWN)
    story.when(g.TOWN, BACK).then("return-requested")
    story.when(g.COMMUNITY, "uphold_pass_back")
    assert story.case.holder == g.unit(d.COMMUNITY)
    story.when(g.COMMUNITY, UP).refused("guard-failed")


def test_the_first_unit_has_nobody_to_return_it_to() -> None:
    refusal = Story(*g.GRADED, *returned()).when(g.COMMUNITY, BACK).refused("return-not-allowed")
    assert "首接负责" in str(refusal)


def test_the_second_return_between_the_same_two_units_is_flagged() -> None:
    story = Story(*g.GRADED, *returned(), *dispatched(), (g.WATER, ASK))
    story.when(g.DISPATCHER, "uphold_return")
    story.then("return-upheld", "return-flagged", "clock-cancelled")
    flag = only(story, f.ReturnFlagged)
    assert (flag.returner, flag.dispatcher) == (g.unit(d.WATER), g.unit(d.COMMUNITY))
    assert (flag.times, flag.returns, flag.holder) == (2, 2, g.unit(d.COMMUNITY))


def test_two_returns_by_different_units_are_no_repetition() -> None:
    story = Story(*g.GRADED, *returned(), *dispatched(d.HOUSING), (g.HOUSING, ASK))
    story.when(g.DISPATCHER, "uphold_return").then("return-upheld", "clock-cancelled")
    assert len(story.case.routing.returns) == 2


def test_the_third_return_is_for_the_centre() -> None:
    story = Story(*TWICE, *dispatched(d.HOUSING), (g.HOUSING, ASK))
    for action in ("uphold_return", ("refuse_return", REASON)):
        assert "区县中心" in str(story.when(g.COMMUNITY, action).refused("guard-failed"))
    story.when(g.DISPATCHER, "uphold_return").then("return-upheld", "clock-cancelled")
    upheld = only(story, f.ReturnUpheld)
    assert (upheld.holder, upheld.charged_to) == (g.unit(d.COUNTY), g.unit(d.COMMUNITY))


def test_then_the_centre_names_who_handles_it_and_that_cannot_be_returned() -> None:
    name = ("designate", {"lead": d.WATER, **REASON})
    story = Story(*TWICE)
    story.when(g.DISPATCHER, name).refused("guard-failed")
    story.given(*returned(g.HOUSING, d.HOUSING))
    story.when(g.DISPATCHER, ("dispatch", {"lead": d.WATER})).refused("guard-failed")
    story.when(g.COMMUNITY, name).refused("role-forbidden")
    story.when(g.DISPATCHER, name).then("case-assigned", "assignment-bound", "clock-started")
    assert only(story, f.AssignmentBound).lead == g.unit(d.WATER)
    story.when(g.WATER, ASK).refused("return-not-allowed")
    story.when(g.WATER, "start_handling").then("handling-started")


def test_it_goes_back_to_the_dispatcher_also_where_another_fact_moved_it_first() -> None:
    noted = ("    emits: [case-assigned]\n", "    emits: [note-recorded, case-assigned]\n")
    story = Story(*g.GRADED, *returned(), kind=altered(noted))
    assert story.case.holder == g.unit(d.COMMUNITY)


def test_who_returned_its_own_dispatch_may_still_return_it_further() -> None:
    itself = (g.TOWN, ("dispatch", {"lead": d.TOWN}))
    story = Story(*TAKEN, itself, (g.TOWN, ASK), (g.DISPATCHER, "uphold_return"))
    assert story.case.holder == g.unit(d.TOWN)
    story.when(g.TOWN, BACK).then("return-requested")
