"""拆分: whoever reported several issues at once is answered when the last of them is settled."""

from typing import Any, Final

import pytest

from domain import facts as f
from tests.support import districts as d
from tests.support import given as g
from tests.support.neighbours import CLOSING, HANDLING, REASON, Neighbour, Neighbours

REPORTED: Final = ((g.INTEGRATOR, g.report(unit=d.GRID)),)
RATED: Final = (g.INTEGRATOR, ("rate", {"satisfaction": 4}))
TO_HANDLING: Final = HANDLING[1:]
CROSS: Final = {"solved": False, "satisfaction": 1, **REASON}


def split(town: Neighbours, case: Neighbour, *titles: str) -> list[Neighbour]:
    """Split a case, and return the stories of its parts."""
    form: dict[str, Any] = {"titles": list(titles), "units": [d.GRID] * len(titles)}
    case.later(hours=1).told((g.DISPATCHER, ("split", form)))
    return [town.known(one.id, case) for one in case.now_is.split.parts]


def closed(case: Neighbour, *steps: Any) -> Neighbour:  # noqa: ANN401 - who, and what
    """Let all this happen, and then its closing; what the last step wrote can be looked at."""
    return case.told(*steps, *CLOSING[:-1]).when(*CLOSING[-1])


def types(facts: list[f.Fact]) -> list[str]:
    return [one.TYPE for one in facts]


def test_the_caller_is_answered_when_the_last_part_closes_and_may_rate() -> None:
    town = Neighbours()
    parent = town.case(*REPORTED)
    first, second = split(town, parent, "井盖", "路灯")
    assert "2 件" in str(parent.when(*RATED).refused("guard-failed"))
    closed(first, *TO_HANDLING)
    [ended] = first.elsewhere(parent.case)
    assert isinstance(ended, f.PartEnded)
    assert (ended.part, ended.grade, ended.left) == (first.case.id, "substantive", 1)
    assert first.texts(parent.case) == {"reply": "已修好"}, "its reply is the caller's too"
    parent.later(hours=1).when(*RATED).refused("guard-failed")
    closed(second.later(hours=2), *TO_HANDLING)
    ended, answered = second.elsewhere(parent.case)
    assert isinstance(ended, f.PartEnded)
    assert isinstance(answered, f.SplitAnswered)
    assert (ended.left, answered.parts) == (0, 2)
    assert parent.now_is.stage == "split", "the parent does not move"
    parent.later(hours=6).when(*RATED).then("case-rated")
    parent.when(*RATED).refused("already-rated")


@pytest.mark.parametrize(
    "ends",
    [
        (g.INTEGRATOR, ("withdraw", REASON)),
        (g.DISPATCHER, ("transfer_out", {"system": "hotline", **REASON})),
    ],
    ids=["withdrawn", "transferred"],
)
def test_a_part_counts_however_it_ends(ends: Any) -> None:  # noqa: ANN401 - who, and what
    town = Neighbours()
    parent = town.case(*REPORTED)
    first, second = split(town, parent, "井盖", "路灯")
    closed(first, *TO_HANDLING)
    second.when(*ends)
    ended, answered = second.elsewhere(parent.case)
    assert isinstance(ended, f.PartEnded)
    assert (ended.ending, ended.grade) == (second.now_is.stage, None)
    assert isinstance(answered, f.SplitAnswered)


def test_a_part_that_was_merged_waits_for_its_primary() -> None:
    town = Neighbours()
    parent, primary = town.case(*REPORTED), town.case(*HANDLING)
    first, second = split(town, parent, "井盖", "路灯")
    first.when(g.DISPATCHER, ("merge", {"into": primary.case.id}))
    assert first.elsewhere(parent.case) == [], "its end is no result"
    closed(second, *TO_HANDLING)
    assert types(second.elsewhere(parent.case)) == ["part-ended"]
    closed(primary.later(hours=3))
    assert types(primary.elsewhere(first.case)) == ["duplicate-answered"]
    assert types(primary.elsewhere(parent.case)) == ["part-ended", "split-answered"]
    parent.later(hours=9).when(*RATED).then("case-rated")


def test_both_parts_merged_into_one_case_answer_the_caller_once() -> None:
    town = Neighbours()
    parent, primary = town.case(*REPORTED), town.case(*HANDLING)
    for part in split(town, parent, "井盖", "路灯"):
        part.told((g.DISPATCHER, ("merge", {"into": primary.case.id})))
    closed(primary.later(hours=3))
    told = types(primary.elsewhere(parent.case))
    assert told == ["part-ended", "part-ended", "split-answered"]


def test_a_part_that_is_split_again_has_its_result_when_its_own_parts_have() -> None:
    town = Neighbours()
    parent = town.case(*REPORTED)
    first, second = split(town, parent, "井盖", "路灯")
    inner = split(town, second, "灯杆", "灯泡")
    closed(first.later(hours=2), *TO_HANDLING)
    closed(inner[0].later(hours=2), *TO_HANDLING)
    assert types(first.elsewhere(parent.case)) == ["part-ended"]
    closed(inner[1].later(hours=2), *TO_HANDLING)
    for waiting in (second, parent):
        told = types(inner[1].elsewhere(waiting.case))
        assert told == ["part-ended", "split-answered"]


def test_whoever_had_joined_a_case_that_is_split_is_answered_with_its_caller() -> None:
    town = Neighbours()
    parent, duplicate = town.case(*REPORTED), town.case(*REPORTED)
    duplicate.told((g.DISPATCHER, ("merge", {"into": parent.case.id})))
    first, second = split(town, parent, "井盖", "路灯")
    closed(first, *TO_HANDLING)
    duplicate.when(*RATED).refused("guard-failed")
    closed(second, *TO_HANDLING)
    [answer] = second.elsewhere(duplicate.case)
    assert isinstance(answer, f.DuplicateAnswered)
    assert (answer.primary, answer.ending, answer.grade) == (parent.case.id, "split", None)
    duplicate.later(hours=9).when(*RATED).then("case-rated")


def test_a_part_that_is_redone_answers_once_more() -> None:
    town = Neighbours()
    parent = town.case(*REPORTED)
    parts = split(town, parent, "井盖", "路灯")
    for part in parts:
        closed(part, *TO_HANDLING)
    parent.later(hours=9).when(*RATED).then("case-rated")
    closed(parts[0].later(hours=9), (g.DISPATCHER, ("redo", CROSS)))
    assert types(parts[0].elsewhere(parent.case)) == ["part-ended", "split-answered"]
    parent.later(hours=9).when(*RATED).then("case-rated")


def test_while_one_part_is_redone_the_other_answers_nobody_for_both() -> None:
    town = Neighbours()
    parent = town.case(*REPORTED)
    first, second = split(town, parent, "井盖", "路灯")
    closed(first, *TO_HANDLING)
    first.later(hours=1).told((g.DISPATCHER, ("redo", CROSS)))
    closed(second.later(hours=2), *TO_HANDLING)
    assert types(second.elsewhere(parent.case)) == ["part-ended"]
    closed(first.later(hours=3))
    assert types(first.elsewhere(parent.case)) == ["part-ended", "split-answered"]
