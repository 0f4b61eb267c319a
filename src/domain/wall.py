"""Moments as seconds on the wall clock: what counting uses instead of datetimes.

A moment is an integer: seconds on the wall clock of a zone since the ordinal 0. Working time is
counted on the wall clock of Asia/Shanghai, natural hours on that of UTC.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from domain.calendar import DAY, LAST_DAY
from domain.errors import NaiveTime

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
ENDLESS: Final = LAST_DAY * DAY
"""Later than any date."""
_AHEAD_NOW: Final = 8 * 3600
"""By how many seconds Shanghai is ahead of UTC, since 1991 all the year round."""
_DAWN = datetime(1, 1, 1, tzinfo=SHANGHAI)
_DAWN_UTC = datetime(1, 1, 1, tzinfo=UTC)


def to_wall(moment: datetime, zone: tzinfo) -> int:
    """Return the wall clock's seconds; fractions are cut. Raises NaiveTime, OverflowError."""
    if moment.tzinfo is None:
        raise NaiveTime(value=moment.isoformat())
    elapsed = moment - _DAWN_UTC
    seconds = (elapsed.days + 1) * DAY + elapsed.seconds
    if zone is UTC:
        return seconds
    ahead = _ahead(elapsed.days)
    return seconds + (_ahead_at(moment) if ahead is None else ahead)


def from_wall(seconds: int, zone: tzinfo) -> datetime:
    """Return the UTC moment. Raises OverflowError outside the years 1 to 9999."""
    if zone is UTC:
        return _DAWN_UTC + timedelta(seconds=seconds - DAY)
    moment = seconds - _AHEAD_NOW
    if _ahead(moment // DAY - 1) == _AHEAD_NOW:
        return _DAWN_UTC + timedelta(seconds=moment - DAY)
    return (_DAWN + timedelta(seconds=seconds - DAY)).astimezone(UTC)


@lru_cache(maxsize=8192)  # asking the zone each time is most of what a conversion costs
def _ahead(day: int) -> int | None:
    """Return by how many seconds Shanghai is ahead on a day of UTC; None if that changes."""
    dawn = _DAWN_UTC + timedelta(day)
    ahead = _ahead_at(dawn)
    return ahead if ahead == _ahead_at(dawn + timedelta(1)) else None


def _ahead_at(moment: datetime) -> int:
    ahead = moment.astimezone(SHANGHAI).replace(tzinfo=UTC) - moment
    return ahead.days * DAY + ahead.seconds
