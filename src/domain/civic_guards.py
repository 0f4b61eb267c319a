"""What actions may require of a case, of the family in `domain/civic.py`."""

from typing import Final

from domain.case import Case
from domain.errors import ObjectionsOpen, PublicationOpen
from domain.kind import Action
from domain.requirement import Requirement
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


REQUIREMENTS: Final[dict[str, Requirement]] = {
    "objections_answered": _objections_answered,
    "publication_over": _publication_over,
}
