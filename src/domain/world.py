"""The world a decision is made in: everything it may know besides the command and the case."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from domain.actor import Actor, Role
from domain.directory import Directory
from domain.due import Source
from domain.facts import Fact, Text
from domain.kind import Kind


class Outage(Struct, frozen=True, gc=False):
    """An approved time without the system; what happened then is let in until `register_by`."""

    since: datetime
    until: datetime
    register_by: datetime


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

    @property
    def importing(self) -> bool:
        """Whether the past is being told: then times are given, and roles do not matter."""
        return self.actor.role is Role.IMPORTER


class Draft(Struct, frozen=True, gc=False):
    """A fact that a decision asks to be recorded, with the texts that go into the vault."""

    fact: Fact
    occurred_at: datetime
    texts: tuple[Text, ...] = ()
