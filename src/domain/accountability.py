"""The four that are fixed and the three duties, as they stand."""

from datetime import datetime

from msgspec import Struct

from domain import facts as f


class Accountability(Struct, frozen=True, gc=False, kw_only=True):
    """As of the case's latest fact."""


def accountability_after(
    accountability: Accountability, fact: f.AccountabilityFact, occurred_at: datetime
) -> Accountability:
    """Return how it stands after one more fact."""
    del fact, occurred_at
    return accountability
