"""承接单位: after a re-division no place of an open case names a unit that is no more."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.case import Case
from domain.clock import Clock
from domain.commands import Reallot
from domain.decide import decide
from domain.directory import Directory, fold_directory
from domain.divisions import check_division, facts_of, succession
from domain.evolve import fold
from domain.roles import plays
from tests.domain.test_divisions import NEW_EAST, NEW_WEST, SPLIT, after, decreed, into, new
from tests.support import accountable as a
from tests.support import districts as d
from tests.support import given as g
from tests.support.filled import MOMENT, filled, units_in

NOW = MOMENT + timedelta(days=30)
GONE = g.unit(d.COMMUNITY)
MERGED = (new(NEW_EAST), into(d.COMMUNITY, NEW_EAST), into(d.OTHER_COMMUNITY, NEW_EAST))
HISTORIES = {
    "clocks.1.answerable",  # a clock that ended: who answered for it then
    "accountability.leaders.0.unit",  # whom another replaced before
    "accountability.responsible.0.units.0",
    "accountability.duties.1.unit",  # a duty that was fulfilled
}
"""Places that keep the unit that was: what is over."""


def full(unit: f.Unit = GONE) -> Case:
    """Return an open case that names the unit in every place there is, and in histories too."""
    case = filled(Case, unit)
    [clock], [leader], [duty] = case.clocks, case.accountability.leaders, case.accountability.duties
    [responsible] = case.accountability.responsible
    ended: Clock = replace(clock, name="other", status="stopped")
    who = replace(
        case.accountability,
        leaders=(leader, replace(leader, since=MOMENT + timedelta(days=1))),
        responsible=(responsible, replace(responsible, since=MOMENT + timedelta(days=1))),
        duties=(duty, replace(duty, name="other", status="fulfilled")),
    )
    return replace(
        case, clocks=(clock, ended), accountability=who, kind_hash=g.kind("closed-loop").hash
    )


def followed(case: Case, directory: Directory) -> Case:
    """Return the case once it followed its units."""
    facts = succession(case, "2026-1", directory, NOW)
    return fold(case, [(fact, NOW) for fact in facts])


def named(case: Case, directory: Directory) -> set[str]:
    """Return the places that name a unit which is no more, or by a path that is no more."""
    return {
        where
        for where, unit in units_in(case)
        if directory.units[unit.id].dissolved or unit.path != directory.units[unit.id].path
    }


@pytest.mark.parametrize("parts", [MERGED, SPLIT], ids=["merged", "split"])
def test_no_place_of_an_open_case_names_a_dissolved_unit_but_what_is_over(parts: Any) -> None:  # noqa: ANN401 - of two sorts
    there, case = after(*parts), full()
    assert len({where for where, _ in units_in(case)}) > 25
    moved = followed(case, there)
    assert named(moved, there) == HISTORIES
    assert succession(moved, "2026-1", there, NOW) == [], "what follows already has nothing left"


def test_a_unit_that_moves_is_named_with_its_new_path_everywhere() -> None:
    there = after(f.DivisionMove(d.COMMUNITY, d.OTHER_TOWN, ()))
    moved = followed(full(), there)
    assert named(moved, there) == HISTORIES


def test_no_time_of_a_clock_changes() -> None:
    case = full()
    moved = followed(case, after(*MERGED))
    without = [replace(clock, answerable=None) for clock in moved.clocks]
    assert without == [replace(clock, answerable=None) for clock in case.clocks]


def test_what_was_said_of_other_units_stays() -> None:
    case = full(g.unit(d.WATER))
    assert succession(case, "2026-1", after(*MERGED), NOW) == []


def test_the_fact_tells_each_unit_once_and_who_stands_in_its_place() -> None:
    there = after(*MERGED)
    [*_, fact] = succession(full(), "2026-1", there, NOW)
    assert isinstance(fact, f.UnitsSucceeded)
    assert fact.units == (f.UnitPassed(d.COMMUNITY, there.unit(NEW_EAST)),)
    assert fact.recused == (f.RecusalPassed(d.COMMUNITY, (there.unit(NEW_EAST),)),)


def test_a_call_passes_though_the_case_itself_is_not_reallotted() -> None:
    whistle = {"departments": [d.HOUSING], "reason": "需要会商"}
    called = g.given(*g.GRADED, (g.COMMUNITY, ("blow_whistle", whistle)))
    there = divided(into(d.HOUSING, d.WATER))
    assert not plays_called(called.case, there)
    facts = decided(called, there)
    assert [fact.TYPE for fact in facts] == ["units-succeeded"]
    moved = fold(called.case, [(fact, called.now) for fact in facts])
    assert moved.routing.called == {d.WATER}
    assert plays_called(moved, there)
    assert not moved.filing.to_allot


def plays_called(case: Case, directory: Directory) -> bool:
    """Whether the department that took the called one over may report in."""
    action = g.kind("closed-loop").actions["report_in"]
    return any(plays(rule, case, g.WATER, directory) for rule in action.by)


def divided(*parts: f.NewUnit | f.DivisionMove) -> Directory:
    decree = decreed(*parts)
    check_division(decree, a.directory())
    return fold_directory(a.directory(), [decree, *facts_of(decree, a.directory())])


def decided(story: g.Story, there: Directory) -> list[f.Fact]:
    world = replace(story.world(Actor(role=Role.ADMIN)), directory=there)
    drafts = decide(Reallot("2026-1"), story.case, world)
    return [draft.fact for draft in drafts]


def test_a_recusal_passes_to_every_successor_and_none_of_them_holds_the_case() -> None:
    story = g.given(
        *g.GRADED,
        (g.DISPATCHER, ("declare_recusal", {"unit": d.OTHER_COMMUNITY, "reason": "亲属"})),
    )
    there = after(*MERGED)
    moved = followed(story.case, there)
    assert [unit.id for unit in moved.privacy.units] == [NEW_EAST]
    assert moved.holder is not None
    assert moved.holder.id == d.TOWN, "its successor is recused: the unit above holds it"
    split = after(new(NEW_EAST), new(NEW_WEST), into(d.OTHER_COMMUNITY, NEW_EAST, NEW_WEST))
    both = followed(story.case, split)
    assert [unit.id for unit in both.privacy.units] == [NEW_EAST, NEW_WEST]
    assert both.holder == story.case.holder


def test_a_closed_case_stays_and_follows_when_it_is_opened_again() -> None:
    story = g.given(*g.CLOSED)
    there = after(*MERGED)
    assert decided(story, there) == []
    world = replace(story.world(g.DISPATCHER), directory=there)
    drafts = decide(g.actions(("reopen", {"reason": "问题反复"}))[0], story.case, world)
    moved = fold(story.case, [(draft.fact, draft.occurred_at) for draft in drafts])
    assert moved.accepted_by is not None
    assert moved.accepted_by.id == NEW_EAST
    assert not any(there.units[unit.id].dissolved for _, unit in units_in(moved.routing))
    assert {clock.answerable.id for clock in moved.open_clocks if clock.answerable} <= {
        NEW_EAST,
        d.WATER,
        d.TOWN,
    }


def test_before_a_division_nothing_follows_a_reopening() -> None:
    story = g.given(*g.CLOSED).when(g.DISPATCHER, ("reopen", {"reason": "问题反复"}))
    assert story.facts(f.CaseReallotted, f.UnitsSucceeded) == []


def test_what_is_allotted_by_hand_takes_along_what_goes_with_holding_it() -> None:
    story = g.given((g.INTEGRATOR, g.report(unit=d.COMMUNITY)), (g.COMMUNITY, "accept"))
    there = after(*SPLIT)
    story.case = followed(story.case, there)
    assert story.case.routing.responsible is not None
    assert story.case.routing.responsible.id == d.TOWN
    world = replace(story.world(g.DISPATCHER), directory=there)
    drafts = decide(g.actions(("allot", {"place": d.GRID}))[0], story.case, world)
    moved = fold(story.case, [(draft.fact, draft.occurred_at) for draft in drafts])
    assert moved.routing.responsible is not None
    assert moved.routing.responsible.id == NEW_EAST
    assert moved.holder == moved.routing.responsible
