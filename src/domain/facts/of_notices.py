"""Who is told (告知) of what somebody did to a case, and of whom a notice was kept."""

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from domain.facts.shapes import CASE, Fact, Point, Recipient


class NoticeFact(Fact, frozen=True, kw_only=True):
    """告知: what all facts of this module are; they move neither the case nor a clock.

    `notice` is its number within the case, from 1, counted together with `notice-issued`.
    """

    STREAM: ClassVar[str] = CASE
    notice: int


class PartyNotified(NoticeFact, frozen=True, kw_only=True):
    """告知: one person or unit is told, once, of all that one request did and they must know."""

    TYPE: ClassVar[str] = "party-notified"
    cause: str
    """The fact that it tells of, the first of `covers`: `case-assigned`, `supervision-raised`."""
    covers: tuple[str, ...]
    """Every fact of the request that it tells of, in order."""
    action: str
    """By which action that was done."""
    recipient: Recipient
    acknowledge: Point | None
    """By when it must be signed for (签收); null if it need not be."""
    within: str
    """How long that is, as a budget; the next in line has as long. Empty if it need not be."""
    calendar: str
    """The working calendar by which it is counted; empty if it need not be."""
    instead_of: int
    """The notice that nobody signed for in time, of which the next in line is told; else 0."""


class PartyNoticeDelivered(NoticeFact, frozen=True, kw_only=True):
    """告知送达: the channel took it."""

    TYPE: ClassVar[str] = "party-notice-delivered"
    channel: str
    attempts: int
    receipt: str
    """What the channel's receiver answered, as a code."""


class PartyNoticeUndeliverable(NoticeFact, frozen=True, kw_only=True):
    """告知未送达: the channel was tried for as long as it may be, or may not be tried."""

    TYPE: ClassVar[str] = "party-notice-undeliverable"
    channel: str
    attempts: int
    reason: str


class PartyNoticeAcknowledged(NoticeFact, frozen=True, kw_only=True):
    """告知签收: who was told says so, or acts on the case."""

    TYPE: ClassVar[str] = "party-notice-acknowledged"
    by: str
    """Who signed: the person where known, else the key."""
    acted: bool
    """Whether they signed by acting on the case (办理即签收)."""


class PartyNoticeUnsigned(NoticeFact, frozen=True, kw_only=True):
    """告知逾期未签收: nobody signed in time; the next in line is told."""

    TYPE: ClassVar[str] = "party-notice-unsigned"
    effective_at: datetime
    detected_at: datetime


class Withheld(Struct, frozen=True, gc=False):
    """Somebody who was to be told, but may not see the case; ids only."""

    unit: str | None
    post: str | None
    person: str | None
    reason: str
    """`confidential` 保密: not among the named posts; `recused` 回避: stays out of the case."""


class NoticeDiverted(NoticeFact, frozen=True, kw_only=True):
    """通知改送: whoever was to be told may not see the case, so somebody else was.

    Written beside the notice, of whichever sort, that says who was told in the end.
    """

    TYPE: ClassVar[str] = "notice-diverted"
    role: str
    """Who was asked for: a role, or a word for a unit of the case."""
    withheld: tuple[Withheld, ...]
    """Whom it was kept from, in the order in which they would have been told."""
