"""Notices (通知): whom a moment concerns, signing for them, what became of them when sent.

Those of what somebody did (告知) are issued by `domain/telling.py`; they are numbered, signed for
and sent like these.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from msgspec import Struct

from domain import facts as f
from domain.case import Case, Notice
from domain.clock import Clock
from domain.commands import Delivery, Sign
from domain.due import SHANGHAI, Budget, Cutoff, due
from domain.errors import NotFound, RoleForbidden
from domain.recipients import Found, above, find, meant
from domain.telling import divert, signed
from domain.told import Told
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
    ways: dict[f.Recipient, Found] = {}
    for cause in causes:
        found = _found(turn, cause)
        if found is not None:
            way = _together(ways, found)
            ways[way.recipient] = way
            told.setdefault(way.recipient, []).append(cause)
    for recipient, its in told.items():
        _tell(turn, recipient, its, at)
        divert(turn, ways[recipient], at)


def _together(ways: Mapping[f.Recipient, Found], found: Found) -> Found:
    """Join what is kept from several and so comes to one person, in whatever role they get it."""
    told = found.recipient
    if found.withheld and told not in ways:
        meant = (told.unit, told.post, told.person)
        others = (one for one in ways if (one.unit, one.post, one.person) == meant)
        told = next(others, told)
    if told not in ways:
        return found
    before = ways[told]
    withheld = dict.fromkeys((*before.withheld, *found.withheld))
    return Found(told, tuple(withheld), before.asked or found.asked)


def _found(turn: Turn, cause: Cause) -> Found | None:
    directory, day, privacy = turn.world.directory, _today(turn.world), turn.case.privacy
    if cause.instead_of is not None:
        return above(cause.instead_of, directory, day, privacy)
    clock = cause.clock
    handler = clock.answerable or turn.case.holder
    unit = turn.case.holder if cause.to == "holder" else handler
    return find(cause.to, unit, directory, day, privacy)


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
    told = next((one for one in case.told if one.number == command.notice), None)
    notice = told or _unsigned(case, command.notice)
    if notice is None:
        raise NotFound(what=f"待签收的第 {command.notice} 号通知")
    if not meant(notice.recipient, world.actor, world.directory):
        to = notice.recipient.unit.id if notice.recipient.unit else "区县中心"
        raise RoleForbidden(role=world.actor.role.value, action="签收", allowed=f"收件单位 {to}")
    if isinstance(notice, Told):
        return [signed(notice, world)]
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


def _unsigned(case: Case, number: int) -> Notice | None:
    return next((one for one in case.unsigned if one.number == number), None)


def delivered(command: Delivery, case: Case, world: World) -> list[Draft]:
    """Record what became of a notice on its channel.

    Raises:
        NotFound: the case has no such notice.
    """
    if not 0 < command.notice <= case.noticed:
        raise NotFound(what=f"第 {command.notice} 号通知")
    if command.clock is None:
        return [Draft(_party_outcome(command), world.now)]
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


def _party_outcome(command: Delivery) -> f.PartyNoticeDelivered | f.PartyNoticeUndeliverable:
    if command.receipt is None:
        return f.PartyNoticeUndeliverable(
            notice=command.notice,
            channel=command.channel,
            attempts=command.attempts,
            reason=command.reason,
        )
    return f.PartyNoticeDelivered(
        notice=command.notice,
        channel=command.channel,
        attempts=command.attempts,
        receipt=command.receipt,
    )
