"""Which cases an actor may see at all; everything else does not exist for them.

The rule is told in `domain/privacy.py`; ledgers follow it by the marks among `visible_to`.
"""

from uuid import UUID

from domain import facts as f
from domain.actor import Actor, Role
from domain.case import Case
from domain.roles import may
from domain.world import World

INTAKE: frozenset[Role] = frozenset({Role.INTEGRATOR, Role.DISPATCHER, Role.ADMIN})
"""Who takes reports in, and so knows who reports, hidden or not (workflow.md §1)."""


def visible(case: Case, actor: Actor) -> bool:
    """Whether an actor may see a case: named or kept out by it, else by the unit's tree."""
    allowed = case.privacy.lets(actor)
    if allowed is not None:
        # An overseer of a part of the district is none; of the whole, sees the whole.
        return allowed
    if actor.unit is None or actor.unit in case.units:
        return True
    return not actor.shared.isdisjoint(case.units) if actor.shared else False


def reads_reporter(case: Case, actor: Actor, world: World) -> bool:
    """Whether an actor may read who reported a case.

    Of a hidden reporter: intake, and whoever may call back now, nobody else.
    """
    if not case.privacy.hidden or actor.role in INTAKE:
        return True
    return any(
        f.CallbackRecorded.TYPE in action.emits
        and case.stage in action.stages
        and may(action, case, world)
        for action in world.kind.actions.values()
    )


def is_case_id(text: str) -> bool:
    """Whether a text can be a case's id at all."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
