"""拆分: which case this one is a part of, and which parts it was split into itself."""

from msgspec import Struct
from msgspec.structs import replace

from domain import facts as f
from domain.aftercare import AftercareEvent


class Split(Struct, frozen=True, gc=False, kw_only=True):
    """As of the case's latest fact."""

    parent: str | None = None
    """The case that this one is a part of; its caller waits for all of its parts."""
    parts: tuple[f.CaseReference, ...] = ()
    """The cases that this one was split into."""


def split_after(split: Split, fact: AftercareEvent) -> Split:
    """Return how it stands after one more fact."""
    match fact:
        case f.CaseSplit():
            return replace(split, parts=fact.parts)
        case f.SplitOff():
            return replace(split, parent=fact.parent)
        case _:
            return split
