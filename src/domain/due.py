"""When a limit falls due: budgets, and their consumption through a working calendar.

A clock runs over half-open spans of time, interrupted by pauses. Each unit has a scale that
measures such spans (`domain/scales.py`); `due` is the earliest moment at which they measure the
budget (clocks.md R3). A calendar may be one version, or an almanac of several, each for its days.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from msgspec import Struct

from domain.almanac import Almanac
from domain.budget import (
    BareDuration,
    Budget,
    Cutoff,
    Unit,
    UnitMismatch,
    ZeroBudget,
    parse_budget,
)
from domain.calendar import DAY, LONGEST_CLOSURE, Calendar
from domain.errors import BadInput, NotAllowed
from domain.scales import SCALES, Run, Scale, closed, latest_before, months_later, pieces_from
from domain.wall import SHANGHAI, from_wall, to_wall

__all__ = [
    "SHANGHAI",
    "BareDuration",
    "Budget",
    "Cutoff",
    "Due",
    "NoOpening",
    "Pause",
    "PauseNotAllowed",
    "Source",
    "Unit",
    "UnitMismatch",
    "ZeroBudget",
    "before",
    "consumed",
    "due",
    "opening",
    "parse_budget",
    "reached",
    "threshold",
    "total",
]

Pause = tuple[datetime, datetime]
"""From, inclusive, until, exclusive; already approved and meant for this clock."""

Source = Calendar | Almanac
"""What to count by: one version of a calendar, or several, each from its day on."""

_WHOLE: Final = 100


class NoOpening(BadInput):
    """从 {start} 起用日历“{calendar}”算不出到期时间：连续 {days} 天没有工作时间，或超出公元 1 至 9999 年。请检查日历和时限。"""  # noqa: E501 # the docstring is the message: one line

    code = "no-opening"


class PauseNotAllowed(NotAllowed):
    """不能这样暂停：{detail}。请核对暂停的起止时间和理由。"""

    code = "pause-not-allowed"


class Due(Struct, frozen=True, gc=False):
    """The answer: when, whether assumed days were counted, and with which calendar version."""

    at: datetime
    """UTC, whole seconds."""
    provisional: bool
    calendar_version: str
    """Of an almanac, the newest."""


def due(  # the whole of what a deadline depends on, by name
    start: datetime,
    budget: Budget,
    calendar: Source,
    cutoff: Cutoff = Cutoff.close_of_business,
    *,
    pauses: Sequence[Pause] = (),
    extensions: Iterable[Budget] = (),
    roll: bool = False,
) -> Due:
    """Return the earliest moment at which the budget, with its extensions, is used up.

    With `roll`, a start off working hours counts as one at the next opening (clocks.md R3).
    Raises NaiveTime, UnitMismatch (an extension in another unit), PauseNotAllowed (a pause that
    ends before it starts), NoOpening.
    """
    size = total(budget, extensions)
    start = opening(start, calendar) if roll else start
    return _counted(start, size, budget.unit, calendar, cutoff, pauses)


def threshold(  # the whole of what a threshold depends on, by name
    start: datetime,
    budget: Budget,
    percent: int,
    calendar: Source,
    cutoff: Cutoff = Cutoff.close_of_business,
    *,
    pauses: Sequence[Pause] = (),
    extensions: Iterable[Budget] = (),
    roll: bool = False,
) -> Due:
    """Return the earliest moment at which this share of the budget is used up (clocks.md R10).

    Counted through the calendar, of the budget with its extensions; what is not whole (seconds,
    working days, natural days, also of months) is rounded up, so never too early, and 100 % is
    the due itself. Raises as `due` does.
    """
    size = total(budget, extensions)
    start = opening(start, calendar) if roll else start
    return _counted(start, size, budget.unit, calendar, cutoff, pauses, percent)


def reached(  # see due
    start: datetime,
    size: int,
    unit: Unit,
    calendar: Source,
    cutoff: Cutoff = Cutoff.close_of_business,
    *,
    pauses: Sequence[Pause] = (),
) -> Due:
    """Return the earliest moment at which `consumed` is at least `size`; the start for nothing.

    Seconds, days or months. So the moment at which only so much is left of a budget in the
    clock's own unit is `reached(start, size - left)`.
    """
    return _counted(start, size, unit, calendar, cutoff, pauses)


def consumed(  # see due
    start: datetime,
    until: datetime,
    unit: Unit,
    calendar: Source,
    cutoff: Cutoff = Cutoff.close_of_business,
    *,
    pauses: Sequence[Pause] = (),
) -> int:
    """Count what a clock has used up by `until`: seconds for wh and nh, days, whole months."""
    kind = SCALES[unit]
    begin = to_wall(start, kind.zone)
    pieces = pieces_from(kind.origin(begin), _merged(pauses, kind.zone), kind, calendar, cutoff)
    return kind.size(begin, kind.consumed_by(pieces, to_wall(until, kind.zone)))


def opening(start: datetime, calendar: Source) -> datetime:
    """Return the first open second from this moment on, itself if it is one; in UTC.

    Raises NaiveTime, NoOpening.
    """
    return reached(start, 1, Unit.wh, calendar).at - timedelta(seconds=1)


def before(
    until: datetime,
    budget: Budget,
    calendar: Source,
    cutoff: Cutoff = Cutoff.close_of_business,
) -> datetime:
    """Return the latest moment from which exactly this much is left until `until`; in UTC.

    For rungs and warnings before a due, in whatever unit the clock itself counts: `wh` goes back
    by open seconds, so one hour before 10:00 is 9:00 and not the evening before; `nh` by seconds;
    `wd` to the cutoff of the N-th workday before the date; `nd` and `month` by days and months
    to the same time of day, whether or not anybody works then. Pauses are no part of it: what is
    left of a clock's own budget is `reached(start, size - left)`. Raises NaiveTime, NoOpening.
    """
    kind = SCALES[budget.unit]
    try:
        wall = to_wall(until, kind.zone)
        return from_wall(_back(wall, budget, calendar, cutoff), kind.zone)
    except OverflowError:
        raise _no_opening(until, calendar) from None


def total(budget: Budget, extensions: Iterable[Budget]) -> int:
    """Return the size of a budget with its extensions. Raises UnitMismatch."""
    size = budget.size
    for extension in extensions:
        if extension.unit is not budget.unit:
            raise UnitMismatch(extension=extension, budget=budget)
        size += extension.size
    return size


def _counted(
    start: datetime,
    size: int,
    unit: Unit,
    calendar: Source,
    cutoff: Cutoff,
    pauses: Sequence[Pause],
    percent: int = _WHOLE,
) -> Due:
    kind = SCALES[unit]
    try:
        begin = to_wall(start, kind.zone)
        origin = kind.origin(begin)
        steps = -(-kind.steps(begin, size) * percent // _WHOLE)
        if steps <= 0:
            found = begin
        elif pauses:
            pieces = pieces_from(origin, _merged(pauses, kind.zone), kind, calendar, cutoff)
            found = kind.moment_of(pieces, steps)
        else:
            found = _straight_on(kind, origin, steps, calendar, cutoff)
        at = from_wall(found, kind.zone)
    except OverflowError:
        raise _no_opening(start, calendar) from None
    first, last = origin // DAY, found // DAY
    if calendar.closures and closed(kind, calendar, first, last):
        raise _no_opening(start, calendar)
    return Due(at, kind.by_calendar and calendar.assumed(first, last), calendar.version)


@lru_cache(maxsize=16_384)  # in days, all that starts on a day with one budget falls due together
def _straight_on(
    kind: type[Scale], origin: int, steps: int, calendar: Source, cutoff: Cutoff
) -> int:
    """Return when so much is used up if nothing pauses."""
    return kind.moment_of(pieces_from(origin, (), kind, calendar, cutoff), steps)


def _back(wall: int, budget: Budget, calendar: Source, cutoff: Cutoff) -> int:
    day, second = divmod(wall, DAY)
    kind = SCALES[budget.unit]
    match budget.unit:
        case Unit.nh:
            return wall - budget.size
        case Unit.nd:
            return wall - budget.size * DAY
        case Unit.month:
            return months_later(day, -budget.size) * DAY + second
        case Unit.wh:
            return latest_before(wall, budget.size, kind, calendar, cutoff)
        case Unit.wd:
            return latest_before(day * DAY, budget.size, kind, calendar, cutoff)


def _merged(pauses: Iterable[Pause], zone: tzinfo) -> list[Run]:
    """Join pauses that overlap or touch: the clock runs when no reason holds it (R5)."""
    found: list[Run] = []
    for since, until in sorted([(to_wall(a, zone), to_wall(b, zone)) for a, b in pauses]):
        if since >= until:
            ends = (from_wall(end, zone).astimezone(SHANGHAI) for end in (until, since))
            raise PauseNotAllowed(detail="结束时间 {} 不晚于开始时间 {}".format(*ends))
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return found


def _no_opening(start: datetime, calendar: Source) -> NoOpening:
    return NoOpening(start=start.isoformat(), calendar=calendar.name, days=LONGEST_CLOSURE)
