"""Callbacks, ratings, redo, appeals, and which cases this one belongs with."""

from datetime import datetime

from msgspec import Struct

from domain import facts as f


class Aftercare(Struct, frozen=True, gc=False, kw_only=True):
    """As of the case's latest fact."""


def aftercare_after(
    aftercare: Aftercare, fact: f.AftercareFact, occurred_at: datetime
) -> Aftercare:
    """Return how it stands after one more fact."""
    del fact, occurred_at
    return aftercare
