"""decide(command, case, world) → the facts to record, or a Refusal. Pure; the only rules there are.

Order within one decision: deadlines that passed unnoticed, the action's facts, the clocks they
start and stop, who has thereby signed, who is told of it. All of it is recorded, or nothing.
"""

from typing import assert_never

from domain.acting import act, report
from domain.case import Case
from domain.commands import (
    Act,
    Command,
    Delivery,
    Import,
    Migrate,
    Reallot,
    Recount,
    Report,
    Settle,
    Sign,
    Update,
)
from domain.divisions import reallot
from domain.migrating import migrate
from domain.notices import delivered, sign
from domain.recounting import recount
from domain.retelling import tell, update
from domain.settling import let_happen
from domain.telling import notify, signed_by_acting
from domain.turn import Turn
from domain.world import Draft, World


def decide(command: Command, case: Case, world: World) -> tuple[Draft, ...]:
    """Return what a command makes of a case; nothing, if it was all known already.

    Raises:
        Refusal: and then nothing happened.
    """
    turn = Turn(case, world)
    _decide(command, turn)
    if case.told and isinstance(command, Act):
        turn.take(signed_by_acting(case, world))
    notify(turn)
    return tuple(turn.drafts)


def _decide(  # noqa: C901 - one arm a command
    command: Command, turn: Turn
) -> None:
    case, world = turn.case, turn.world
    match command:
        case Report():
            report(command, turn)
        case Act():
            act(command, turn)
        case Import():
            tell(command, turn)
        case Update():
            update(command, turn)
        case Settle():
            let_happen(turn, world.now)
        case Recount():
            recount(turn)
        case Migrate():
            turn.take(migrate(command, case, world))
        case Reallot():
            turn.take(reallot(case, command.division, world))
        case Sign():
            turn.take(sign(command, case, world))
        case Delivery():
            turn.take(delivered(command, case, world))
        case _:
            assert_never(command)
