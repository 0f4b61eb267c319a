"""What was claimed, decided, published, found."""

from datetime import datetime

from msgspec import Struct

from domain import facts as f


class Civic(Struct, frozen=True, gc=False, kw_only=True):
    """As of the case's latest fact."""

    claimant: f.Unit | None = None
    """Who claimed it for itself; nobody else may then."""


def civic_after(civic: Civic, fact: f.CivicFact, occurred_at: datetime) -> Civic:
    """Return how it stands after one more fact."""
    del fact, occurred_at
    return civic
