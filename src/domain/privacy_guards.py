"""What actions may require of a case, of the family in `domain/privacy.py`."""

from typing import Final

from domain.case import Case
from domain.errors import GuardFailed
from domain.kind import Action
from domain.requirement import Requirement
from domain.world import World


def _identity_open(action: Action, case: Case, world: World) -> None:
    """Hiding who reported it is done once, and not undone."""
    del action, world
    if case.privacy.hidden:
        raise GuardFailed(detail="报告人的身份已经隐藏")


REQUIREMENTS: Final[dict[str, Requirement]] = {"identity_open": _identity_open}
