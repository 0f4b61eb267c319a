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
from domain.settling import settle
from domain.telling import notices, signed_by_acting
from domain.world import Draft, World


def decide(command: Command, case: Case, world: World) -> tuple[Draft, ...]:
    """Return what a command makes of a case; nothing, if it was all known already.

    Raises:
        Refusal: and then nothing happened.
    """
    drafts = _decided(command, case, world)
    if case.told and isinstance(command, Act):
        drafts += tuple(signed_by_acting(case, world))
    return (*drafts, *notices(case, drafts, world))


def _decided(  # noqa: C901, PLR0911 - one arm a command
    command: Command, case: Case, world: World
) -> tuple[Draft, ...]:
    match command:
        case Report():
            return tuple(report(command, case, world))
        case Act():
            return tuple(act(command, case, world))
        case Import():
            return tuple(tell(command, case, world))
        case Update():
            return tuple(update(command, case, world))
        case Settle():
            return tuple(settle(case, world.now, world))
        case Recount():
            return tuple(recount(case, world))
        case Migrate():
            return tuple(migrate(command, case, world))
        case Reallot():
            return tuple(reallot(case, command.division, world))
        case Sign():
            return tuple(sign(command, case, world))
        case Delivery():
            return tuple(delivered(command, case, world))
        case _:
            assert_never(command)
