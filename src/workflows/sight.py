"""Which cases an actor may see at all; everything else does not exist for them."""

from uuid import UUID

from domain.actor import Actor
from domain.case import Case


def visible(case: Case, actor: Actor) -> bool:
    """Whether a case lies in the scope of the actor: of the unit or what lies in its tree."""
    return actor.unit is None or actor.unit in case.units


def is_case_id(text: str) -> bool:
    """Whether a text can be a case's id at all."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
