"""Periods of indicators: natural months, months from the 26th to the 25th, years, any days.

Days are days of Beijing. A month that begins on the 26th is called by the month in which it ends:
2026-10 is from 26 September to 25 October.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from msgspec import Struct

from domain.errors import BadInput
from projections.counts import SHANGHAI

MONTHS: Final = 12
LONGEST: Final = 3660
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
_YEAR: Final = re.compile(r"\d{4}")


class Period(Struct, frozen=True):
    """From a day until another (exclusive); `label` as people call it."""

    label: str
    since: date
    until: date

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """Its first moment, and the first one after it."""
        midnight = datetime.min.time()
        return (
            datetime.combine(self.since, midnight, SHANGHAI),
            datetime.combine(self.until, midnight, SHANGHAI),
        )


def month(start: int, year: int, number: int) -> Period:
    """Return a month by its label; `start` is the day on which months begin."""
    first = date(year, number, 1)
    following = _shifted(first, 1)
    label = f"{year:04d}-{number:02d}"
    if start == 1:
        return Period(label, first, following)
    return Period(label, _shifted(first, -1).replace(day=start), first.replace(day=start))


def containing(start: int, at: datetime) -> Period:
    """Return the month in which a moment lies."""
    day = at.astimezone(SHANGHAI).date()
    first = day.replace(day=1)
    if start > 1 and day.day >= start:
        first = _shifted(first, 1)
    return month(start, first.year, first.month)


def read_period(start: int, text: str) -> Period:
    """Read `2026-10` or `2026`. Raises BadInput."""
    found = _MONTH.fullmatch(text)
    if found and 1 <= int(found[2]) <= MONTHS and date.min.year < int(found[1]) < date.max.year:
        return month(start, int(found[1]), int(found[2]))
    if _YEAR.fullmatch(text) and date.min.year < int(text) < date.max.year:
        since, until = month(start, int(text), 1), month(start, int(text), MONTHS)
        return Period(text, since.since, until.until)
    raise BadInput(detail="period 应写成 2026-10（月）或 2026（年）", pointer="period")


def read_days(since: str, until: str) -> Period:
    """Read two days, the second exclusive. Raises BadInput."""
    first, last = _day("from", since), _day("to", until)
    if not timedelta() < last - first <= timedelta(days=LONGEST):
        detail = f"from 应早于 to，且相距不超过 {LONGEST} 天"
        raise BadInput(detail=detail, pointer="from")
    return Period(f"{first}/{last}", first, last)


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(detail=f"{name} 应为日期，如 2026-10-01", pointer=name) from None


def previous(start: int, period: Period) -> Period:
    """Return the period before (环比): the month or year before, or as many days."""
    if _MONTH.fullmatch(period.label):
        first = _shifted(date.fromisoformat(f"{period.label}-01"), -1)
        return month(start, first.year, first.month)
    if _YEAR.fullmatch(period.label):
        return read_period(start, f"{int(period.label) - 1:04d}")
    first = period.since - (period.until - period.since)
    return Period(f"{first}/{period.since}", first, period.since)


def last_year(start: int, period: Period) -> Period:
    """Return the same period a year earlier (同比)."""
    if _MONTH.fullmatch(period.label):
        year, number = map(int, period.label.split("-"))
        return month(start, year - 1, number)
    if _YEAR.fullmatch(period.label):
        return previous(start, period)
    since, until = (_shifted(day, -MONTHS) for day in (period.since, period.until))
    return Period(f"{since}/{until}", since, until)


def months_in(start: int, period: Period) -> Iterator[Period]:
    """Yield the months that a period touches, in order."""
    one = containing(start, period.moments[0])
    while one.since < period.until:
        yield one
        one = containing(start, one.moments[1])


def twelve_months(start: int, at: datetime) -> Period:
    """Return the month in which a moment lies, with the eleven before it."""
    latest = containing(start, at)
    first = month(start, *_months_before(latest, MONTHS - 1))
    return Period(f"{first.label}/{latest.label}", first.since, latest.until)


def _months_before(period: Period, months: int) -> tuple[int, int]:
    day = _shifted(date.fromisoformat(f"{period.label}-01"), -months)
    return day.year, day.month


def _shifted(day: date, months: int) -> date:
    """Return the same day some months away, or the last one of that month."""
    number = day.year * MONTHS + day.month - 1 + months
    first = date(number // MONTHS, number % MONTHS + 1, 1)
    last = date((number + 1) // MONTHS, (number + 1) % MONTHS + 1, 1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))
