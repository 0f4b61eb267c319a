"""Drift: where counting again, by today's rules, comes to another due than was recorded.

Replay uses what was recorded and counts nothing again (clocks.md R15); this looks afterwards
whether the two still agree. They differ where a rule was changed under a recorded version, and
only there.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from domain.almanac import Almanac
from domain.case import Case
from domain.clock import Clock
from domain.clock_names import clock_text
from domain.explain import stood_still
from domain.kind import ClockDefinition, Kind
from domain.limits import reworked
from domain.reckoning import DATE, reckon


class Drift(Struct, frozen=True):
    """One clock that would come out differently today."""

    case: str
    clock: str
    what: Literal["due", "limit", "calendar"]
    """`calendar`: the version that it was counted by is no longer known."""
    recorded: str
    now: str


def drift(
    case: Case, almanacs: Mapping[tuple[str, str], Almanac], kind: Kind | None
) -> list[Drift]:
    """Count every clock of a case again, open or ended, from its recorded inputs.

    By the calendar version that it was counted by, and the limits of the kind that the case is
    pinned to (none are checked without it). Left out is what nobody has counted yet: a clock that
    stands still, or was cancelled while it did. A date is not counted.
    """
    return [
        Drift(case.id, clock_text(clock.instance), *found)
        for clock in case.clocks
        for found in (*_in_due(clock, almanacs), *_in_limit(clock, kind))
    ]


_Found = tuple[Literal["due", "limit", "calendar"], str, str]


def _in_due(clock: Clock, almanacs: Mapping[tuple[str, str], Almanac]) -> Iterator[_Found]:
    if clock.budget == DATE or stood_still(clock):
        return
    almanac = almanacs.get((clock.calendar, clock.calendar_version))
    if almanac is None:
        yield "calendar", f"{clock.calendar} {clock.calendar_version}", ""
        return
    due = reckon(clock, almanac, clock.due).due.at
    if due != clock.due:
        yield "due", _text(clock.due), _text(due)


def _in_limit(clock: Clock, kind: Kind | None) -> Iterator[_Found]:
    definition = kind.clock(clock.name) if kind else None
    if definition is None:
        return
    expected = _expected(clock, definition)
    if expected is not None and expected != clock.budget:
        yield "limit", clock.budget, expected


def _expected(clock: Clock, definition: ClockDefinition) -> str | None:
    """Return the budget that a definition has for what chose the limit; None if it cannot say."""
    if clock.limit.origin == "source" or definition.date is not None:
        return DATE
    if clock.limit.by.startswith("item="):
        return None  # the catalogue says it, not the definition
    scaled = definition.regrade == "remaining_ratio" and clock.generation > 1
    if scaled or not clock.limit.version:
        return None  # it may be a share of what was left; it may not say what chose it
    chosen = clock.limit.by.partition("=")[2]
    budget = next((given for value, given in definition.budgets if value == chosen), None)
    if budget is None:
        return ""
    if clock.limit.origin == "rework" and definition.rework is not None:
        budget = reworked(budget, definition.rework)
    return str(budget)


def _text(moment: datetime) -> str:
    return moment.isoformat()
