"""Which notices of what somebody did (告知) must still be signed for, and until when."""

from datetime import datetime
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f

NoticeEvent = (
    f.PartyNotified
    | f.PartyNoticeDelivered
    | f.PartyNoticeUndeliverable
    | f.PartyNoticeAcknowledged
    | f.PartyNoticeUnsigned
    | f.NoticeDiverted
)
ENDING: Final = (
    f.CaseClosed,
    f.CaseNotAccepted,
    f.CaseWithdrawn,
    f.CasePutOnRecord,
    f.CaseTransferredOut,
    f.CaseVoided,
    f.CaseMerged,
    f.CaseSplit,
)
"""How a case ends: nobody is waited for any more then, though who signs still may."""


class Told(Struct, frozen=True, gc=False, kw_only=True):
    """A notice that is not signed for yet."""

    number: int
    cause: str
    action: str
    recipient: f.Recipient
    by: datetime | None
    """Until when it is waited for; nobody waits any more where it is absent."""
    within: str
    calendar: str

    @property
    def point(self) -> f.Point | None:
        """What time will bring if nobody signs."""
        return f.Point(f"acknowledge:{self.number}", self.by) if self.by else None


def told_after(told: tuple[Told, ...], fact: NoticeEvent) -> tuple[Told, ...]:
    """Return what must be signed for after one more fact."""
    match fact:
        case f.PartyNotified():
            return (*told, _told(fact, fact.acknowledge)) if fact.acknowledge else told
        case f.PartyNoticeAcknowledged():
            return tuple(one for one in told if one.number != fact.notice)
        case f.PartyNoticeUnsigned():
            # Who signs late signs all the same.
            return tuple(
                replace(one, by=None) if one.number == fact.notice else one for one in told
            )
        case f.PartyNoticeDelivered() | f.PartyNoticeUndeliverable() | f.NoticeDiverted():
            return told
        case _:
            assert_never(fact)


def _told(fact: f.PartyNotified, point: f.Point) -> Told:
    return Told(
        number=fact.notice,
        cause=fact.cause,
        action=fact.action,
        recipient=fact.recipient,
        by=point.at,
        within=fact.within,
        calendar=fact.calendar,
    )


def laid_down(told: tuple[Told, ...]) -> tuple[Told, ...]:
    """Return what may still be signed for once the case has ended: nobody is waited for."""
    return tuple(replace(one, by=None) for one in told)
