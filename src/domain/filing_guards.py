"""What actions may require of a case, of the family in `domain/filing.py`."""

from collections.abc import Callable
from typing import Final

from domain import facts as f
from domain.case import Case
from domain.errors import GuardFailed, ItemNotAdmitted
from domain.explain_spans import local_day
from domain.kind import Action
from domain.requirement import Requirement
from domain.step import Step
from domain.world import World

ADMITTED: Final = "admitted_for_community"
GIVEN: Final = ("to", "lead", "unit", "assisting")
"""Fields of forms that say who is to do it."""
BELOW: Final = frozenset({"community", "grid", "building", "household"})
"""Where work reaches a community: itself, and everything within it."""


def _once_filled(action: Action, case: Case, world: World) -> None:
    """Let pass for now: to whom it goes is known only when the form is filled in (`FILLED`)."""
    del action, case, world


def _to_be_allotted(action: Action, case: Case, world: World) -> None:
    """Only what a re-division left without a holder is allotted by hand."""
    del action, world
    if not case.filing.to_allot:
        raise GuardFailed(detail="事项不在“待划归”清单上，不需要重新划归")


def _admitted_for_community(step: Step) -> None:
    """Let a department hand down to a community only what was admitted there (workflow.md §4).

    Raises:
        ItemNotAdmitted: naming the way to admission.
    """
    world, directory = step.world, step.world.directory
    own = directory.units.get(world.actor.unit or "")
    if world.importing or own is None or own.level != "department":
        return
    item = step.case.filing.item or step.case.category or ""
    if world.catalogues.admitted_on(item, local_day(step.at)) is not None:
        return
    for unit in _given(step):
        entry = directory.units.get(unit.id)
        if entry is not None and entry.level in BELOW:
            raise ItemNotAdmitted(item=item or "（未归类）", department=own.name, unit=entry.name)


def _given(step: Step) -> list[f.Unit]:
    """Return the units to which the form gives the work; who is only told is none of them."""
    named: list[f.Unit] = []
    for field in GIVEN:
        value: f.Unit | tuple[f.Unit, ...] | None = step.values.get(field)
        if isinstance(value, f.Unit):
            named.append(value)
        elif value is not None:
            named += value
    return named


REQUIREMENTS: Final[dict[str, Requirement]] = {
    ADMITTED: _once_filled,
    "to_be_allotted": _to_be_allotted,
}
FILLED: Final[dict[str, Callable[[Step], None]]] = {ADMITTED: _admitted_for_community}
"""Requirements that look at what the form says; each stands in `REQUIREMENTS` too."""


def check_filled(step: Step) -> None:
    """Refuse what an action requires of its form, once that is filled in.

    Raises:
        Refusal: what a requirement raises.
    """
    for name in step.action.requires:
        if name in FILLED:
            FILLED[name](step)
