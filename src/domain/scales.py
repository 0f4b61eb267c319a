"""How each unit measures the spans in which a clock runs (clocks.md R2, R3).

A clock's course is cut into pieces: a pause lies between two of them, and where a new version of
its calendar takes over, one piece ends and the next begins, each with a scale of its own.
"""

from abc import ABC, abstractmethod
from calendar import monthrange
from collections.abc import Sequence
from datetime import MAXYEAR, UTC, date, tzinfo
from typing import ClassVar

from domain.almanac import Almanac
from domain.budget import Cutoff, Unit
from domain.calendar import DAY, LAST_SECOND, LONGEST_CLOSURE, Calendar
from domain.wall import ENDLESS, SHANGHAI

Run = tuple[int, int]
"""From, inclusive, until, exclusive, in seconds of the wall clock."""
Piece = tuple[int, int, "Scale"]
"""A run inside one regime, and the scale that measures it."""

_MONTHS = 12


class Scale(ABC):
    """How one unit measures by one calendar; class methods are about the unit alone."""

    __slots__ = ("calendar", "last_second")
    zone: ClassVar[tzinfo] = SHANGHAI
    by_calendar: ClassVar[bool] = True
    """Whether the calendar matters at all."""

    def __init__(self, calendar: Calendar, cutoff: Cutoff) -> None:
        """Measure by this calendar; days end at the cutoff."""
        self.calendar = calendar
        by_office = cutoff is Cutoff.close_of_business
        self.last_second = calendar.close_of_business if by_office else LAST_SECOND

    @abstractmethod
    def level(self, moment: int) -> int:
        """Measure from the beginning of time up to, not including, this second."""

    @abstractmethod
    def moment(self, level: int) -> int:
        """Return the earliest second at which this level counts as reached."""

    def latest(self, level: int) -> int:
        """Return the latest second at which no more than this level is reached."""
        return self.moment(level + 1) - 1

    @classmethod
    def origin(cls, start: int) -> int:
        """Return the second from which the unit counts."""
        return start

    @classmethod
    def steps(cls, start: int, size: int) -> int:
        """Return what a size comes to in the unit's own measure, from this start on."""
        del start
        return size

    @classmethod
    def size(cls, start: int, steps: int) -> int:
        """Return the whole size that so many steps come to; the inverse of `steps`."""
        del start
        return steps

    @classmethod
    def halts(cls, pauses: Sequence[Run]) -> Sequence[Run]:
        """Return what of the pauses holds this unit."""
        return pauses

    @classmethod
    def moment_of(cls, pieces: Sequence[Piece], size: int) -> int:
        """Return the earliest second at which the pieces measure `size`."""
        for since, until, scale in pieces:
            had = scale.level(since)
            if until == ENDLESS:
                return scale.moment(had + size)
            has = scale.level(until) - had
            if has >= size:
                return scale.moment(had + size)
            size -= has
        raise AssertionError  # the last piece is endless

    @classmethod
    def consumed_by(cls, pieces: Sequence[Piece], until: int) -> int:
        """Return what the pieces measure up to a moment; a cutoff at that very second counts."""
        return sum(
            scale.level(min(end, until)) - scale.level(since)
            for since, end, scale in pieces
            if since < until
        )


class _NaturalHours(Scale):
    """Every second counts; so UTC measures them, whatever the wall clock did."""

    __slots__ = ()
    zone = UTC
    by_calendar = False

    def level(self, moment: int) -> int:
        return moment

    def moment(self, level: int) -> int:
        return level


class _WorkingHours(Scale):
    """The open seconds of workdays count."""

    __slots__ = ()

    def level(self, moment: int) -> int:
        return self.calendar.open_before(*divmod(moment, DAY))

    def moment(self, level: int) -> int:
        rank, opened = divmod(level - 1, self.calendar.open_seconds)
        return self.calendar.nth_workday(rank) * DAY + self.calendar.second_after(opened + 1)


class _WorkingDays(Scale):
    """The cutoffs of workdays after the start date count, each if the clock runs at it."""

    __slots__ = ()

    @classmethod
    def origin(cls, start: int) -> int:
        return (start // DAY + 1) * DAY

    def level(self, moment: int) -> int:
        day, second = divmod(moment, DAY)
        return self.calendar.workdays_before(day + (second > self.last_second))

    def moment(self, level: int) -> int:
        return self.calendar.nth_workday(level - 1) * DAY + self.last_second

    def latest(self, level: int) -> int:
        """Return the cutoff itself: by days, a moment before a due is a cutoff too."""
        return self.moment(level + 1)

    @classmethod
    def consumed_by(cls, pieces: Sequence[Piece], until: int) -> int:
        return super().consumed_by(pieces, until + 1)


class _NaturalDays(_WorkingDays):
    """All days after the start date count; the last one rolls to a workday and its cutoff.

    Only whole days pause (clocks.md R5), and the roll passes over them: no paused clock falls due.
    """

    __slots__ = ()

    @classmethod
    def halts(cls, pauses: Sequence[Run]) -> Sequence[Run]:
        whole = [(-(-since // DAY) * DAY, until // DAY * DAY) for since, until in pauses]
        return [(since, until) for since, until in whole if since < until]

    @classmethod
    def moment_of(cls, pieces: Sequence[Piece], size: int) -> int:
        for since, until, scale in pieces:
            days = (until - since) // DAY
            if size <= days:
                last = scale.calendar.workday_from(since // DAY + max(size, 1) - 1)
                if last * DAY < until:
                    return last * DAY + scale.last_second
            size = max(size - days, 0)
        raise AssertionError  # the last piece is endless

    @classmethod
    def consumed_by(cls, pieces: Sequence[Piece], until: int) -> int:
        day, second = divmod(until, DAY)
        for count, (since, end, scale) in reversed(list(enumerate(pieces))):
            last = day if second >= scale.last_second else day - 1
            reach = scale.calendar.workday_until(min(last, end // DAY - 1))
            if reach * DAY >= since:
                before = sum(stop - start for start, stop, _ in pieces[:count])
                return before // DAY + reach + 1 - since // DAY
        return 0


class _Months(_NaturalDays):
    """Natural days up to the same day number of a later month, or to its last day."""

    __slots__ = ()

    @classmethod
    def steps(cls, start: int, size: int) -> int:
        return months_later(start // DAY, size) - start // DAY

    @classmethod
    def size(cls, start: int, steps: int) -> int:
        first = start // DAY
        one, other = date.fromordinal(first), date.fromordinal(first + steps)
        months = (other.year - one.year) * _MONTHS + other.month - one.month
        return months if months_later(first, months) <= first + steps else months - 1


def months_later(day: int, months: int) -> int:
    """Return the ordinal so many months later (or earlier): same day number, else the last day.

    Raises OverflowError outside the years 1 to 9999.
    """
    start = date.fromordinal(day)
    years, month = divmod(start.month - 1 + months, _MONTHS)
    year = start.year + years
    if not 1 <= year <= MAXYEAR:
        raise OverflowError(year)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1])).toordinal()


SCALES: dict[Unit, type[Scale]] = {
    Unit.wh: _WorkingHours,
    Unit.wd: _WorkingDays,
    Unit.nh: _NaturalHours,
    Unit.nd: _NaturalDays,
    Unit.month: _Months,
}


def pieces_from(
    origin: int,
    pauses: Sequence[Run],
    kind: type[Scale],
    source: Calendar | Almanac,
    cutoff: Cutoff,
) -> Sequence[Piece]:
    """Return the spans from `origin` on that no pause covers, each with what measures it.

    `pauses` are in order and do not touch each other.
    """
    runs = _runs(origin, kind.halts(pauses)) if pauses else [(origin, ENDLESS)]
    eras = source.eras
    if len(eras) == 1:
        scale = kind(eras[0][2], cutoff)
        return [(since, until, scale) for since, until in runs]
    scales = [
        (first * DAY, end * DAY, kind(calendar, cutoff))
        for first, end, calendar in eras
        if end * DAY > origin
    ]
    return [
        (max(since, first), min(until, end), scale)
        for since, until in runs
        for first, end, scale in scales
        if first < until and since < end
    ]


def _runs(origin: int, pauses: Sequence[Run]) -> list[Run]:
    found: list[Run] = []
    for since, until in pauses:
        if origin < since:
            found.append((origin, since))
        origin = max(origin, until)
    return [*found, (origin, ENDLESS)]


def latest_before(
    until: int, size: int, kind: type[Scale], source: Calendar | Almanac, cutoff: Cutoff
) -> int:
    """Return the latest second from which the unit measures `size` up to `until`."""
    for first, end, calendar in reversed(source.eras):
        scale = kind(calendar, cutoff)
        since, stop = first * DAY, min(end * DAY, until)
        if since >= stop:
            continue
        level = scale.level(stop)
        had = level - scale.level(since)
        if not first or had >= size:
            return scale.latest(level - size)
        size -= had
    raise AssertionError  # the first regime has no beginning


def closed(kind: type[Scale], source: Calendar | Almanac, first: int, last: int) -> bool:
    """Say whether nothing opens for more than LONGEST_CLOSURE days between these two days."""
    return kind.by_calendar and any(
        before < last and after - max(before, first) > LONGEST_CLOSURE
        for before, after in source.closures
        if after <= last
    )
