"""What a clock's limit comes to: its due, and the moments at a share of it, or when some is left.

A due is a fold over limit, calendar, start, pauses and extensions, with floors below it: after a
stricter grade or a new calendar it is never earlier than so much from the change on (clocks.md
R7, R13). Nothing here asks the time: `at` says from when the clock is seen.
"""

from datetime import datetime
from typing import Final

from msgspec import Struct

from domain import facts as f
from domain.clock import Clock
from domain.due import (
    Budget,
    Cutoff,
    Due,
    Pause,
    Source,
    Unit,
    before,
    consumed,
    due,
    parse_budget,
    reached,
    threshold,
    total,
)

DATE: Final = "date"
"""The budget of a clock whose due somebody else set: it never moves."""
_WHOLE: Final = 100


class Reckoned(Struct, frozen=True, gc=False):
    """A due, and the floor that it comes from; None if the limit itself comes to it."""

    due: Due
    floor: f.Floor | None = None


def reckon(clock: Clock, almanac: Source, at: datetime) -> Reckoned:
    """Return when a clock falls due, as it stands at a moment.

    What holds it still counts as a pause up to its known end, else up to `at`: a due to show,
    since nothing happens to a clock while it stands still. An absolute date stays what it is.
    Raises as `due` does.
    """
    if clock.budget == DATE:
        return Reckoned(Due(clock.due, provisional=False, calendar_version=clock.calendar_version))
    cutoff, pauses = Cutoff(clock.cutoff), pauses_of(clock, at)
    budget, extensions = parse_budget(clock.budget), _extensions(clock)
    falls = due(clock.started_at, budget, almanac, cutoff, pauses=pauses, extensions=extensions)
    won = None
    for floor in clock.floors:
        least = due(floor.since, parse_budget(floor.budget), almanac, cutoff, pauses=pauses)
        if least.at > falls.at:
            falls, won = least, floor
    return Reckoned(falls, won)


def share(clock: Clock, almanac: Source, at: datetime, percent: int) -> datetime:
    """Return the moment at which this share of the limit is used up (clocks.md R10).

    Through the calendar, with pauses and extensions, rounded up: never early, and 100 % is the
    due. Where floors hold, of the limit and of each floor, whichever comes last. Of an absolute
    date, the share of the open seconds from the start to it. Raises as `due` does.
    """
    if clock.budget == DATE:
        return _share_of_date(clock, almanac, percent)
    cutoff, pauses = Cutoff(clock.cutoff), pauses_of(clock, at)
    budget, extensions = parse_budget(clock.budget), _extensions(clock)
    moments = [
        threshold(
            clock.started_at,
            budget,
            percent,
            almanac,
            cutoff,
            pauses=pauses,
            extensions=extensions,
        ).at
    ]
    for floor in clock.floors:
        least = parse_budget(floor.budget)
        moments.append(threshold(floor.since, least, percent, almanac, cutoff, pauses=pauses).at)
    return max(moments)


def left(clock: Clock, almanac: Source, at: datetime, budget: Budget) -> datetime:
    """Return the moment from which no more than this is left until the due (clocks.md R10).

    In the unit in which the due was counted: when all but this is used up, at the earliest when
    counting began. In another unit, so much before the due (see `before`), and not before the
    start. Raises as `due` does.
    """
    answer = reckon(clock, almanac, at)
    cutoff, pauses = Cutoff(clock.cutoff), pauses_of(clock, at)
    counted = _counted(clock, answer.floor)
    if counted is None or counted[2] is not budget.unit:
        return max(before(answer.due.at, budget, almanac, cutoff), clock.started_at)
    start, size, unit = counted
    return reached(start, max(size - budget.size, 0), unit, almanac, cutoff, pauses=pauses).at


def used(clock: Clock, almanac: Source, at: datetime) -> int:
    """Count what a clock has used up by a moment: seconds, days or months of its own unit.

    Of an absolute date, open seconds.
    """
    unit = Unit.wh if clock.budget == DATE else parse_budget(clock.budget).unit
    cutoff, pauses = Cutoff(clock.cutoff), pauses_of(clock, at)
    return consumed(clock.started_at, at, unit, almanac, cutoff, pauses=pauses)


def pauses_of(clock: Clock, at: datetime) -> list[Pause]:
    """Return a clock's pauses, with what holds it now up to its known end, else up to `at`."""
    over = [(span.since, span.until) for span in clock.pauses]
    held = [(hold.since, hold.until or at) for hold in clock.held]
    return over + [(since, until) for since, until in held if since < until]


def _extensions(clock: Clock) -> list[Budget]:
    return [parse_budget(text) for text in clock.extensions]


def _counted(clock: Clock, floor: f.Floor | None) -> tuple[datetime, int, Unit] | None:
    """Return from where the due was counted, and how much of what; None for a date."""
    if floor is not None:
        least = parse_budget(floor.budget)
        return floor.since, least.size, least.unit
    if clock.budget == DATE:
        return None
    budget = parse_budget(clock.budget)
    return clock.started_at, total(budget, _extensions(clock)), budget.unit


def _share_of_date(clock: Clock, almanac: Source, percent: int) -> datetime:
    if percent >= _WHOLE:
        return clock.due
    whole = consumed(clock.started_at, clock.due, Unit.wh, almanac)
    return reached(clock.started_at, -(-whole * percent // _WHOLE), Unit.wh, almanac).at
