"""What time will bring to a clock: its warnings, its breach, the rungs of its ladder, and when."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from domain import facts as f
from domain.almanac import Almanac
from domain.clock import Clock
from domain.due import Cutoff, before, due
from domain.kind import ClockDefinition, Rung
from domain.reckoning import DATE, left, reckon, share
from domain.turn import Turn, of

BREACH: Final = "breach"
ORDER: Final = ("resume", "threshold", "breach", "rung", "acknowledge")
"""Of what falls on the same second."""
SECOND: Final = timedelta(seconds=1)


def reckoned(clock: Clock, almanac: Almanac, at: datetime) -> Clock:
    """Return a clock with its due counted anew, as seen at a moment; an absolute date stays."""
    if clock.budget == DATE:
        return clock
    falls = reckon(clock, almanac, at).due
    return replace(
        clock,
        due=falls.at,
        provisional=falls.provisional,
        calendar_version=falls.calendar_version,
    )


def plan(clock: Clock, turn: Turn, at: datetime) -> tuple[f.Point, ...]:
    """Return what time will bring from `at` on, in order.

    While a clock stands still, only that it resumes. What was reached before is not brought again
    unless it now lies ahead; what a stricter limit has passed already comes at once. Telling the
    past is silent: of what lies before now only the breach is planned (clocks.md R10, R11, R12).
    """
    # Whoever was told must still sign, whatever becomes of the due.
    points = [point for point in clock.plan if point.name.startswith("acknowledge:")]
    if clock.held:
        points += [f.Point(f"resume:{one.reason}", one.until) for one in clock.held if one.until]
        return tuple(sorted(points, key=in_order))
    definition = turn.definition(clock)
    if definition is not None:
        points += _ahead(clock, definition, turn, at)
    if clock.breached_at is None:
        points.append(f.Point(BREACH, clock.due + SECOND))
    return tuple(sorted(points, key=in_order))


def in_order(point: f.Point) -> tuple[datetime, int]:
    """Rank points by time, and by what they are where they fall on the same second."""
    return (point.at, ORDER.index(sort_of(point)))


def sort_of(point: f.Point) -> str:
    """Return what a point is: one of ORDER."""
    return point.name.partition(":")[0]


def _ahead(clock: Clock, definition: ClockDefinition, turn: Turn, at: datetime) -> list[f.Point]:
    silent_until = turn.world.now if turn.world.importing else None
    found: list[f.Point] = []
    for point in _moments(clock, definition, turn.almanac(clock.calendar), at, silent_until):
        if silent_until is not None and point.at <= silent_until:
            continue
        if point.at > at or clock.generation == 1:
            found.append(point)
        elif point.name not in clock.reached:
            found.append(f.Point(point.name, at))
    return found


def _moments(
    clock: Clock,
    definition: ClockDefinition,
    almanac: Almanac,
    at: datetime,
    silent_until: datetime | None,
) -> Iterator[f.Point]:
    if silent_until is None or clock.due > silent_until:
        yield from _warnings(clock, definition, almanac, at)
    for number, rung in enumerate(definition.ladder, 1):
        if silent_until is None or rung.before is None or clock.due > silent_until:
            yield f.Point(f"rung:{number}", _rung_at(rung, clock, almanac))


def _warnings(
    clock: Clock, definition: ClockDefinition, almanac: Almanac, at: datetime
) -> Iterator[f.Point]:
    for warning in definition.warn:
        if clock.budget == DATE:
            if warning.left is None:
                continue  # an absolute date has no share
            moment = before(clock.due, warning.left, almanac, Cutoff(clock.cutoff))
        elif warning.left is None:
            moment = share(clock, almanac, at, warning.percent)
        else:
            moment = left(clock, almanac, at, warning.left)
        # A warning of more than there is to use up comes with the start.
        yield f.Point(f"threshold:{warning.name}", max(moment, clock.started_at))


def _rung_at(rung: Rung, clock: Clock, almanac: Almanac) -> datetime:
    cutoff = Cutoff(clock.cutoff)
    if rung.before is not None:
        return max(before(clock.due, rung.before, almanac, cutoff), clock.started_at)
    if rung.after is not None:
        return due(clock.due, rung.after, almanac, cutoff).at
    return clock.due + SECOND


def rescheduled(
    before_: Clock,
    after: Clock,
    turn: Turn,
    at: datetime,
    *,
    reason: str,
    request: int = 0,
    compressed: bool = False,
) -> f.ClockRescheduled:
    """Return the fact that a clock's reckoning is another from now on; `after` has its due."""
    after = replace(after, generation=before_.generation + 1)
    members: dict[str, Any] = {
        "reason": reason,
        "request": request,
        "total": after.total,
        "cutoff": after.cutoff,
        "calendar": after.calendar,
        "started_at": after.started_at,
        "budget": after.budget,
        "calendar_version": after.calendar_version,
        "limit": after.limit,
        "answerable": after.answerable,
        "extensions": after.extensions,
        "floors": after.floors,
        "previous_due": before_.due,
        "due": after.due,
        "provisional": after.provisional,
        "compressed": compressed,
        "generation": after.generation,
        "plan": plan(after, turn, at),
    }
    return f.ClockRescheduled(**of(after), **members)
