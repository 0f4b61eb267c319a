"""A second way to count a due, minute by minute and day by day, deliberately naive."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from domain.almanac import Almanac
from domain.due import SHANGHAI, Budget, Cutoff, Pause, Unit

END_OF_DAY = time(23, 59, 59)


def naive_due(
    start: datetime, budget: Budget, almanac: Almanac, cutoff: Cutoff, paused: Sequence[Pause]
) -> datetime:
    """Return the due of a start in whole minutes, in Asia/Shanghai."""
    if budget.unit in {Unit.wh, Unit.nh}:
        return _hours(start, budget, almanac, paused)
    if budget.unit is Unit.wd:
        return _working_days(start, budget.amount, almanac, cutoff, paused)
    days = budget.amount
    if budget.unit is Unit.month:
        days = (_months_later(start.date(), budget.amount) - start.date()).days
    return _natural_days(start, days, almanac, cutoff, paused)


def _hours(start: datetime, budget: Budget, almanac: Almanac, paused: Sequence[Pause]) -> datetime:
    now, left = start, budget.size // 60
    while left:
        left -= runs(now, paused) and (budget.unit is Unit.nh or _is_open(now, almanac))
        now += timedelta(minutes=1)
    return now


def _is_open(now: datetime, almanac: Almanac) -> bool:
    calendar, second = almanac.on(now.date()), now.hour * 3600 + now.minute * 60
    return calendar.is_workday(now.date()) and any(a <= second < b for a, b in calendar.hours)


def _working_days(
    start: datetime, days: int, almanac: Almanac, cutoff: Cutoff, paused: Sequence[Pause]
) -> datetime:
    day = start.date()
    while True:
        day += timedelta(1)
        close = _close(day, almanac, cutoff)
        days -= almanac.on(day).is_workday(day) and runs(close, paused)
        if days == 0:
            return close


def _natural_days(
    start: datetime, days: int, almanac: Almanac, cutoff: Cutoff, paused: Sequence[Pause]
) -> datetime:
    day = start.date()
    while True:
        day += timedelta(1)
        awake = any(
            runs(datetime.combine(day, time(hour, minute), SHANGHAI), paused)
            for hour in range(24)
            for minute in range(60)
        )
        days -= awake
        if days <= 0 and awake and almanac.on(day).is_workday(day):
            return _close(day, almanac, cutoff)


def _close(day: date, almanac: Almanac, cutoff: Cutoff) -> datetime:
    if cutoff is Cutoff.end_of_day:
        return datetime.combine(day, END_OF_DAY, SHANGHAI)
    last = min(almanac.on(day).hours[-1][1], 86_399)
    return datetime.combine(day, time(), SHANGHAI) + timedelta(seconds=last)


def _months_later(day: date, months: int) -> date:
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def runs(moment: datetime, paused: Sequence[Pause]) -> bool:
    """Say whether no pause holds the clock."""
    return not any(a <= moment < b for a, b in paused)
