"""The catalogue item and condition that a case was filed under; its attachments."""

from datetime import datetime

from msgspec import Struct

from domain import facts as f


class Filing(Struct, frozen=True, gc=False, kw_only=True):
    """As of the case's latest fact."""


def filing_after(filing: Filing, fact: f.FilingFact, occurred_at: datetime) -> Filing:
    """Return how it stands after one more fact."""
    del fact, occurred_at
    return filing
