"""A calendar through its versions: which one counts from which day on (clocks.md R13).

A new version never rewrites what was counted before it took effect, so a clock that runs across
that day is measured by two calendars, each for its own days.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from domain.calendar import LAST_DAY, LONGEST_CLOSURE, BadCalendar, Calendar, Era


@dataclass(frozen=True, slots=True)
class Regime:
    """One version of a calendar and its first day (from 00:00 in Asia/Shanghai); None = ever."""

    since: date | None
    calendar: Calendar


@dataclass(frozen=True, slots=True)
class Almanac:
    """A named calendar with its regimes, the oldest first and without a beginning.

    Immutable; counts wherever a single Calendar does. Raises BadCalendar if the regimes are not
    in order.
    """

    name: str
    regimes: tuple[Regime, ...]
    eras: tuple[Era, ...] = field(init=False, repr=False, compare=False)
    """First day, the day after the last, and the calendar that counts between them."""
    closures: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)
    """Workdays (before, after) that lie more than LONGEST_CLOSURE days apart; see Calendar."""
    _doubtful: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)
    """First and last days of the spans that were only assumed."""
    newest: Calendar = field(init=False, repr=False, compare=False)
    """The calendar of the last regime."""
    version: str = field(init=False, repr=False, compare=False)
    """The newest version."""

    def __post_init__(self) -> None:
        starts = [regime.since.toordinal() if regime.since else 0 for regime in self.regimes]
        if not starts or starts[0] or any(one >= other for one, other in pairwise(starts)):
            raise BadCalendar("日历各版本须按生效日期先后排列，且只有最早的版本没有生效日期。")
        ends = [*starts[1:], LAST_DAY]
        calendars = (regime.calendar for regime in self.regimes)
        self._keep("eras", tuple(zip(starts, ends, calendars, strict=True)))
        self._keep("newest", self.regimes[-1].calendar)
        self._keep("version", self.newest.version)
        spans = [span for span in self._find_doubtful() if span[0] <= span[1]]
        self._keep("_doubtful", tuple(spans))
        self._keep("closures", tuple(self._find_closures()))

    def __hash__(self) -> int:
        """Hash what names the content: an almanac is looked up for every due."""
        return hash((self.name, self.version, len(self.regimes)))

    def on(self, day: date) -> Calendar:
        """Return the calendar that counts on this day."""
        ordinal = day.toordinal()
        return next(calendar for _, end, calendar in self.eras if ordinal < end)

    def is_workday(self, day: date) -> bool:
        """Say whether people work on this day, by the version that counts on it."""
        return self.on(day).is_workday(day)

    def is_provisional(self, day: date) -> bool:
        """Say whether this day is only assumed, not announced (see `assumed`)."""
        return self.assumed(day.toordinal(), day.toordinal())

    def assumed(self, first: int, last: int) -> bool:
        """Say whether a day between these two (ordinals) was only assumed.

        The doubt about the last covered December ends, for an older version too, with a version
        that announces it.
        """
        return any(first <= end and since <= last for since, end in self._doubtful)

    def _find_doubtful(self) -> Iterator[tuple[int, int]]:
        told = self.newest.firm[1]
        for since, end, calendar in self.eras:
            firm_from, firm_to = calendar.firm
            firm_to = max(firm_to, min(calendar.covered_to.toordinal(), told))
            yield since, min(end, firm_from) - 1
            yield max(since, firm_to + 1), end - 1

    def _find_closures(self) -> Iterator[tuple[int, int]]:
        for first, end, calendar in self.eras:
            yield from (gap for gap in calendar.closures if first <= gap[0] and gap[1] < end)
        for first, _, _ in self.eras[1:]:
            before, after = self._workday_until(first - 1), self._workday_from(first)
            if after - before > LONGEST_CLOSURE:
                yield before, after

    def _workday_from(self, ordinal: int) -> int:
        found = (
            (calendar.workday_from(max(ordinal, first)), end)
            for first, end, calendar in self.eras
            if ordinal < end
        )
        return next(day for day, end in found if day < end)

    def _workday_until(self, ordinal: int) -> int:
        found = (
            (calendar.workday_until(min(ordinal, end - 1)), first)
            for first, end, calendar in reversed(self.eras)
            if first <= ordinal
        )
        return next(day for day, first in found if day >= first or not first)

    def _keep(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # frozen: only while being made


def almanac_of(calendar: Calendar) -> Almanac:
    """Return an almanac in which one calendar has always counted."""
    return Almanac(calendar.name, (Regime(None, calendar),))


def with_version(almanac: Almanac, calendar: Calendar, effective_from: date | None) -> Almanac:
    """Return the almanac with a new version that counts from a day on.

    Versions that were to begin on that day or later are replaced; None replaces all of them.
    """
    if effective_from is None:
        return Almanac(almanac.name, (Regime(None, calendar),))
    kept = [one for one in almanac.regimes if one.since is None or one.since < effective_from]
    return Almanac(almanac.name, (*kept, Regime(effective_from, calendar)))
