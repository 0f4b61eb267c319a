"""The small shapes that facts are made of, and what a fact is."""

from datetime import datetime
from typing import ClassVar, Final

from msgspec import Struct

CASE: Final = "case"
KIND: Final = "kind"
DIRECTORY: Final = "directory"
CALENDAR: Final = "calendar"
ACCESS: Final = "access"
DISTRICT: Final = "district"
CATALOGUE: Final = "catalogue"
DEFINITION: Final = "definition"
RANKING: Final = "ranking"


class Unit(Struct, frozen=True, gc=False):
    """A unit and where it stood in the tree then: `path` from the root down to the unit itself."""

    id: str
    path: tuple[str, ...]


class Stage(Struct, frozen=True, gc=False):
    """A move between stages (环节); equal when the fact moves nothing."""

    source: str
    target: str
    phase: str


class SourceReference(Struct, frozen=True, gc=False):
    """The number another system knows this case by."""

    system: str
    id: str


class Location(Struct, frozen=True, gc=False):
    """A point as it was given: integers of 1e-7 degree in the stated reference system."""

    crs: str
    longitude: int
    latitude: int


class Text(Struct, frozen=True, gc=False):
    """Clear text on its way into the vault; `subject` is whose data it is (reporter, narrative)."""

    field: str
    subject: str
    value: str


class Point(Struct, frozen=True, gc=False):
    """计时点: what time will bring by itself, and when.

    `threshold:80%`, `breach` (the second after the due), `rung:2`, `resume:<reason>`,
    `acknowledge:<notice>`.
    """

    name: str
    at: datetime


class Span(Struct, frozen=True, gc=False):
    """From, inclusive, until, exclusive."""

    since: datetime
    until: datetime


class Floor(Struct, frozen=True, gc=False):
    """A due is never earlier than this budget counted from here (clocks.md R7, R13)."""

    since: datetime
    budget: str


class Limit(Struct, frozen=True, gc=False):
    """Which limit applied, and where it stands."""

    origin: str = "kind"
    """`kind`, `source` (the reporting system set it), `rework`, `catalogue` (立案条件),
    `accountability` (定时间, or by when a duty was taken)."""
    version: str = ""
    """Of the definition, for example `closed-loop@1.0.0`."""
    by: str = ""
    """What chose it: `urgency=urgent`, `item=component-01-01#2`; empty for the default."""


class Answerable(Struct, frozen=True, gc=False):
    """A post and who held it; nobody is a vacancy (缺位)."""

    post: str
    person: str | None


class Recipient(Struct, frozen=True, gc=False):
    """Who is told: the role that was asked for, resolved when the notice was issued."""

    role: str
    unit: Unit | None
    post: str | None = None
    person: str | None = None
    vacant: tuple[str, ...] = ()
    """Posts that were passed over because nobody held them (缺位)."""


class Fact(Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """What happened; immutable, past tense."""

    TYPE: ClassVar[str] = ""
    STREAM: ClassVar[str] = ""
    SCHEMA: ClassVar[int] = 1
