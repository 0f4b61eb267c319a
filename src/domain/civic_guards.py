"""What actions may require of a case, of the family in `domain/civic.py`."""

from typing import Final

from domain.case import Case
from domain.errors import ObjectionsOpen, PublicationOpen, SamePerson
from domain.kind import Action
from domain.requirement import Requirement
from domain.roles import acting_unit
from domain.world import World


def _objections_answered(action: Action, case: Case, world: World) -> None:
    """Every objection is answered before the case goes on (四议两公开)."""
    del action, world
    if case.civic.unanswered:
        raise ObjectionsOpen(objections="、".join(map(str, case.civic.unanswered)))


def _publication_over(action: Action, case: Case, world: World) -> None:
    """Nothing hangs any more."""
    del action, world
    if case.civic.published:
        raise PublicationOpen(until=max(case.civic.published.values()))


def _not_the_claimant(action: Action, case: Case, world: World) -> None:
    """Whoever claimed it does not confirm it: neither the unit nor, where known, the person."""
    claimant, actor = case.civic.claimant, world.actor
    if world.importing or claimant is None:
        return
    same = actor.person == case.civic.person if actor.person and case.civic.person else True
    if same and acting_unit(actor, world.directory) == claimant.id:
        raise SamePerson(action=action.title)


REQUIREMENTS: Final[dict[str, Requirement]] = {
    "not_the_claimant": _not_the_claimant,
    "objections_answered": _objections_answered,
    "publication_over": _publication_over,
}
