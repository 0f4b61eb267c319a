"""The days of a clock cut into spans: open or shut, worked or not, and by which calendar.

Nothing here knows of limits or pauses; `explain_rows` asks for one span after the other.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from domain.almanac import Almanac
from domain.budget import Cutoff, Unit
from domain.calendar import DAY, LAST_SECOND, Calendar
from domain.wall import SHANGHAI

ENDLESS: Final = datetime(9999, 12, 30, tzinfo=UTC)
"""Later than anything that is explained."""

SATURDAY: Final = 5
WORKING: Final = "working-time"
MAKE_UP: Final = "make-up-workday"
OFF_HOURS: Final = "off-hours"
WEEKEND: Final = "weekend"
HOLIDAY: Final = "holiday"
NATURAL: Final = "natural-time"
START_DAY: Final = "start-day"
WORKDAY: Final = "workday"
NATURAL_DAY: Final = "natural-day"


class Span(Struct, frozen=True, gc=False):
    """A stretch of time of one sort; `counts` unless the clock is held or used up."""

    since: datetime
    until: datetime
    why: str
    counts: bool
    cutoff: datetime | None = None
    """Of a day: the second at which it counts, if it does."""
    worked: bool = True
    """Of a day: whether a limit in natural days may end on it."""
    version: str = ""
    """Of the calendar in force; empty where none is needed."""
    provisional: bool = False


def spans(unit: Unit, start: datetime, almanac: Almanac, cutoff: Cutoff) -> Iterator[Span]:
    """Yield the spans from the start on, without end."""
    if unit is Unit.nh:
        yield Span(start, ENDLESS, NATURAL, counts=True)
    elif unit is Unit.wh:
        for span in _hours(start, almanac):
            if span.until > start:
                yield replace(span, since=max(span.since, start))
    else:
        yield from _days(unit, start, almanac, cutoff)


def at(day: date, second: int) -> datetime:
    """Return a second of a day in Asia/Shanghai; the day's length stands for midnight after it."""
    if second == DAY:
        day, second = day + timedelta(1), 0
    minutes, seconds = divmod(second, 60)
    local = datetime.combine(day, time(*divmod(minutes, 60), seconds), SHANGHAI)
    return local.astimezone(UTC)


def local_day(moment: datetime) -> date:
    """Return the day in Asia/Shanghai."""
    return moment.astimezone(SHANGHAI).date()


def _hours(start: datetime, almanac: Almanac) -> Iterator[Span]:
    for day in _days_from(local_day(start)):
        calendar = almanac.on(day)
        worked = calendar.is_workday(day)
        edges = [edge for hours in calendar.hours for edge in hours] if worked else []
        known: dict[str, Any] = _of(almanac, day)
        for number, (since, until) in enumerate(pairwise([0, *edges, DAY])):
            if since < until:
                why = _why(calendar, day) if number % 2 or not worked else OFF_HOURS
                yield Span(at(day, since), at(day, until), why, bool(number % 2), **known)


def _days(unit: Unit, start: datetime, almanac: Almanac, cutoff: Cutoff) -> Iterator[Span]:
    """Yield the rest of the start date, which never counts, and then day after day."""
    today = local_day(start)
    yield Span(start, at(today, DAY), START_DAY, counts=False, **_of(almanac, today))
    for day in _days_from(today + timedelta(1)):
        calendar = almanac.on(day)
        worked = calendar.is_workday(day)
        closes = calendar.close_of_business if cutoff is Cutoff.close_of_business else LAST_SECOND
        why = NATURAL_DAY if unit is not Unit.wd else _why(calendar, day, WORKDAY)
        yield Span(
            at(day, 0),
            at(day, DAY),
            why,
            counts=unit is not Unit.wd or worked,
            cutoff=at(day, closes),
            worked=worked,
            **_of(almanac, day),
        )


def _why(calendar: Calendar, day: date, ordinary: str = WORKING) -> str:
    """Name the sort of day, telling what a notice ordered from what the week has anyway."""
    by_notice = calendar.days.get(day)
    if calendar.is_workday(day):
        return MAKE_UP if by_notice and day.weekday() >= SATURDAY else ordinary
    return HOLIDAY if by_notice is False else WEEKEND


def _of(almanac: Almanac, day: date) -> dict[str, Any]:
    return {"version": almanac.on(day).version, "provisional": almanac.is_provisional(day)}


def _days_from(day: date) -> Iterator[date]:
    while True:
        yield day
        day += timedelta(1)
