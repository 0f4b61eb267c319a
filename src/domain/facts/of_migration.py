"""What happens to an open case whose kind has a new version: it may pass over to that version."""

from typing import ClassVar, Literal

from msgspec import Struct

from domain.facts.of_cases import CaseFact


class ClockPassage(Struct, frozen=True, gc=False):
    """What became of one instance of a clock when its case passed to another version."""

    clock: str
    scope: str
    cycle: int
    sequence: int
    change: Literal["kept", "restarted", "cancelled", "started"]


class CaseMigrated(CaseFact, frozen=True, kw_only=True):
    """迁移到新版类型: from this fact on the case follows another version of its kind."""

    TYPE: ClassVar[str] = "case-migrated"
    from_hash: str
    to_hash: str
    version: str
    """The new version, as people read it."""
    plan: str
    """SHA-256 of the rule that it followed, as it was approved."""
    clocks: tuple[ClockPassage, ...] = ()
