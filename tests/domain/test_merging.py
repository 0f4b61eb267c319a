"""并案 and 拆分: no caller is ever forgotten."""

from typing import Any

import pytest
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor
from tests.support import districts as d
from tests.support import given as g
from tests.support.neighbours import (
    ACCEPTED,
    CLOSED,
    CLOSING,
    HANDLING,
    REASON,
    Neighbour,
    Neighbours,
)

SOURCE = f.SourceReference("hotline", "12345-1")
CALLED = ((g.INTEGRATOR, g.report(unit=d.GRID, source=SOURCE, content="x.")),)
RATED = (g.INTEGRATOR, ("rate", {"satisfaction": 5}))


def into(primary: Neighbour) -> tuple[Actor, Any]:
    return (g.DISPATCHER, ("merge", {"into": primary.case.id}))


UNMERGED = (g.DISPATCHER, ("unmerge", REASON))


def test_a_duplicate_joins_its_primary_with_its_own_source() -> None:
    town = Neighbours()
    primary, duplicate = town.case(*HANDLING), town.case(*CALLED)
    duplicate.when(*into(primary))
    duplicate.then("case-merged", "clock-cancelled", "clock-cancelled")
    assert [one.TYPE for one in duplicate.elsewhere(primary.case)] == ["duplicate-joined"]
    assert duplicate.now_is.stage == "merged"
    assert duplicate.now_is.aftercare.merged_into == primary.case.id
    care = primary.now_is.aftercare
    assert [one.id for one in care.joined] == [duplicate.case.id]
    assert care.sources == (SOURCE,)
    assert primary.now_is.stage == "handling", "the primary does not move"


def test_every_caller_is_answered_when_the_primary_closes_and_may_rate() -> None:
    town = Neighbours()
    primary = town.case(*HANDLING)
    early, late = town.case(*CALLED), town.case(*ACCEPTED)
    early.told(into(primary))
    early.when(*RATED).refused("guard-failed")
    primary.told(*CLOSING[:-1])
    late.told(into(primary))
    primary.when(*CLOSING[-1])
    for duplicate in (early, late):
        [answer] = primary.elsewhere(duplicate.case)
        assert isinstance(answer, f.DuplicateAnswered)
        assert (answer.primary, answer.grade) == (primary.case.id, "substantive")
        assert primary.texts(duplicate.case) == {"reply": "已修好"}
        duplicate.later(hours=1).when(*RATED).then("case-rated")
        duplicate.when(*RATED).refused("already-rated")


def test_who_was_parted_before_is_not_answered_and_goes_on_where_it_was() -> None:
    town = Neighbours()
    primary, stays, parts = town.case(*HANDLING), town.case(*CALLED), town.case(*ACCEPTED)
    stays.told(into(primary))
    parts.told(into(primary))
    parts.when(*UNMERGED).then("case-unmerged", "clock-started")
    assert [one.TYPE for one in parts.elsewhere(primary.case)] == ["duplicate-parted"]
    assert parts.now_is.stage == "awaiting_grading"
    assert parts.now_is.phase == "community_response"
    assert [one.id for one in primary.now_is.aftercare.joined] == [stays.case.id]
    primary.told(*CLOSING[:-1]).when(*CLOSING[-1])
    assert primary.elsewhere(parts.case) == []
    assert len(primary.elsewhere(stays.case)) == 1


def test_each_result_is_answered_also_after_a_redo() -> None:
    town = Neighbours()
    primary, duplicate = town.case(*HANDLING), town.case(*CALLED)
    duplicate.told(into(primary))
    primary.told(*CLOSING)
    duplicate.later(hours=1).told(RATED)
    cross = {"solved": False, "satisfaction": 1, **REASON}
    primary.later(hours=2).told((g.DISPATCHER, ("redo", cross)), *CLOSING[:-1])
    primary.when(*CLOSING[-1])
    assert len(primary.elsewhere(duplicate.case)) == 1
    duplicate.later(hours=3).when(*RATED).then("case-rated")


def test_who_had_joined_a_duplicate_moves_along_with_it() -> None:
    town = Neighbours()
    first, second, third = (town.case(*HANDLING), town.case(*HANDLING), town.case(*ACCEPTED))
    third.told(into(second))
    second.when(*into(first))
    assert second.elsewhere(first.case) != []
    assert [one.id for one in first.now_is.aftercare.joined] == [second.case.id, third.case.id]
    assert second.now_is.aftercare.joined == ()
    assert third.now_is.aftercare.merged_into == first.case.id
    first.told(*CLOSING[:-1]).when(*CLOSING[-1])
    for duplicate in (second, third):
        assert [one.TYPE for one in first.elsewhere(duplicate.case)] == ["duplicate-answered"]
    third.later(hours=1).when(*UNMERGED).then("case-unmerged", "clock-started")
    assert third.now_is.stage == "awaiting_grading", "it goes back to where it was at first"


def test_not_accepting_the_primary_answers_its_duplicates_too() -> None:
    town = Neighbours()
    primary, duplicate = town.case(*CALLED), town.case(*CALLED)
    duplicate.told(into(primary))
    refused = ("not_accept", {"reason_code": "no_substance", "reason": "查无此事"})
    primary.told((g.COMMUNITY, refused)).when(g.DISPATCHER, "confirm_non_acceptance")
    [answer] = primary.elsewhere(duplicate.case)
    assert isinstance(answer, f.DuplicateAnswered)
    assert (answer.ending, answer.grade) == ("not_accepted", None)


def test_a_case_does_not_vanish_under_its_duplicates() -> None:
    town = Neighbours()
    primary, duplicate = town.case(*CALLED), town.case(*CALLED)
    duplicate.told(into(primary))
    refusal = primary.when(g.INTEGRATOR, ("withdraw", REASON)).refused("duplicates-joined")
    assert duplicate.case.number in str(refusal)


def test_what_cannot_be_a_primary_is_refused_with_its_reason() -> None:
    town = Neighbours()
    first, second, closed = town.case(*HANDLING), town.case(*HANDLING), town.case(*CLOSED)
    other = town.case(*CALLED)
    assert "自己" in str(other.when(*into(other)).refused("merge-not-allowed", "/data/into"))
    assert "办结" in str(other.when(*into(closed)).refused("merge-not-allowed"))
    second.told(into(first))
    refusal = other.when(*into(second)).refused("merge-not-allowed")
    assert first.case.number in str(refusal), "the final primary is named"
    absent = ("merge", {"into": "6f0c4a53-94b9-4a6f-8f0a-ffffffffffff"})
    other.when(g.DISPATCHER, absent).refused("not-found", "/data/into")
    reply = replace(first.now_is, kind="public-reply")
    town.cases[first.case.id] = reply
    assert "类型" in str(other.when(*into(first)).refused("merge-not-allowed"))


def test_a_case_is_split_into_cases_of_their_own() -> None:
    town = Neighbours()
    parent = town.case(*CALLED)
    parent.later(hours=2)
    form = {
        "titles": ["井盖破损", "路灯不亮"],
        "descriptions": ["东门口"],
        "units": [d.GRID, d.OTHER_COMMUNITY],
        "categories": ["市政", "照明"],
    }
    parent.when(g.DISPATCHER, ("split", form))
    [fact] = parent.facts(f.CaseSplit)
    assert isinstance(fact, f.CaseSplit)
    assert [one.number for one in fact.parts] == [f"{parent.case.number}-{n}" for n in (1, 2)]
    first, second = (town.cases[one.id] for one in fact.parts)
    assert parent.now_is.stage == "split"
    assert (first.stage, first.category, second.category) == ("reported", "市政", "照明")
    assert second.place == g.unit(d.OTHER_COMMUNITY)
    assert second.holder == g.unit(d.OTHER_COMMUNITY)
    assert first.source is None
    assert first.aftercare.sources == (SOURCE,), "only a further reference"
    assert parent.texts(first) == {"title": "井盖破损", "description": "东门口"}
    assert parent.texts(second) == {"title": "路灯不亮"}


def test_a_part_has_waited_since_its_parent_was_reported_its_staff_since_now() -> None:
    town = Neighbours()
    parent = town.case(*CALLED)
    parent.later(hours=2).when(g.DISPATCHER, ("split", {"titles": ["甲", "乙"]}))
    [fact] = parent.facts(f.CaseSplit)
    assert isinstance(fact, f.CaseSplit)
    part = town.cases[fact.parts[0].id]
    total, acceptance = part.clock("total"), part.clock("acceptance")
    assert total is not None
    assert acceptance is not None
    assert total.started_at == parent.case.reported_at == part.reported_at
    assert acceptance.started_at == parent.now


@pytest.mark.parametrize("titles", [["一件"], [f"第{n}件" for n in range(21)]])
def test_a_case_is_split_into_two_to_twenty(titles: list[str]) -> None:
    story = Neighbours().case(*CALLED).when(g.DISPATCHER, ("split", {"titles": titles}))
    story.refused("unknown-field", "/data/titles")


def test_there_are_no_more_units_than_titles() -> None:
    form = {"titles": ["甲", "乙"], "units": [d.GRID, d.GRID, d.GRID]}
    story = Neighbours().case(*CALLED).when(g.DISPATCHER, ("split", form))
    story.refused("unknown-field", "/data/units")


def test_an_unknown_unit_of_a_part_is_named_by_its_place() -> None:
    form = {"titles": ["甲", "乙"], "units": [d.GRID, "没有"]}
    story = Neighbours().case(*CALLED).when(g.DISPATCHER, ("split", form))
    story.refused("unknown-unit", "/data/units/1")


def test_what_was_hidden_in_the_parent_is_hidden_in_its_parts() -> None:
    town = Neighbours()
    parent = town.case((g.INTEGRATOR, g.report(unit=d.GRID, identity="hidden")))
    recused = ("declare_recusal", {"unit": d.WATER, **REASON})
    parent.told((g.DISPATCHER, recused))
    parent.when(g.DISPATCHER, ("split", {"titles": ["甲", "乙"]}))
    [fact] = parent.facts(f.CaseSplit)
    assert isinstance(fact, f.CaseSplit)
    for one in fact.parts:
        privacy = town.cases[one.id].privacy
        assert privacy.hidden
        assert privacy.units == (g.unit(d.WATER),)
