"""划归: every case that a re-division left to nobody in particular can be allotted, of any kind.

Where a kind has no action of its own for it in the stage the case stands in, this one is implied:
so no case ever stays on the list 待划归 because whoever wrote its kind did not think of it.
"""

from collections.abc import Iterator
from typing import Final

from domain import facts as f
from domain.actor import Role
from domain.case import Case
from domain.kind import Action, FormField, HolderRule, Kind, Relation, RoleRule

NAME: Final = "allot"
OTHERWISE: Final = "allot-place"
"""Its name in a kind that calls something else so; no kind can give this one to an action."""
OFFICERS: Final = (Role.COMMUNITY_OFFICER, Role.TOWN_OFFICER, Role.DEPARTMENT_OFFICER)
BY: Final = (
    RoleRule("allotting_holder", "暂管单位", OFFICERS, Relation.HOLDER),
    RoleRule(
        "allotting_centre", "派遣员、管理员", (Role.DISPATCHER, Role.ADMIN), Relation.DISTRICT
    ),
)
FORM: Final = (
    FormField(name="place", title="所在单元", type="unit", required=True),
    FormField(name="note", title="依据", type="text"),
)


def action_of(kind: Kind, case: Case, name: str) -> Action | None:
    """Return an action by its name: the kind's own, else the one that is implied now."""
    own = kind.actions.get(name)
    if own is not None:
        return own
    return next((one for one in _implied(kind, case) if one.name == name), None)


def actions_of(kind: Kind, case: Case) -> Iterator[Action]:
    """Yield what may be done with a case at all: the kind's actions, and what is implied now."""
    yield from kind.actions.values()
    yield from _implied(kind, case)


def _implied(kind: Kind, case: Case) -> Iterator[Action]:
    stage = kind.stages.get(case.stage)
    if not case.filing.to_allot or stage is None or stage.ending:
        return
    own = kind.actions_in(frozenset({case.stage}))
    if any(f.CaseReallotted.TYPE in action.emits for action in own):
        return
    yield Action(
        name=OTHERWISE if NAME in kind.actions else NAME,
        title="划归",
        stages=frozenset({case.stage}),
        by=BY,
        form=FORM,
        requires=("to_be_allotted",),
        emits=(f.CaseReallotted.TYPE,),
        to=None,
        holder=HolderRule.KEEP,
        set={},
    )
