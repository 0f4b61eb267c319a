"""Which days are worked and which hours are open: an immutable value that counts fast.

Days are proleptic ordinals (`date.toordinal`) inside, so that counting working days is integer
arithmetic: the days of the week by a formula, the official exceptions through bisection.
No table has an end: a due date in any year costs the same few microseconds.
"""

import hashlib
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import cast

DAY = 86_400
LAST_SECOND = DAY - 1
LONGEST_CLOSURE = 400
"""Days without an opening after which a limit cannot be counted (clocks.md R3)."""
LAST_DAY = 10_000 * 366
"""An ordinal later than any date."""

Era = tuple[int, int, "Calendar"]
"""The ordinals of a first day and of the day after the last, and what counts between them."""

OFFICE_WEEK = (1, 2, 3, 4, 5)
"""Monday to Friday, as ISO 8601 numbers weekdays."""
_WEEK = 7
_NOVEMBER = 11
_SPAN = re.compile(r"(\d{4}-\d\d-\d\d)(?:/(\d{4}-\d\d-\d\d))?")
_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


class BadCalendar(ValueError):
    """A calendar that cannot be counted with; the message (in Chinese) says what to mend."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """One version of a working calendar, in Asia/Shanghai.

    `hours` are half-open spans in seconds of the day, the same on every workday. `days` are the
    official exceptions: True = workday (make-up), False = holiday; every other day follows the
    `week`, by default Monday to Friday (无双休日 has other weeks). Raises BadCalendar if the hours,
    the week or the coverage make no sense.
    """

    name: str
    version: str
    hours: tuple[tuple[int, int], ...]
    days: Mapping[date, bool] = field(hash=False)
    covered_from: date
    covered_to: date
    week: tuple[int, ...] = OFFICE_WEEK
    open_seconds: int = field(init=False, repr=False, compare=False)
    close_of_business: int = field(init=False, repr=False, compare=False)
    """The second of the day at which a workday ends; at the latest the last whole second."""
    firm: tuple[int, int] = field(init=False, repr=False, compare=False)
    """The first and the last day that no notice still to come is expected to move."""
    closures: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)
    """Workdays (before, after) that lie more than LONGEST_CLOSURE days apart; hardly ever any."""
    _shifted: Mapping[int, bool] = field(init=False, repr=False, compare=False)
    _marks: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _shifts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _ranks: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _edges: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _opened: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _known: dict[int, int] = field(init=False, repr=False, compare=False)
    """Of days asked for, the workdays before them: it only grows by the days that clocks run over,
    and spares seven bisections in a due with three pauses."""
    _works: tuple[bool, ...] = field(init=False, repr=False, compare=False)
    """Of each day of a week, from Monday, whether people work."""
    _passed: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """Of each day of a week, how many workdays lie before it."""
    _offsets: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """Which days of a week the workdays are."""

    def __post_init__(self) -> None:
        _check_hours(self.hours)
        if self.covered_from > self.covered_to:
            raise BadCalendar("日历的起止日期颠倒：covered.from 应不晚于 covered.to。")
        if not self.week or not set(self.week) <= set(range(1, _WEEK + 1)):
            raise BadCalendar("每周的工作日应写作 1（周一）至 7（周日）中的若干个，至少一个。")
        self._keep("_known", {})
        works = tuple(day in self.week for day in range(1, _WEEK + 1))
        self._keep("week", tuple(sorted(set(self.week))))
        self._keep("_works", works)
        self._keep("_passed", tuple(accumulate(map(int, works), initial=0))[:_WEEK])
        self._keep("_offsets", tuple(day for day, worked in enumerate(works) if worked))
        # Exceptions that only repeat the week are left out: they shift nothing.
        shifts = {
            day.toordinal(): 1 if worked else -1
            for day, worked in sorted(self.days.items())
            if worked != works[day.weekday()]
        }
        self._keep("days", MappingProxyType(dict(self.days)))
        self._keep("open_seconds", sum(closes - opens for opens, closes in self.hours))
        firm_to = min(self.covered_to, date(self.covered_to.year, _NOVEMBER, 30))
        self._keep("close_of_business", min(self.hours[-1][1], LAST_SECOND))
        self._keep("firm", (self.covered_from.toordinal(), firm_to.toordinal()))
        self._keep("_shifted", {mark: shift > 0 for mark, shift in shifts.items()})
        self._keep("_marks", tuple(shifts))
        self._keep("_shifts", tuple(accumulate(shifts.values(), initial=0)))
        self._keep("_ranks", tuple(self.workdays_before(mark) for mark in shifts))
        self._keep("closures", tuple(self._find_closures()))
        self._keep("_edges", tuple(edge for span in self.hours for edge in span))
        lengths = (closes - opens for opens, closes in self.hours)
        self._keep("_opened", tuple(accumulate(lengths, initial=0)))

    @property
    def eras(self) -> tuple[Era, ...]:
        """One calendar counts on all days: what an almanac of several asks of each of them."""
        return ((0, LAST_DAY, self),)

    def assumed(self, first: int, last: int) -> bool:
        """Say whether a day between these two (ordinals) was only assumed."""
        return first < self.firm[0] or last > self.firm[1]

    def called(self, name: str, version: str) -> "Calendar":
        """Return this calendar under a name and version: itself, if that is what it is called."""
        same = (self.name, self.version) == (name, version)
        return self if same else replace(self, name=name, version=version)

    def __hash__(self) -> int:
        """Hash what names the content: a calendar is looked up for every due."""
        return hash((self.name, self.version))

    def is_workday(self, day: date) -> bool:
        """Say whether people work on this day, by exception or else by the week."""
        return self.days.get(day, self._works[day.weekday()])

    def is_provisional(self, day: date) -> bool:
        """Say whether this day is only assumed, not announced.

        That is any day outside the coverage, and December of the last covered year: the notice
        for the next year comes in November and moved days of 2006, 2007, 2011 and 2018
        (clocks.md R13).
        """
        return self.assumed(day.toordinal(), day.toordinal())

    def worked(self, ordinal: int) -> bool:
        """Say the same as `is_workday`, of an ordinal."""
        return self._shifted.get(ordinal, self._works[(ordinal - 1) % _WEEK])

    def workdays_before(self, ordinal: int) -> int:
        """Count the workdays from year 1 up to, not including, this day."""
        known = self._known.get(ordinal)
        if known is None:
            weeks, rest = divmod(ordinal - 1, _WEEK)  # ordinal 1 was a Monday
            shift = self._shifts[bisect_left(self._marks, ordinal)]
            known = weeks * len(self._offsets) + self._passed[rest] + shift
            self._known[ordinal] = known
        return known

    def nth_workday(self, rank: int) -> int:
        """Return the workday that has exactly `rank` workdays before it.

        The inverse of `workdays_before`. Of the exceptions with the same rank only the last can
        be a make-up workday, and then it is the answer; otherwise the week decides.
        """
        found = bisect_right(self._ranks, rank)
        shift = self._shifts[found]
        if found and self._ranks[found - 1] == rank and shift > self._shifts[found - 1]:
            return self._marks[found - 1]
        weeks, rest = divmod(rank - shift, len(self._offsets))
        return weeks * _WEEK + self._offsets[rest] + 1

    def workday_from(self, ordinal: int) -> int:
        """Return this day if it is a workday, else the next workday."""
        if self.worked(ordinal):  # most days: spares the bisections
            return ordinal
        return self.nth_workday(self.workdays_before(ordinal))

    def workday_until(self, ordinal: int) -> int:
        """Return this day if it is a workday, else the last workday before it."""
        return self.nth_workday(self.workdays_before(ordinal + 1) - 1)

    def opened_by(self, second: int) -> int:
        """Count the open seconds of a workday before this second of the day."""
        edge = bisect_left(self._edges, second)
        opened = self._opened[edge // 2]
        return opened + second - self._edges[edge - 1] if edge % 2 else opened

    def open_before(self, ordinal: int, second: int) -> int:
        """Count the open seconds from year 1 up to, not including, this second of a day."""
        opened = self.workdays_before(ordinal) * self.open_seconds
        return opened + self.opened_by(second) if self.worked(ordinal) else opened

    def second_after(self, opened: int) -> int:
        """Return the earliest second of a workday by which `opened` (≥ 1) seconds were open."""
        for opens, closes in self.hours:
            if opened <= closes - opens:
                return opens + opened
            opened -= closes - opens
        raise ValueError(opened)

    def _find_closures(self) -> Iterator[tuple[int, int]]:
        for rank in sorted(set(self._ranks)):
            before, after = self.nth_workday(rank - 1), self.nth_workday(rank)
            if after - before > LONGEST_CLOSURE:
                yield before, after

    def _keep(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # frozen: only while being made


def calendar_from_document(document: Mapping[str, object]) -> Calendar:
    """Read a calendar from its document (the shape of workflows/calendars/cn-office.json).

    The version is `<last covered year>.<hash of what is counted with>`: the same content has the
    same version wherever it is loaded, and other content never does. Raises BadCalendar.
    """
    name = document.get("name")
    if not isinstance(name, str) or not name:
        raise BadCalendar("日历缺少名称：请填写 name。")
    hours = tuple(_read_hours(text) for text in _items(document, "hours"))
    covered = _mapping(document, "covered")
    covered_from, covered_to = (_read_day(covered.get(end)) for end in ("from", "to"))
    days = dict(sorted(_read_days(_mapping(document, "years")).items()))
    exceptions = [(str(day), worked) for day, worked in days.items()]
    week = _read_week(document)
    content: list[object] = [hours, exceptions, str(covered_from), str(covered_to)]
    if week != OFFICE_WEEK:
        content.append(week)
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:8]
    version = f"{covered_to.year}.{digest}"
    return _interned(name, version, hours, tuple(days.items()), (covered_from, covered_to), week)


@lru_cache(maxsize=256)
def _interned(
    name: str,
    version: str,
    hours: tuple[tuple[int, int], ...],
    days: tuple[tuple[date, bool], ...],
    covered: tuple[date, date],
    week: tuple[int, ...],
) -> Calendar:
    """Return the same calendar for the same content: districts share what was counted by it."""
    return Calendar(name, version, hours, dict(days), *covered, week)


def _read_week(document: Mapping[str, object]) -> tuple[int, ...]:
    if "week" not in document:
        return OFFICE_WEEK
    week = _items(document, "week")
    days = [day for day in week if isinstance(day, int) and not isinstance(day, bool)]
    if len(days) != len(week):
        raise BadCalendar("日历的 week 应是 1（周一）至 7（周日）的列表。")
    return tuple(sorted(set(days)))


def _check_hours(hours: tuple[tuple[int, int], ...]) -> None:
    if not hours:
        raise BadCalendar("日历没有办公时间：请在 hours 中至少写一段，如 09:00-12:00。")
    edges = [edge for span in hours for edge in span]
    if edges[0] < 0 or edges[-1] > DAY or any(a >= b for a, b in pairwise(edges)):
        raise BadCalendar("办公时间须按先后排列、互不重叠，并在 00:00 至 24:00 之间。")


def _items(document: Mapping[str, object], member: str) -> list[object]:
    items = document.get(member)
    if not isinstance(items, list):
        raise BadCalendar(f"日历的 {member} 应是一个列表。")
    return cast("list[object]", items)


def _mapping(document: Mapping[str, object], member: str) -> Mapping[str, object]:
    items = document.get(member)
    if not isinstance(items, dict):
        raise BadCalendar(f"日历的 {member} 应是一个对象。")
    return cast("dict[str, object]", items)


def _read_hours(text: object) -> tuple[int, int]:
    parts = _HOURS.fullmatch(str(text))
    if parts is None:
        raise BadCalendar(f"办公时间“{text}”应写作 09:00-12:00。")
    first, second, third, fourth = (int(part) for part in parts.groups())
    return first * 3600 + second * 60, third * 3600 + fourth * 60


def _read_days(years: Mapping[str, object]) -> dict[date, bool]:
    days: dict[date, bool] = {}
    for year in years:
        notices = _mapping(years, year)
        for member, worked in (("holidays", False), ("workdays", True)):
            for text in _mapping(notices, member).values():
                for day in _read_span(text):
                    if days.setdefault(day, worked) != worked:
                        raise BadCalendar(f"{day} 既是假日又是工作日：请核对后只保留一处。")
    return days


def _read_span(text: object) -> Iterator[date]:
    """Read `2026-10-01/2026-10-07`, or one day, or several of them with spaces between."""
    for part in str(text).split():
        ends = _SPAN.fullmatch(part)
        if ends is None:
            raise BadCalendar(f"日期“{part}”应写作 2026-10-01 或 2026-10-01/2026-10-07。")
        first, last = _read_day(ends[1]), _read_day(ends[2] or ends[1])
        if not 0 <= (last - first).days <= LONGEST_CLOSURE:
            raise BadCalendar(f"日期段“{part}”首尾颠倒，或超过 {LONGEST_CLOSURE} 天。")
        yield from (first + timedelta(days) for days in range((last - first).days + 1))


def _read_day(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise BadCalendar(f"日期“{text}”应写作 2026-10-01。") from None
