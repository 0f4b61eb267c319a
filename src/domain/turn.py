"""One decision while it is being made: the case as it becomes, and the facts so far."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from domain import facts as f
from domain.almanac import Almanac, almanac_of
from domain.calendar import Calendar
from domain.case import Case
from domain.clock import Clock
from domain.errors import UnknownCalendar
from domain.evolve import evolve
from domain.kind import ClockDefinition
from domain.world import Draft, World


class Turn:
    """Records drafts and lets the case follow at once, so that what comes next sees it."""

    def __init__(self, case: Case, world: World) -> None:
        """Begin with a case and nothing recorded."""
        self.case = case
        self.world = world
        self.drafts: list[Draft] = []

    def record(self, fact: f.Fact, at: datetime, texts: Sequence[f.Text] = ()) -> None:
        """Record a fact that happened at a moment."""
        self.drafts.append(Draft(fact, at, tuple(texts)))
        self.case = evolve(self.case, fact, at)

    def take(self, drafts: Iterable[Draft]) -> None:
        """Take over drafts; what they write elsewhere leaves the case as it is."""
        for draft in drafts:
            self.drafts.append(draft)
            if draft.stream is None:
                self.case = evolve(self.case, draft.fact, draft.occurred_at)

    def clock(self, clock: Clock) -> Clock:
        """Return a clock as it is now."""
        return next(one for one in self.case.clocks if one.instance == clock.instance)

    def definition(self, clock: Clock) -> ClockDefinition | None:
        """Return what the case's kind says of a clock; None of one that it no longer has."""
        return self.world.kind.clock(clock.name)

    def almanac(self, name: str) -> Almanac:
        """Return a working calendar as it is now.

        Raises:
            UnknownCalendar.
        """
        calendar = self.world.calendars.get(name)
        if calendar is None:
            raise UnknownCalendar(calendar=name, known="、".join(self.world.calendars))
        return almanac_of(calendar) if isinstance(calendar, Calendar) else calendar


def of(clock: Clock) -> dict[str, Any]:
    """Return the members by which every fact of a clock says which one is meant."""
    return {
        "clock": clock.name,
        "scope": clock.scope,
        "cycle": clock.cycle,
        "sequence": clock.sequence,
    }
