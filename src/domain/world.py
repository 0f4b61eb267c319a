"""The world a decision is made in: everything it may know besides the command and the case."""

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct

from domain.actor import Actor, Role
from domain.case import Case
from domain.catalogue import Catalogues
from domain.directory import Directory
from domain.due import Source
from domain.facts import Fact, Text
from domain.kind import Kind


class Outage(Struct, frozen=True, gc=False):
    """An approved time without the system; what happened then is let in until `register_by`."""

    since: datetime
    until: datetime
    register_by: datetime


class Upload(Struct, frozen=True, gc=False, kw_only=True):
    """附件: a file that was uploaded, and whether a command may still refer to it."""

    id: str
    sha256: str
    size: int
    media_type: str
    own: bool
    """Uploaded with the key that now refers to it."""
    case: str | None = None
    """The case that refers to it already."""
    expired: bool = False


class Stream(Struct, frozen=True, gc=False):
    """A stream other than the case's own that a decision writes to, in the same transaction.

    `type` is one of the stream types of facts; `id` is the stream's, empty where the district has
    but one of the sort (the catalogue).
    """

    type: str
    id: str = ""
    kind: str = ""
    """Of a new case: the hash of the kind it follows; empty for the same kind."""


class World(Struct, frozen=True, gc=False, kw_only=True):
    """Reference data as of `reference_position`, who acts, and the moment, in whole seconds."""

    now: datetime
    actor: Actor
    kind: Kind
    directory: Directory
    calendars: Mapping[str, Source]
    reference_position: int = 0
    number: str = ""
    who: str = ""
    """Who asks, to tell one person from another: the person where known, else the key."""
    outages: tuple[Outage, ...] = ()
    catalogues: Catalogues = Catalogues()
    others: Mapping[str, Case] = {}
    """Other cases that the command names, by id, as far as the actor may see them."""
    uploads: Mapping[str, Upload] = {}
    """Files that the command refers to, by id, as far as there are any."""
    kinds: Mapping[str, Kind] = {}
    """Every published kind by its hash, for those cases."""
    active: Mapping[str, str] = {}
    """The hash of the active version of each kind, for new cases."""
    part_id: Callable[[int], str] = str
    """The id of the n-th case that comes out of this one (a part of it, a finding): always the
    same for the same case and number."""

    @property
    def importing(self) -> bool:
        """Whether the past is being told: then times are given, and roles do not matter."""
        return self.actor.role is Role.IMPORTER


class Draft(Struct, frozen=True, gc=False):
    """A fact that a decision asks to be recorded, with the texts that go into the vault."""

    fact: Fact
    occurred_at: datetime
    texts: tuple[Text, ...] = ()
    stream: Stream | None = None
    """Where it is recorded; absent: in the case's own stream."""
