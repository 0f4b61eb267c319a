"""申诉: by the handling unit, in time, once for each ground, decided by two who agree."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.actor import Actor, Role
from tests.support import given as g
from tests.support.neighbours import CLOSED, CLOSING, HANDLING, REASON, Neighbour, Neighbours

ANNE = Actor(role=Role.SUPERVISOR, person="9a3e2c71-6a0d-4f6d-8d0e-5b6a7c8d9e01")
BERT = replace(ANNE, person="7b6a5c4d-3e2f-4a1b-8c9d-0e1f2a3b4c03")
CARL = replace(ANNE, person="4d1f0b8a-2c3e-4a5b-9c6d-7e8f9a0b1c02")
LATE = (*HANDLING,)
REDONE = ((g.DISPATCHER, ("redo", {"solved": False, "satisfaction": 1, **REASON})), *CLOSING)


def lodge(ground: str) -> tuple[Actor, tuple[str, dict[str, object]]]:
    return (g.WATER, ("lodge_appeal", {"ground": ground, **REASON}))


def review(who: Actor, view: str, **more: object) -> tuple[Actor, tuple[str, dict[str, object]]]:
    return (who, ("review_appeal", {"view": view, **REASON, **more}))


def redone() -> Neighbour:
    return Neighbours().case(*CLOSED, *REDONE)


def test_two_who_agree_uphold_and_the_facts_stay() -> None:
    story = redone().when(*lodge("rework")).then("appeal-lodged")
    assert [one.ground for one in story.case.aftercare.appeals] == ["rework"]
    story.when(*review(ANNE, "uphold")).then("appeal-reviewed")
    story.when(*review(BERT, "uphold")).then("appeal-reviewed", "appeal-upheld")
    assert story.case.aftercare.appeals == ()
    assert story.case.aftercare.redo == 1, "what happened stays as it was"


def test_two_who_agree_dismiss() -> None:
    story = redone().told(lodge("rework"), review(ANNE, "dismiss"))
    story.when(*review(BERT, "dismiss")).then("appeal-reviewed", "appeal-dismissed")


def test_a_third_reviewer_decides_where_two_differ() -> None:
    story = redone().told(lodge("rework"), review(ANNE, "uphold"))
    story.when(*review(BERT, "dismiss")).then("appeal-reviewed")
    story.when(*review(CARL, "dismiss")).then("appeal-reviewed", "appeal-dismissed")


def test_nobody_reviews_twice_nor_their_own() -> None:
    story = redone().told(lodge("rework"), review(ANNE, "uphold"))
    story.when(*review(ANNE, "uphold")).refused("same-person")
    own = replace(BERT, person=None, role=Role.SUPERVISOR)
    story.told(review(own, "uphold"))
    assert story.case.aftercare.appeals == ()


def test_a_ground_is_appealed_to_once_even_after_it_was_dismissed() -> None:
    story = redone().told(lodge("rework"), review(ANNE, "dismiss"), review(BERT, "dismiss"))
    story.when(*lodge("rework")).refused("appeal-not-allowed", "/data/ground")
    story.when(*lodge("dissatisfaction")).then("appeal-lodged")


def test_several_appeals_are_told_apart_by_number() -> None:
    story = redone().told(lodge("rework"), lodge("dissatisfaction"))
    story.when(*review(ANNE, "uphold")).refused("unknown-field", "/data/appeal")
    story.when(*review(ANNE, "uphold", appeal=2)).then("appeal-reviewed")
    assert [len(one.views) for one in story.case.aftercare.appeals] == [0, 1]


@pytest.mark.parametrize("ground", ["overdue", "rework", "dissatisfaction"])
def test_nothing_is_appealed_that_did_not_happen(ground: str) -> None:
    Neighbours().case(*CLOSED).when(*lodge(ground)).refused("appeal-not-allowed", "/data/ground")


def test_a_breach_may_be_appealed_to() -> None:
    story = Neighbours().case(*HANDLING)
    story.later(days=20).told(*CLOSING)
    story.when(*lodge("overdue")).then("appeal-lodged")


def test_only_the_handling_unit_appeals() -> None:
    wanted = ("lodge_appeal", {"ground": "rework", **REASON})
    redone().when(g.COMMUNITY, wanted).refused("role-forbidden")


def test_five_working_days_are_counted_by_the_calendar() -> None:
    # Closed on a Monday: the fifth working day is the Monday after, to its last second.
    story = redone()
    closed = story.case.closed_at
    assert closed is not None
    assert closed.weekday() == 0
    story.now = (closed + timedelta(days=7)).replace(hour=15, minute=0)
    story.when(*lodge("rework")).then("appeal-lodged")
    late = redone()
    late.now = (closed + timedelta(days=7)).replace(hour=16, minute=1)
    refusal = late.when(*lodge("rework")).refused("appeal-late")
    assert refusal.details["last"] is not None


def test_an_appeal_needs_a_reason() -> None:
    story = redone().when(g.WATER, ("lodge_appeal", {"ground": "rework"}))
    story.refused("evidence-missing")
