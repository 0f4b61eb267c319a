"""Re-division, purely: what a decree makes of the tree, and where open cases go."""

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.commands import Reallot
from domain.decide import decide
from domain.directory import Directory, fold_directory
from domain.divisions import BadDivision, check_division, facts_of, succession
from domain.evolve import evolve, fold
from domain.world import World
from tests.support import districts as d
from tests.support import given as g

ON = date(2026, 10, 12)
NEW_EAST, NEW_WEST = "E1", "W1"
SECOND_GRID = "61032710000102"
HOUSE = "61032710000101B1"
FOLLOWING = (f.CaseReallotted, f.UnitsSucceeded, f.PartyNotified)
"""What follows from a re-division for a case that it concerns, in this order."""


def grown() -> Directory:
    """Return the small directory with one more grid and a building."""
    made = [
        ("grid", SECOND_GRID, "东街二网格", d.COMMUNITY),
        ("building", HOUSE, "1号楼", d.GRID),
    ]
    return fold_directory(
        g.directory(),
        [
            f.UnitEstablished(unit=code, code=code, name=name, level=level, parent=parent)
            for level, code, name, parent in made
        ],
    )


BEFORE = grown()


def new(code: str, level: str = "community", parent: str = d.TOWN) -> f.NewUnit:
    return f.NewUnit(code, code, f"{code}社区", level, parent)


def move(unit: str, parent: str) -> f.DivisionMove:
    return f.DivisionMove(unit, parent, ())


def into(unit: str, *successors: str) -> f.DivisionMove:
    return f.DivisionMove(unit, None, successors)


def decreed(*parts: f.NewUnit | f.DivisionMove) -> f.DivisionDecreed:
    return f.DivisionDecreed(
        division="2026-1",
        on=ON,
        established=tuple(one for one in parts if isinstance(one, f.NewUnit)),
        moves=tuple(one for one in parts if isinstance(one, f.DivisionMove)),
    )


def after(*parts: f.NewUnit | f.DivisionMove) -> Directory:
    decree = decreed(*parts)
    check_division(decree, BEFORE)
    there = fold_directory(BEFORE, [decree, *facts_of(decree, BEFORE)])
    assert facts_of(decree, there) == [], "carried out, nothing is left"
    return there


SPLIT = (
    new(NEW_EAST),
    new(NEW_WEST),
    into(d.COMMUNITY, NEW_EAST, NEW_WEST),
    move(d.GRID, NEW_EAST),
    move(SECOND_GRID, NEW_WEST),
)


def reallotted(story: g.Story, there: Directory) -> f.CaseReallotted | None:
    """Return how a story's case is re-allotted; nothing but that may be recorded."""
    world: World = replace(story.world(Actor(role=Role.ADMIN)), directory=there)
    drafts = decide(Reallot("2026-1"), story.case, world)
    facts = [draft.fact for draft in drafts]
    _check_types(facts)
    return next((fact for fact in facts if isinstance(fact, f.CaseReallotted)), None)


def _check_types(facts: Sequence[f.Fact]) -> None:
    """Only what follows from a re-division, each at most once; clocks do not notice."""
    types = [type(fact) for fact in facts]
    assert types == [one for one in FOLLOWING if one in types]


def test_a_case_passes_to_the_successor_that_contains_its_place() -> None:
    story = g.given(*g.GRADED)  # reported in the first grid
    fact = reallotted(story, after(*SPLIT))
    assert fact is not None
    assert fact.holder is not None
    assert fact.holder.id == NEW_EAST
    assert fact.accepted_by == fact.holder
    assert fact.place is not None
    assert fact.place.path == (d.COUNTY, d.TOWN, NEW_EAST, d.GRID)
    assert not fact.to_allot


def test_what_nobody_can_place_goes_to_the_list_of_the_nearest_unit_above() -> None:
    story = g.given((g.INTEGRATOR, g.report(unit=d.COMMUNITY)), (g.COMMUNITY, "accept"))
    fact = reallotted(story, after(*SPLIT))
    assert fact is not None
    assert fact.to_allot
    assert fact.holder is not None
    assert fact.holder.id == d.TOWN
    assert fact.place == fact.holder


def test_a_split_grid_leaves_its_cases_to_the_community() -> None:
    third = "61032710000103"
    parts = (
        f.NewUnit(third, third, "东街三网格", "grid", d.COMMUNITY),
        into(d.GRID, SECOND_GRID, third),
        move(HOUSE, third),
    )
    fact = reallotted(g.given(*g.GRADED), after(*parts))
    assert fact is not None
    assert fact.to_allot
    assert fact.place is not None
    assert fact.place.id == d.COMMUNITY
    assert fact.holder is not None
    assert fact.holder.id == d.COMMUNITY


def test_a_merger_takes_everything_with_it() -> None:
    there = after(new(NEW_EAST), into(d.COMMUNITY, NEW_EAST), into(d.OTHER_COMMUNITY, NEW_EAST))
    assert there.units[d.GRID].path == (d.COUNTY, d.TOWN, NEW_EAST, d.GRID)
    assert there.units[HOUSE].path[-2:] == (d.GRID, HOUSE)
    fact = reallotted(g.given(*g.HANDLING), there)
    assert fact is not None
    assert (fact.holder, fact.lead) == (g.unit(d.WATER), g.unit(d.WATER))
    assert fact.accepted_by is not None
    assert fact.accepted_by.id == NEW_EAST


def test_a_move_is_told_to_every_open_case_in_it() -> None:
    fact = reallotted(g.given(*g.GRADED), after(move(d.COMMUNITY, d.OTHER_TOWN)))
    assert fact is not None
    assert fact.holder is not None
    assert fact.holder.path == (d.COUNTY, d.OTHER_TOWN, d.COMMUNITY)
    assert not fact.to_allot


def test_the_folded_case_is_held_by_the_successor_and_its_clocks_bind_it() -> None:
    story = g.given(*g.GRADED)
    due = {clock.name: clock.due for clock in story.case.open_clocks}
    world = replace(story.world(Actor(role=Role.ADMIN)), directory=after(*SPLIT))
    drafts = decide(Reallot("2026-1"), story.case, world)
    assert tuple(type(draft.fact) for draft in drafts) == FOLLOWING
    moved = fold(story.case, [(draft.fact, draft.occurred_at) for draft in drafts])
    assert moved.holder is not None
    assert moved.holder.id == NEW_EAST
    assert {clock.name: clock.due for clock in moved.open_clocks} == due
    bound = {clock.answerable.id for clock in moved.open_clocks if clock.answerable}
    assert d.COMMUNITY not in bound
    assert d.TOWN in moved.units
    assert decide(Reallot("2026-1"), moved, world) == ()


def test_closed_cases_and_cases_elsewhere_stay() -> None:
    ended = g.given(*g.REPORTED, (g.GRID, ("handle_on_the_spot", {"evidence": "已处理"})))
    assert reallotted(ended, after(*SPLIT)) is None
    elsewhere = g.given((g.INTEGRATOR, g.report(unit=d.OTHER_COMMUNITY)))
    assert reallotted(elsewhere, after(*SPLIT)) is None


def test_who_was_left_without_a_place_is_allotted_by_hand_and_only_then() -> None:
    story = g.given((g.INTEGRATOR, g.report(unit=d.COMMUNITY)), (g.COMMUNITY, "accept"))
    story.when(g.DISPATCHER, ("allot", {"place": d.GRID})).refused("guard-failed")
    fact = reallotted(story, after(*SPLIT))
    assert fact is not None
    story.case = evolve(story.case, fact, story.now)
    world = replace(story.world(g.DISPATCHER), directory=after(*SPLIT))
    drafts = decide(g.actions(("allot", {"place": d.GRID}))[0], story.case, world)
    assert tuple(type(draft.fact) for draft in drafts) == FOLLOWING
    allotted = drafts[0].fact
    assert isinstance(allotted, f.CaseReallotted)
    assert allotted.holder is not None
    assert allotted.holder.id == NEW_EAST
    assert not allotted.to_allot


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ((into(d.GRID, d.COMMUNITY),), "1号楼（61032710000101B1） 不再属于任何网格"),
        ((new(NEW_EAST), new(NEW_WEST), into(d.COMMUNITY, NEW_EAST, NEW_WEST)), "东街一网格"),
        ((into(d.COMMUNITY, "NOWHERE"),), "NOWHERE 不在组织目录中"),
        ((into(d.COMMUNITY, d.COMMUNITY),), "不能并入自己"),
        ((move(d.TOWN, d.COMMUNITY),), "又回到了自己"),
        ((move(d.COMMUNITY, d.GRID),), "又回到了自己"),
        ((move(d.OTHER_COMMUNITY, d.GRID),), "不能放在"),
        ((f.DivisionMove(d.GRID, None, ()),), "二者选一"),
        ((new(NEW_EAST, parent="NOWHERE"),), "上级 NOWHERE"),
        ((new(NEW_EAST), new(NEW_EAST)), "不止一次"),
        (
            (into(d.COMMUNITY, d.OTHER_COMMUNITY), into(d.OTHER_COMMUNITY, d.COMMUNITY)),
            "没有任何单元承接",
        ),
    ],
)
def test_a_division_that_would_break_the_tree_is_refused_whole(
    parts: tuple[f.NewUnit | f.DivisionMove, ...], told: str
) -> None:
    with pytest.raises(BadDivision) as refusal:
        check_division(decreed(*parts), BEFORE)
    assert told in str(refusal.value)


UNITS = (d.COMMUNITY, d.OTHER_COMMUNITY, d.GRID, SECOND_GRID, d.WATER, d.HOUSING)


def dissolved(unit: str, found: list[str]) -> f.DivisionMove:
    return into(unit, *dict.fromkeys(found))


parts = st.one_of(
    st.builds(move, st.sampled_from(UNITS), st.sampled_from((*UNITS, d.TOWN, d.OTHER_TOWN))),
    st.builds(
        dissolved,
        st.sampled_from(UNITS),
        st.lists(st.sampled_from((*UNITS, NEW_EAST, NEW_WEST)), min_size=1, max_size=3),
    ),
)
TELLINGS = (g.REPORTED, g.ACCEPTED, g.GRADED, g.ASSIGNED, g.HANDLING)


@settings(max_examples=150, deadline=None)
@given(st.lists(parts, max_size=4), st.sampled_from(TELLINGS))
def test_no_division_leaves_an_open_case_without_a_holder_that_exists(
    moves: list[f.DivisionMove], telling: g.Steps
) -> None:
    story = g.given(*telling)
    try:
        there = after(new(NEW_EAST), new(NEW_WEST), *moves)
    except BadDivision:
        return
    facts = succession(story.case, "2026-1", there, story.now)
    _check_types(facts)
    case = fold(story.case, [(fact, story.now) for fact in facts])
    held = [case.holder, case.place, case.lead, case.accepted_by]
    held += [*case.assisting, *(task.unit for task in case.tasks)]
    assert case.holder is not None
    for unit in held:
        if unit is not None:
            entry = there.units[unit.id]
            assert entry.dissolved is None
            assert unit.path == entry.path
    assert succession(case, "2026-1", there, story.now) == []
