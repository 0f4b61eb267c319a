"""划归 by hand: whatever a case's kind says, it never has to stay on the list 待划归."""

import json

import pytest
from msgspec.structs import replace

from domain import facts as f
from domain.actor import Actor, Role
from domain.allotting import NAME, OTHERWISE, action_of, actions_of
from domain.case import Case
from domain.decide import decide
from domain.evolve import fold
from domain.filing import Filing
from domain.guards import available_names
from domain.kind import Kind
from tests.support import districts as d
from tests.support import given as g
from tests.support.small_kinds import small
from workflows.language import SHIPPED, compile_kind

WAITING = Filing(to_allot=True)


def waiting(kind: Kind, stage: str) -> Case:
    return Case(
        id=g.CASE_ID,
        kind_hash=kind.hash,
        version=3,
        stage=stage,
        phase=kind.stages[stage].phase,
        holder=g.unit(d.TOWN),
        place=g.unit(d.TOWN),
        filing=WAITING,
    )


def small_kind(**actions: object) -> Kind:
    data = small()
    data["actions"] |= actions
    return compile_kind(json.dumps(data, ensure_ascii=False))


def allotting(kind: Kind, case: Case) -> list[str]:
    return [one.name for one in actions_of(kind, case) if "case-reallotted" in one.emits and one.by]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_waiting_case_of_every_shipped_kind_is_allotted_in_any_open_stage(name: str) -> None:
    kind, story = g.kind(name), g.Story(name)
    for stage in kind.stages.values():
        if stage.ending:
            continue
        story.case = waiting(kind, stage.name)
        story.when(g.DISPATCHER, (allotting(kind, story.case)[0], {"place": d.GRID}))
        assert story.refusal is None, (stage, story.refusal)
        assert not story.case.filing.to_allot
        assert story.case.holder is not None
        assert story.case.holder.id == d.COMMUNITY


def test_what_a_kind_has_itself_is_not_implied_again() -> None:
    kind = g.kind("closed-loop")
    for stage in (one for one in kind.stages.values() if not one.ending):
        assert allotting(kind, waiting(kind, stage.name)) == ["allot"]


def test_nothing_is_implied_of_a_case_that_does_not_wait_or_has_ended() -> None:
    kind = small_kind()
    case = waiting(kind, "reported")
    assert action_of(kind, replace(case, filing=Filing()), NAME) is None
    assert action_of(kind, replace(case, stage="closed"), NAME) is None
    assert action_of(kind, case, NAME) is not None


def test_another_action_of_that_name_is_left_alone() -> None:
    other = {"title": "分配", "in": ["reported"], "by": ["anybody"], "emits": ["note-recorded"]}
    kind = small_kind(allot=other)
    case = waiting(kind, "reported")
    own, implied = action_of(kind, case, NAME), action_of(kind, case, OTHERWISE)
    assert own is not None
    assert own.emits == ("note-recorded",)
    assert implied is not None
    assert implied.emits == ("case-reallotted",)


@pytest.mark.parametrize(
    ("actor", "allowed"),
    [
        (g.DISPATCHER, True),
        (Actor(role=Role.ADMIN), True),
        (g.TOWN, True),
        (g.COMMUNITY, False),
        (g.GRID, False),
        (Actor(role=Role.AUDITOR), False),
    ],
    ids=lambda one: str(getattr(one, "role", one)),
)
def test_only_whoever_holds_it_and_the_centre_allot_it(actor: Actor, *, allowed: bool) -> None:
    story = g.Story("micro-wish")
    story.case = waiting(story.kind, story.kind.initial.name)
    offered = available_names(story.case, story.world(actor))
    assert (NAME in offered) is allowed
    story.when(actor, (NAME, {"place": d.GRID}))
    if allowed:
        story.then("case-reallotted", "units-succeeded")
    else:
        story.refused("role-forbidden")


def test_the_place_is_asked_for_and_must_be_a_unit() -> None:
    story = g.Story("micro-wish")
    story.case = waiting(story.kind, story.kind.initial.name)
    story.when(g.DISPATCHER, NAME).refused("unknown-field", "/data/place")
    story.when(g.DISPATCHER, (NAME, {"place": "火星"})).refused("unknown-unit", "/data/place")


def test_allotted_by_hand_it_waits_no_more_and_is_not_allotted_again() -> None:
    story = g.Story("micro-wish")
    story.case = waiting(story.kind, story.kind.initial.name)
    drafts = decide(g.actions((NAME, {"place": d.GRID}))[0], story.case, story.world(g.DISPATCHER))
    story.case = fold(story.case, [(draft.fact, draft.occurred_at) for draft in drafts])
    assert isinstance(drafts[0].fact, f.CaseReallotted)
    story.when(g.DISPATCHER, (NAME, {"place": d.GRID})).refused("action-unavailable")
