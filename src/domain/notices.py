"""Notices (通知): whom a moment concerns, signing for them, what became of them when sent."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from msgspec import Struct

from domain import facts as f
from domain.case import Case, Notice
from domain.clock import Clock
from domain.commands import Delivery, Sign
from domain.due import SHANGHAI, Budget, Cutoff, due
from domain.errors import NotFound, RoleForbidden
from domain.recipients import above, resolve
from domain.turn import Turn, of
from domain.world import Draft, World


class Cause(Struct, frozen=True):
    """Something that happened to a clock, and whom it concerns."""

    clock: Clock
    name: str
    step: str
    to: str
    acknowledge: Budget | None = None
    instead_of: f.Recipient | None = None
    """Of a missed acknowledgement: who did not sign."""


def issue(turn: Turn, causes: Sequence[Cause], at: datetime) -> None:
    """Tell each recipient once, of everything, at the highest rung (clocks.md R12)."""
    told: dict[f.Recipient, list[Cause]] = {}
    for cause in causes:
        recipient = _recipient(turn, cause)
        if recipient is not None:
            told.setdefault(recipient, []).append(cause)
    for recipient, its in told.items():
        _tell(turn, recipient, its, at)


def _recipient(turn: Turn, cause: Cause) -> f.Recipient | None:
    directory = turn.world.directory
    if cause.instead_of is not None:
        return above(cause.instead_of, directory, _today(turn.world))
    clock = cause.clock
    handler = clock.answerable or turn.case.holder
    unit = turn.case.holder if cause.to == "holder" else handler
    return resolve(cause.to, unit, directory, _today(turn.world))


def _today(world: World) -> date:
    return world.now.astimezone(SHANGHAI).date()


def _tell(turn: Turn, recipient: f.Recipient, causes: Sequence[Cause], at: datetime) -> None:
    highest = max(causes, key=_height)
    clock, number = turn.clock(highest.clock), turn.case.noticed + 1
    acknowledge: f.Point | None = None
    if highest.acknowledge is not None and clock.open:
        almanac = turn.almanac(clock.calendar)
        by = due(turn.world.now, highest.acknowledge, almanac, Cutoff(clock.cutoff)).at
        acknowledge = f.Point(f"acknowledge:{number}", by)
    fact = f.NoticeIssued(
        **of(clock),
        notice=number,
        cause=highest.name,
        step=highest.step,
        covers=tuple(dict.fromkeys(f"{cause.clock.name}/{cause.name}" for cause in causes)),
        recipient=recipient,
        acknowledge=acknowledge,
    )
    turn.record(fact, at)


def _height(cause: Cause) -> tuple[int, int]:
    """Rank causes: a warning, a breach, the rungs in their order, somebody who did not sign."""
    sort, _, number = cause.name.partition(":")
    rank = ("threshold", "breach", "rung", "acknowledge").index(sort)
    return (rank, int(number) if sort == "rung" else 0)


def missed(turn: Turn, clock: Clock, point: f.Point) -> Iterator[Cause]:
    """Nobody signed in time: the next in line is told, up to the district's centre."""
    number = int(point.name.partition(":")[2])
    notice = _unsigned(turn.case, number)
    fact = f.AcknowledgementMissed(
        **of(clock), notice=number, effective_at=point.at, detected_at=turn.world.now
    )
    turn.record(fact, point.at)
    if notice is not None:
        yield Cause(
            clock,
            point.name,
            notice.step,
            notice.recipient.role,
            _within(turn, clock, notice),
            notice.recipient,
        )


def _within(turn: Turn, clock: Clock, notice: Notice) -> Budget | None:
    """Return how long the next in line may take to sign: as long as the one before."""
    definition = turn.definition(clock)
    ladder = definition.ladder if definition else ()
    return next((rung.acknowledge for rung in ladder if rung.step == notice.step), None)


def sign(command: Sign, case: Case, world: World) -> list[Draft]:
    """签收: whoever was told, or their unit, says so; late is better than never.

    Raises:
        NotFound: no such notice waits for a signature.
        RoleForbidden: it was sent to somebody else.
    """
    notice = _unsigned(case, command.notice)
    if notice is None:
        raise NotFound(what=f"待签收的第 {command.notice} 号通知")
    if not _meant(notice.recipient, world):
        told = notice.recipient.unit.id if notice.recipient.unit else "区县中心"
        raise RoleForbidden(role=world.actor.role.value, action="签收", allowed=f"收件单位 {told}")
    clock, scope, cycle, sequence = notice.clock
    fact = f.NoticeAcknowledged(
        clock=clock,
        scope=scope,
        cycle=cycle,
        sequence=sequence,
        notice=notice.number,
        by=world.who,
    )
    return [Draft(fact, world.now)]


def _meant(recipient: f.Recipient, world: World) -> bool:
    """Whether the actor is the person, or acts for the unit (the centre where there is none)."""
    actor = world.actor
    if recipient.person is not None and actor.person is not None:
        return recipient.person == actor.person
    centre = world.directory.centre
    acting = actor.unit or (centre.id if centre else None)
    return recipient.unit is None or recipient.unit.id == acting


def _unsigned(case: Case, number: int) -> Notice | None:
    return next((one for one in case.unsigned if one.number == number), None)


def delivered(command: Delivery, case: Case, world: World) -> list[Draft]:
    """Record what became of a notice on its channel.

    Raises:
        NotFound: the case has no such notice.
    """
    if not 0 < command.notice <= case.noticed:
        raise NotFound(what=f"第 {command.notice} 号通知")
    clock, scope, cycle, sequence = command.clock
    members = {"clock": clock, "scope": scope, "cycle": cycle, "sequence": sequence}
    fact: f.NoticeDelivered | f.NoticeUndeliverable
    if command.receipt is None:
        fact = f.NoticeUndeliverable(
            **members,  # type: ignore[arg-type]
            notice=command.notice,
            channel=command.channel,
            attempts=command.attempts,
            reason=command.reason,
        )
    else:
        fact = f.NoticeDelivered(
            **members,  # type: ignore[arg-type]
            notice=command.notice,
            channel=command.channel,
            attempts=command.attempts,
            receipt=command.receipt,
        )
    return [Draft(fact, world.now)]
