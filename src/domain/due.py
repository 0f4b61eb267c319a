"""When a limit falls due: budgets, and their consumption through a working calendar.

A clock runs over half-open spans of time, interrupted by pauses. Each unit has a scale that
measures such spans; `due` is the earliest moment at which they measure the budget (clocks.md R3).
Inside, a moment is an integer: seconds on the wall clock of Asia/Shanghai since the ordinal 0.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import ClassVar, assert_never
from zoneinfo import ZoneInfo

from domain.calendar import DAY, LAST_SECOND, LONGEST_CLOSURE, Calendar
from domain.errors import BadInput, NaiveTime, NotAllowed

SHANGHAI = ZoneInfo("Asia/Shanghai")

Pause = tuple[datetime, datetime]
"""From, inclusive, until, exclusive; already approved and meant for this clock."""

_Run = tuple[int, int]
_ENDLESS = 10_000 * 366 * DAY  # later than any date
_DAWN = datetime(1, 1, 1, tzinfo=SHANGHAI)
_DAWN_UTC = datetime(1, 1, 1, tzinfo=UTC)
_MINUTES = 60
_HOUR = 3600
_BUDGET = re.compile(r"(-?\d{1,6})(wh|wd|nh|nd|wm|nm)", re.ASCII)


class BareDuration(BadInput):
    """时限“{text}”没有写明怎样计时。请写整数加单位：4wh（工作时）、15wd（工作日）、24nh（自然时）、10nd（自然日）；分钟写 181wm 或 181nm。"""  # noqa: E501 # the docstring is the message: one line

    code = "bare-duration"


class ZeroBudget(BadInput):
    """时限“{text}”不大于零。请填写至少为 1 的时限。"""

    code = "zero-budget"


class NoOpening(BadInput):
    """从 {start} 起用日历“{calendar}”算不出到期时间：连续 {days} 天没有工作时间，或超出公元 1 至 9999 年。请检查日历和时限。"""  # noqa: E501 # the docstring is the message: one line

    code = "no-opening"


class UnitMismatch(BadInput):
    """延期“{extension}”与时限“{budget}”的计时单位不同。请用同一单位延期。"""

    code = "unit-mismatch"


class PauseNotAllowed(NotAllowed):
    """不能这样暂停：{detail}。请核对暂停的起止时间和理由。"""

    code = "pause-not-allowed"


class Unit(StrEnum):
    """What a budget counts (clocks.md R2)."""

    wh = "wh"
    """Working hours 工作时."""
    wd = "wd"
    """Working days 工作日."""
    nh = "nh"
    """Natural hours 自然时(紧急工作时), around the clock."""
    nd = "nd"
    """Natural days 自然日."""


class Cutoff(StrEnum):
    """At which second its last day ends, for budgets in days."""

    close_of_business = "close_of_business"
    end_of_day = "end_of_day"
    """23:59:59, the last whole second (Civil Code arts. 201, 203)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """So many of a unit, and for hours perhaps some minutes: 3 wh and 1 minute is `181wm`.

    Raises ZeroBudget unless there is something to use up, and UnitMismatch for minutes of days.
    """

    amount: int
    unit: Unit
    minutes: int = 0
    size: int = field(init=False, repr=False, compare=False)
    """What must be consumed: seconds for wh and nh, days for wd and nd."""

    def __post_init__(self) -> None:
        in_hours = self.unit in {Unit.wh, Unit.nh}
        if self.minutes and not in_hours:
            raise UnitMismatch(extension=f"{self.minutes} min", budget=f"{self.amount}{self.unit}")
        size = self.amount * _HOUR + self.minutes * _MINUTES if in_hours else self.amount
        if size <= 0:
            raise ZeroBudget(text=str(self))
        object.__setattr__(self, "size", size)  # frozen: only while being made

    def __str__(self) -> str:
        """Write the budget as `parse_budget` reads it."""
        if self.minutes:
            return f"{self.amount * _MINUTES + self.minutes}{self.unit[0]}m"
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True, slots=True)
class Due:
    """The answer: when, whether assumed days were counted, and with which calendar version."""

    at: datetime
    """UTC, whole seconds."""
    provisional: bool
    calendar_version: str


def parse_budget(text: str) -> Budget:
    """Read `4wh`, `15wd`, `24nh`, `10nd`, or minutes: `181wm` (of wh), `181nm` (of nh).

    Whole numbers of up to six digits only: a fraction of an hour is written in minutes. Raises
    BareDuration for anything else ("3", "3天", "1.5wh"), ZeroBudget for nothing or less.
    """
    parts = _BUDGET.fullmatch(text)
    if parts is None:
        raise BareDuration(text=text)
    amount, word = int(parts[1]), parts[2]
    if amount <= 0:
        raise ZeroBudget(text=text)
    if word.endswith("m"):
        hours, minutes = divmod(amount, _MINUTES)
        return Budget(hours, Unit(f"{word[0]}h"), minutes)
    return Budget(amount, Unit(word))


def due(  # the whole of what a deadline depends on, by name
    start: datetime,
    budget: Budget,
    calendar: Calendar,
    cutoff: Cutoff = Cutoff.close_of_business,
    *,
    pauses: Sequence[Pause] = (),
    extensions: Iterable[Budget] = (),
) -> Due:
    """Return the earliest moment at which the budget, with its extensions, is used up.

    Raises NaiveTime, UnitMismatch (an extension in another unit), PauseNotAllowed (a pause that
    ends before it starts), NoOpening.
    """
    size = _total(budget, extensions)
    return reached(start, size, budget.unit, calendar, cutoff, pauses=pauses)


def threshold(  # the whole of what a threshold depends on, by name
    start: datetime,
    budget: Budget,
    percent: int,
    calendar: Calendar,
    cutoff: Cutoff = Cutoff.close_of_business,
    *,
    pauses: Sequence[Pause] = (),
    extensions: Iterable[Budget] = (),
) -> Due:
    """Return the earliest moment at which this share of the budget is used up (clocks.md R10).

    Counted through the calendar, of the budget with its extensions; what is not whole is rounded
    up, so never too early. Raises as `due` does.
    """
    share = -(-_total(budget, extensions) * percent // 100)
    return reached(start, share, budget.unit, calendar, cutoff, pauses=pauses)


def reached(  # see due
    start: datetime,
    size: int,
    unit: Unit,
    calendar: Calendar,
    cutoff: Cutoff = Cutoff.close_of_business,
    *,
    pauses: Sequence[Pause] = (),
) -> Due:
    """Return the earliest moment at which `consumed` is at least `size` (seconds or days)."""
    scale = _scale(unit, calendar, cutoff)
    try:
        begin = _to_wall(start, scale.zone)
        origin = scale.origin(begin)
        runs = scale.runs(origin, _merged(pauses, scale.zone)) if pauses else ((origin, _ENDLESS),)
        found = scale.moment_of(runs, size) if size > 0 else begin
        at = _from_wall(found, scale.zone)
    except OverflowError:
        raise _no_opening(start, calendar) from None
    if calendar.closures and scale.closed(origin // DAY, found // DAY):
        raise _no_opening(start, calendar)
    return Due(at, scale.provisional(origin // DAY, found // DAY), calendar.version)


def consumed(  # see due
    start: datetime,
    until: datetime,
    unit: Unit,
    calendar: Calendar,
    cutoff: Cutoff = Cutoff.close_of_business,
    *,
    pauses: Sequence[Pause] = (),
) -> int:
    """Count what a clock has used up by `until`: seconds for wh and nh, days for wd and nd."""
    scale = _scale(unit, calendar, cutoff)
    origin = scale.origin(_to_wall(start, scale.zone))
    runs = scale.runs(origin, _merged(pauses, scale.zone))
    return scale.consumed_by(runs, _to_wall(until, scale.zone))


class _Scale(ABC):
    """How one unit measures the spans in which a clock runs."""

    __slots__ = ("calendar", "last_second")
    zone: ClassVar[tzinfo] = SHANGHAI

    def __init__(self, calendar: Calendar, cutoff: Cutoff) -> None:
        self.calendar = calendar
        by_office = cutoff is Cutoff.close_of_business
        self.last_second = calendar.close_of_business if by_office else LAST_SECOND

    def origin(self, start: int) -> int:
        """Return the second from which the unit counts."""
        return start

    def runs(self, origin: int, pauses: Sequence[_Run]) -> Sequence[_Run]:
        """Return the spans from `origin` on that no pause covers."""
        found: list[_Run] = []
        for since, until in pauses:
            if origin < since:
                found.append((origin, since))
            origin = max(origin, until)
        return [*found, (origin, _ENDLESS)]

    def moment_of(self, runs: Sequence[_Run], size: int) -> int:
        """Return the earliest second at which the runs measure `size`."""
        for since, until in runs:
            had = self.level(since)
            if until == _ENDLESS or self.level(until) - had >= size:
                return self.moment(had + size)
            size -= self.level(until) - had
        raise AssertionError  # the last run is endless

    def consumed_by(self, runs: Sequence[_Run], until: int) -> int:
        """Return what the runs measure up to a moment; a cutoff at that very second counts."""
        until = self.counting_until(until)
        return sum(
            self.level(min(end, until)) - self.level(since) for since, end in runs if since < until
        )

    def counting_until(self, until: int) -> int:
        return until

    def provisional(self, first: int, last: int) -> bool:
        """Say whether a day between these two was only assumed."""
        firm_from, firm_to = self.calendar.firm
        return first < firm_from or last > firm_to

    def closed(self, first: int, last: int) -> bool:
        """Say whether nothing opens for more than LONGEST_CLOSURE days between these two."""
        return any(
            before < last and after - max(before, first) > LONGEST_CLOSURE
            for before, after in self.calendar.closures
            if after <= last
        )

    @abstractmethod
    def level(self, moment: int) -> int:
        """Measure from the beginning of time up to, not including, this second."""

    @abstractmethod
    def moment(self, level: int) -> int:
        """Return the earliest second at which this level counts as reached."""


class _NaturalHours(_Scale):
    """Every second counts; so UTC measures them, whatever the wall clock did."""

    __slots__ = ()
    zone = UTC

    def level(self, moment: int) -> int:
        return moment

    def moment(self, level: int) -> int:
        return level

    def provisional(self, first: int, last: int) -> bool:  # noqa: ARG002 # needs no calendar
        return False

    def closed(self, first: int, last: int) -> bool:  # noqa: ARG002 # likewise
        return False


class _WorkingHours(_Scale):
    """The open seconds of workdays count."""

    __slots__ = ()

    def level(self, moment: int) -> int:
        day, second = divmod(moment, DAY)
        calendar = self.calendar
        level = calendar.workdays_before(day) * calendar.open_seconds
        return level + calendar.opened_by(second) if calendar.worked(day) else level

    def moment(self, level: int) -> int:
        rank, opened = divmod(level - 1, self.calendar.open_seconds)
        return self.calendar.nth_workday(rank) * DAY + self.calendar.second_after(opened + 1)


class _WorkingDays(_Scale):
    """The cutoffs of workdays after the start date count, each if the clock runs at it."""

    __slots__ = ()

    def origin(self, start: int) -> int:
        return (start // DAY + 1) * DAY

    def counting_until(self, until: int) -> int:
        return until + 1

    def level(self, moment: int) -> int:
        day, second = divmod(moment, DAY)
        return self.calendar.workdays_before(day + (second > self.last_second))

    def moment(self, level: int) -> int:
        return self.calendar.nth_workday(level - 1) * DAY + self.last_second


class _NaturalDays(_WorkingDays):
    """All days after the start date count; the last one rolls to a workday and its cutoff.

    Only whole days pause (clocks.md R5), and the roll passes over them: no paused clock falls due.
    """

    __slots__ = ()

    def runs(self, origin: int, pauses: Sequence[_Run]) -> Sequence[_Run]:
        whole = [(-(-since // DAY) * DAY, until // DAY * DAY) for since, until in pauses]
        return _Scale.runs(
            self, origin, [(since, until) for since, until in whole if since < until]
        )

    def moment_of(self, runs: Sequence[_Run], size: int) -> int:
        for since, until in runs:
            days = (until - since) // DAY
            if size <= days:
                last = self.calendar.workday_from(since // DAY + max(size, 1) - 1)
                if last * DAY < until:
                    return last * DAY + self.last_second
            size = max(size - days, 0)
        raise AssertionError  # the last run is endless

    def consumed_by(self, runs: Sequence[_Run], until: int) -> int:
        day, second = divmod(until, DAY)
        last = day if second >= self.last_second else day - 1
        for count, (since, end) in reversed(list(enumerate(runs))):
            reach = self.calendar.workday_until(min(last, end // DAY - 1))
            if reach * DAY >= since:
                before = sum(stop - start for start, stop in runs[:count])
                return before // DAY + reach + 1 - since // DAY
        return 0


def _scale(unit: Unit, calendar: Calendar, cutoff: Cutoff) -> _Scale:
    match unit:
        case Unit.wh:
            return _WorkingHours(calendar, cutoff)
        case Unit.wd:
            return _WorkingDays(calendar, cutoff)
        case Unit.nh:
            return _NaturalHours(calendar, cutoff)
        case Unit.nd:
            return _NaturalDays(calendar, cutoff)
        case _:
            assert_never(unit)


def _total(budget: Budget, extensions: Iterable[Budget]) -> int:
    size = budget.size
    for extension in extensions:
        if extension.unit is not budget.unit:
            raise UnitMismatch(extension=extension, budget=budget)
        size += extension.size
    return size


def _merged(pauses: Iterable[Pause], zone: tzinfo) -> list[_Run]:
    """Join pauses that overlap or touch: the clock runs when no reason holds it (R5)."""
    found: list[_Run] = []
    for since, until in sorted((_to_wall(a, zone), _to_wall(b, zone)) for a, b in pauses):
        if since >= until:
            ends = (_from_wall(end, zone).astimezone(SHANGHAI) for end in (until, since))
            raise PauseNotAllowed(detail="结束时间 {} 不晚于开始时间 {}".format(*ends))
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return found


def _to_wall(moment: datetime, zone: tzinfo) -> int:
    """Return the wall clock's seconds; fractions are cut. Raises NaiveTime, OverflowError."""
    if moment.tzinfo is None:
        raise NaiveTime(value=moment.isoformat())
    local = moment.astimezone(zone)
    return local.toordinal() * DAY + local.hour * _HOUR + local.minute * _MINUTES + local.second


def _from_wall(seconds: int, zone: tzinfo) -> datetime:
    """Return the UTC moment. Raises OverflowError beyond the year 9999."""
    dawn = _DAWN if zone is SHANGHAI else _DAWN_UTC
    return (dawn + timedelta(seconds=seconds - DAY)).astimezone(UTC)


def _no_opening(start: datetime, calendar: Calendar) -> NoOpening:
    return NoOpening(start=start.isoformat(), calendar=calendar.name, days=LONGEST_CLOSURE)
