"""The world a decision is made in: everything it may know besides the command and the case."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from domain.actor import Actor, Role
from domain.calendar import Calendar
from domain.directory import Directory
from domain.facts import Fact, Text
from domain.kind import Kind


class World(Struct, frozen=True, gc=False, kw_only=True):
    """Reference data as of `reference_position`, who acts, and the moment, in whole seconds."""

    now: datetime
    actor: Actor
    kind: Kind
    directory: Directory
    calendars: Mapping[str, Calendar]
    reference_position: int = 0
    number: str = ""

    @property
    def importing(self) -> bool:
        """Whether the past is being told: then times are given, and roles do not matter."""
        return self.actor.role is Role.IMPORTER


class Draft(Struct, frozen=True, gc=False):
    """A fact that a decision asks to be recorded, with the texts that go into the vault."""

    fact: Fact
    occurred_at: datetime
    texts: tuple[Text, ...] = ()
