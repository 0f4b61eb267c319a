"""What residents and units do together in a case: what was claimed, voted, published, found."""

from collections.abc import Callable
from datetime import date, datetime
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f

CivicEvent = (
    f.DataRecorded
    | f.CaseClaimed
    | f.ClaimReleased
    | f.VoteHeld
    | f.PublicationMade
    | f.PublicationEnded
    | f.ObjectionRaised
    | f.ObjectionAnswered
    | f.SignatureRecorded
    | f.FindingRecorded
    | f.ZeroReported
    | f.RoundMissed
)


class Civic(Struct, frozen=True, gc=False, kw_only=True):
    """As of the case's latest fact."""

    claimant: f.Unit | None = None
    """Who claimed it for itself; nobody else may then."""
    person: str | None = None
    published: dict[str, date] = {}
    """Steps that hang now, and until when."""
    objections: int = 0
    unanswered: tuple[int, ...] = ()
    signatures: int = 0
    findings: int = 0


def civic_after(civic: Civic, fact: CivicEvent, occurred_at: datetime) -> Civic:
    """Return how it stands after one more fact."""
    del occurred_at
    match fact:
        case f.CaseClaimed():
            return replace(civic, claimant=fact.claimant, person=fact.person)
        case f.ClaimReleased():
            return replace(civic, claimant=None, person=None)
        case f.PublicationMade():
            return replace(civic, published={**civic.published, fact.step: fact.until})
        case f.PublicationEnded():
            left = {step: until for step, until in civic.published.items() if step != fact.step}
            return replace(civic, published=left)
        case f.ObjectionRaised():
            waiting = (*civic.unanswered, fact.objection)
            return replace(civic, objections=fact.objection, unanswered=waiting)
        case f.ObjectionAnswered():
            waiting = tuple(one for one in civic.unanswered if one != fact.objection)
            return replace(civic, unanswered=waiting)
        case f.SignatureRecorded():
            return replace(civic, signatures=fact.signatures)
        case f.FindingRecorded():
            return replace(civic, findings=fact.finding)
        case f.DataRecorded() | f.VoteHeld() | f.ZeroReported() | f.RoundMissed():
            return civic
        case _:
            assert_never(fact)


def succeeded(civic: Civic, now: Callable[[f.Unit], f.Unit]) -> Civic:
    """Let what was claimed be the claim of whoever is in the claimant's place now."""
    return replace(civic, claimant=now(civic.claimant)) if civic.claimant else civic
