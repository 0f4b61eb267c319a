"""What answers show of clocks (时限), and of notices (通知) of time and of what somebody did."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from api.answers import plain
from api.shapes import ClockState, clock_fields
from api.times import shown, shown_or_none
from domain import facts as f
from domain.clock import Clock
from domain.clock_names import clock_text
from domain.kind import Kind
from eventlog.records import Record
from workflows.notices.message import clock_of

_FATES: Final = (
    f.NoticeDelivered,
    f.NoticeUndeliverable,
    f.NoticeAcknowledged,
    f.AcknowledgementMissed,
    f.PartyNoticeDelivered,
    f.PartyNoticeUndeliverable,
    f.PartyNoticeAcknowledged,
    f.PartyNoticeUnsigned,
)
INFORM: Final = "inform"
"""What a notice of what somebody did asks for: to know."""


class LimitState(Struct):
    """Which limit applied, from which version of a definition, and what chose it."""

    origin: str
    version: str
    by: str


class PauseState(Struct):
    """A pause that is over: from, inclusive, until, exclusive."""

    since: str
    until: str


class HoldState(Struct):
    """A reason that holds a clock now; `until` is when it ceases by itself."""

    reason: str
    title: str
    since: str
    until: str | None


class FloorState(Struct):
    """The due is never earlier than this budget counted from here."""

    since: str
    budget: str


class PointState(Struct):
    """What time will bring, and when."""

    name: str
    at: str


class ClockDocument(ClockState, kw_only=True):
    """One clock with all that is known of it."""

    name: str
    """How the clock is named in an address, for example `handling.1.2`."""
    title: str
    met: bool | None
    answerable: str | None
    """The unit that it binds; null for the total clock, which binds whoever holds the case."""
    limit: LimitState
    extensions: list[str]
    floors: list[FloorState]
    paused_at: str | None
    holds: list[HoldState]
    pauses: list[PauseState]
    generation: int
    """Rises whenever the due moves."""
    plan: list[PointState]
    """What time will bring next; of a clock that stands still only that it goes on."""
    reached: list[str]
    """What time has brought already."""


class RecipientState(Struct):
    """Who was told: the role asked for and whom it came to; ids only."""

    role: str
    unit: str | None
    post: str | None
    person: str | None
    vacant: list[str]
    """Posts that were passed over because nobody held them (缺位)."""


class WithheldState(Struct):
    """Somebody whom the notice was kept from, and why: `confidential` or `recused`; ids only."""

    unit: str | None
    post: str | None
    person: str | None
    reason: str


class NoticeDocument(Struct, kw_only=True):
    """A notice and what became of it.

    `state` is the last of: issued, delivered or undeliverable, missed, acknowledged.
    """

    notice: int
    clock: str
    """Of the moment that brought it; empty where somebody's action did (告知)."""
    action: str = ""
    """That action."""
    cause: str
    step: str
    covers: list[str]
    recipient: RecipientState
    withheld: list[WithheldState] = []
    """Who was to be told before, but may not see the case (保密、回避)."""
    instead_of: int = 0
    """The notice that nobody signed for in time, of which this tells the next in line; else 0."""
    state: str = "issued"
    issued_at: str
    acknowledge_by: str | None
    channel: str | None = None
    attempts: int = 0
    delivered_at: str | None = None
    receipt: str | None = None
    undeliverable_at: str | None = None
    undeliverable_reason: str | None = None
    missed_at: str | None = None
    acknowledged_at: str | None = None
    acknowledged_by: str | None = None


def clock_document(clock: Clock, kind: Kind | None) -> ClockDocument:
    """Return a clock; titles are those of the case's kind."""
    definition = kind.clock(clock.name) if kind else None
    stopped_at = clock.stopped_at if clock.status == "stopped" else None
    return ClockDocument(
        **clock_fields(clock),
        name=clock_text(clock.instance),
        title=definition.title if definition else clock.name,
        met=stopped_at <= clock.due if stopped_at else None,
        answerable=clock.answerable.id if clock.answerable else None,
        limit=LimitState(clock.limit.origin, clock.limit.version, clock.limit.by),
        extensions=list(clock.extensions),
        floors=plain(clock.floors),
        paused_at=shown_or_none(clock.paused_since),
        holds=[
            HoldState(
                hold.reason,
                reason_titles(kind).get(hold.reason, hold.reason),
                shown(hold.since),
                shown_or_none(hold.until),
            )
            for hold in clock.held
        ],
        pauses=plain(clock.pauses),
        generation=clock.generation,
        plan=plain(clock.plan),
        reached=list(clock.reached),
    )


def reason_titles(kind: Kind | None) -> Mapping[str, str]:
    """Return what the kind calls its reasons for waiting."""
    rules = kind.suspensions if kind else {}
    return {name: rule.title for name, rule in rules.items()}


def notices_of(records: Sequence[Record]) -> list[NoticeDocument]:
    """Return a case's notices as its facts tell, in the order of their numbers."""
    found: dict[int, NoticeDocument] = {}
    for record in records:
        fact, at = record.fact, record.occurred_at
        if isinstance(fact, f.NoticeIssued | f.PartyNotified):
            found[fact.notice] = _issued(fact, at)
        elif isinstance(fact, f.NoticeDiverted) and fact.notice in found:
            found[fact.notice].withheld = [
                WithheldState(one.unit, one.post, one.person, one.reason) for one in fact.withheld
            ]
        elif isinstance(fact, _FATES) and fact.notice in found:
            notice = found[fact.notice]
            for name, value in _fate(fact, at).items():
                setattr(notice, name, value)
            notice.state = _state(notice)
    return list(found.values())


def _issued(fact: f.NoticeIssued | f.PartyNotified, at: datetime) -> NoticeDocument:
    told, clock = fact.recipient, clock_of(fact)
    party = fact if isinstance(fact, f.PartyNotified) else None
    return NoticeDocument(
        notice=fact.notice,
        clock=clock_text(clock) if clock else "",
        action=party.action if party else "",
        cause=fact.cause,
        step=INFORM if isinstance(fact, f.PartyNotified) else fact.step,
        covers=list(fact.covers),
        instead_of=party.instead_of if party else 0,
        recipient=RecipientState(
            told.role, told.unit.id if told.unit else None, told.post, told.person, [*told.vacant]
        ),
        issued_at=shown(at),
        acknowledge_by=shown(fact.acknowledge.at) if fact.acknowledge else None,
    )


def _fate(
    fact: f.NoticeDelivered
    | f.NoticeUndeliverable
    | f.NoticeAcknowledged
    | f.AcknowledgementMissed
    | f.PartyNoticeDelivered
    | f.PartyNoticeUndeliverable
    | f.PartyNoticeAcknowledged
    | f.PartyNoticeUnsigned,
    at: datetime,
) -> dict[str, Any]:
    match fact:
        case f.NoticeDelivered() | f.PartyNoticeDelivered():
            told = {"channel": fact.channel, "attempts": fact.attempts, "receipt": fact.receipt}
            return {**told, "delivered_at": shown(at)}
        case f.NoticeUndeliverable() | f.PartyNoticeUndeliverable():
            told = {"channel": fact.channel, "attempts": fact.attempts}
            return {**told, "undeliverable_reason": fact.reason, "undeliverable_at": shown(at)}
        case f.NoticeAcknowledged() | f.PartyNoticeAcknowledged():
            return {"acknowledged_at": shown(at), "acknowledged_by": fact.by}
        case f.AcknowledgementMissed() | f.PartyNoticeUnsigned():
            return {"missed_at": shown(at)}


def _state(notice: NoticeDocument) -> str:
    """Say where a notice stands; who signs late has signed all the same."""
    steps: Iterable[tuple[str, str | None]] = (
        ("acknowledged", notice.acknowledged_at),
        ("missed", notice.missed_at),
        ("delivered", notice.delivered_at),
        ("undeliverable", notice.undeliverable_at),
    )
    return next((state for state, at in steps if at), "issued")
