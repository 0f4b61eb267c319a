"""A second way to count a clock: minute by minute, slowly, and so simply that it must be right.

It shares nothing with the first. Moments are whole minutes on the wall clock of Asia/Shanghai,
day 1 being 0001-01-01 (nobody changed the clocks there after 1991); answers are seconds, since a
day may end at 23:59:59. Every rule stands where it is used: clocks.md R2, R3, R5, R6, R7, R10, R13.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

DAY = 1440
"""Minutes of a day."""
LAST_SECOND = 86_399
GIVE_UP = 3000
"""Days after which something is wrong with the test, not with the clock."""


@dataclass
class Office:
    """A calendar from one day on: which days are worked, from when till when."""

    first: int
    worked: set[int]
    open: set[int]
    """The minutes of a workday in which people work."""


@dataclass
class Floor:
    """Not due before so much was counted from here."""

    since: int
    unit: str
    size: int


@dataclass
class NaiveClock:
    """What a due depends on; `size` in minutes for wh and nh, in days for wd and nd, in months."""

    unit: str
    start: int
    size: int
    end_of_day: bool = False
    pauses: list[tuple[int, int]] = field(default_factory=list)
    """From, inclusive, until, exclusive; they may overlap."""
    extensions: list[int] = field(default_factory=list)
    floors: list[Floor] = field(default_factory=list)

    def total(self) -> int:
        """Add up what was given: the budget and every extension."""
        return self.size + sum(self.extensions)


def due(clock: NaiveClock, offices: Sequence[Office]) -> int:
    """Return the second at which the clock falls due."""
    latest = counted(clock, offices, clock.unit, clock.start, 60 * clock.total())
    for floor in clock.floors:
        latest = max(latest, counted(clock, offices, floor.unit, floor.since, 60 * floor.size))
    return latest


def threshold(clock: NaiveClock, offices: Sequence[Office], percent: int) -> int:
    """Return the second at which so much of all that was given is used up, and of each floor."""
    latest = _share(clock, offices, clock.unit, clock.start, clock.total(), percent)
    for floor in clock.floors:
        share = _share(clock, offices, floor.unit, floor.since, floor.size, percent)
        latest = max(latest, share)
    return latest


def _share(
    clock: NaiveClock, offices: Sequence[Office], unit: str, start: int, size: int, percent: int
) -> int:
    if unit in {"wh", "nh"}:
        return counted(clock, offices, unit, start, (size * 60 * percent + 99) // 100)
    if unit == "month":
        size, unit = days_of_months(start, size), "nd"
    return counted(clock, offices, unit, start, 60 * ((size * percent + 99) // 100))


def counted(
    clock: NaiveClock, offices: Sequence[Office], unit: str, start: int, sixtieths: int
) -> int:
    """Return the second by which so much was counted: seconds of an hour, sixtieths of a day."""
    if unit in {"wh", "nh"}:
        return _hours(clock, offices, unit, start, sixtieths)
    if unit == "wd":
        return _working_days(clock, offices, start, sixtieths // 60)
    if unit == "month":
        days = days_of_months(start, sixtieths // 60)
        return _natural_days(clock, offices, start, days)
    return _natural_days(clock, offices, start, sixtieths // 60)


def _hours(
    clock: NaiveClock, offices: Sequence[Office], unit: str, start: int, seconds: int
) -> int:
    for day in range(start // DAY, start // DAY + GIVE_UP):
        office = office_on(day, offices)
        if unit == "wh" and day not in office.worked:
            continue  # nobody works today
        for minute in range(max(start, day * DAY), (day + 1) * DAY):
            open_now = unit == "nh" or minute - day * DAY in office.open
            if open_now and not paused(minute, clock):
                if seconds <= 60:
                    return minute * 60 + seconds
                seconds -= 60
    raise AssertionError(clock)


def _working_days(clock: NaiveClock, offices: Sequence[Office], start: int, days: int) -> int:
    for day, cutoff in _cutoffs(clock, offices, start):
        if day in office_on(day, offices).worked and not paused_at(cutoff, clock):
            days -= 1
        if days == 0:
            return cutoff
    raise AssertionError(clock)


def _natural_days(clock: NaiveClock, offices: Sequence[Office], start: int, days: int) -> int:
    for day, cutoff in _cutoffs(clock, offices, start):
        if all_paused(day, clock):
            continue
        days -= 1
        if days <= 0 and day in office_on(day, offices).worked:
            return cutoff
    raise AssertionError(clock)


def days_of_months(start: int, months: int) -> int:
    """Return how many days it is to the same day number of a later month, else its last day."""
    first = date.fromordinal(start // DAY)
    year, month = first.year, first.month
    for _ in range(months):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    number = first.day
    while True:
        try:
            return date(year, month, number).toordinal() - first.toordinal()
        except ValueError:  # no such day in that month
            number -= 1


def _cutoffs(clock: NaiveClock, offices: Sequence[Office], start: int) -> Iterator[tuple[int, int]]:
    """Go through the days after the start date, with the second at which each one ends."""
    for day in range(start // DAY + 1, start // DAY + GIVE_UP):
        closes = (max(office_on(day, offices).open) + 1) * 60
        second = LAST_SECOND if clock.end_of_day else min(closes, LAST_SECOND)
        yield day, day * DAY * 60 + second


def office_on(day: int, offices: Sequence[Office]) -> Office:
    """Return the calendar in force on a day: the newest that has begun by then."""
    found = offices[0]
    for office in offices:
        if office.first <= day:
            found = office
    return found


def paused(minute: int, clock: NaiveClock) -> bool:
    """Say whether some reason holds the clock in this minute."""
    # A plain loop: this is asked a billion times.
    for since, until in clock.pauses:  # noqa: SIM110
        if since <= minute < until:
            return True
    return False


def paused_at(second: int, clock: NaiveClock) -> bool:
    """Say whether some reason holds the clock at this second."""
    return any(since * 60 <= second < until * 60 for since, until in clock.pauses)


def all_paused(day: int, clock: NaiveClock) -> bool:
    """Say whether the clock stood still the whole day; part of a day is no pause (R5)."""
    first = day * DAY
    if not any(since < first + DAY and until > first for since, until in clock.pauses):
        return False
    return all(paused(minute, clock) for minute in range(first, first + DAY))
