"""What people ask of an indicator: its value, by group, and beside other periods (同比、环比)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, Literal

from msgspec import Struct

from domain.directory import Directory, UnitEntry
from eventlog.database import Connection
from projections.indicators.counting import Asked, By, Key, Sums, added, count, moment_of
from projections.indicators.formula import Formula
from projections.indicators.numbers import Change, Number, change_of, number_of
from projections.indicators.periods import (
    Period,
    containing,
    last_year,
    months_in,
    previous,
    twelve_months,
)
from projections.query import Moment, snapshot
from projections.scope import Scope, Sight

Group = Literal["unit", "grid", "source", "category", "kind", "severity", "month"]
GROUPS: Final[tuple[Group, ...]] = (
    "unit", "grid", "source", "category", "kind", "severity", "month",
)  # fmt: skip
GRID: Final = "grid"
ELSEWHERE: Final = ""
"""The key of what belongs to none of the units that are compared."""


class Question(Struct, frozen=True, kw_only=True):
    """What is asked of an indicator."""

    scope: Sight
    period: Period | None = None
    """None: the month that contains the moment asked for."""
    by: Group | None = None
    levels: tuple[str, ...] = ()
    """Levels of units to compare; empty: as the formula says."""
    unit: str | None = None
    compare: bool = False
    as_of: datetime | None = None
    known_at: datetime | None = None
    now: datetime | None = None


class Line(Struct, frozen=True, kw_only=True):
    """One group, with its number; and, where asked for, how it was before."""

    key: str
    name: str
    number: Number
    previous: Change | None = None
    """环比."""
    last_year: Change | None = None
    """同比."""


class Answer(Struct, frozen=True, kw_only=True):
    """An indicator's number and its groups, and what they rest on."""

    formula: str
    period: Period
    levels: tuple[str, ...]
    """Which levels of units were compared."""
    total: Line
    lines: list[Line]
    as_of: datetime | None
    position: int
    final: bool


def answer(
    connection: Connection, formula: Formula, question: Question, directory: Directory
) -> Answer:
    """Answer a question; several queries see one state of the tables."""
    with snapshot(connection):
        moment = moment_of(
            connection, as_of=question.as_of, known_at=question.known_at, now=question.now
        )
        return _Asking(connection, formula, question, directory, moment).answer()


class _Asking:
    """One question at one moment."""

    def __init__(
        self,
        connection: Connection,
        formula: Formula,
        question: Question,
        directory: Directory,
        moment: Moment,
    ) -> None:
        self.connection = connection
        self.formula = formula
        self.question = question
        self.directory = directory
        self.moment = moment
        self.asked = Asked(scope=question.scope, moment=moment, unit=question.unit)
        self.period = question.period or _usual(formula.start, question.by, moment.now)
        self.levels = (GRID,) if question.by == GRID else question.levels or formula.levels

    def answer(self) -> Answer:
        groups = self._groups(self.period)
        before, year_before = self._compared()
        whole = added(groups.values())
        totals = [
            None if there is None else (there[0], {ELSEWHERE: added(there[1].values())})
            for there in (before, year_before)
        ]
        return Answer(
            formula=self.formula.label,
            period=self.period,
            levels=self.levels,
            total=self._line(ELSEWHERE, "合计", whole, *totals),
            lines=self._lines(groups, before, year_before),
            as_of=self.question.as_of,
            position=self.moment.position,
            final=self.moment.final,
        )

    def _lines(
        self, groups: Mapping[str, Sums], before: "_There | None", year_before: "_There | None"
    ) -> list[Line]:
        if self.question.by == "month":
            return self._months(groups)
        return [
            self._line(key, name, groups.get(key, {}), before, year_before)
            for key, name in self._names(groups).items()
        ]

    def _months(self, groups: Mapping[str, Sums]) -> list[Line]:
        """Return a line a month, each beside the month before it and that of a year before."""
        start, known = self.formula.start, dict(groups)
        months = list(months_in(start, self.period))
        if not self.question.compare:
            return [self._line(one.label, one.label, known.get(one.label, {})) for one in months]
        earlier = Period("", last_year(start, months[0]).since, self.period.since)
        known |= {
            key: added([known.get(key, {}), one]) for key, one in self._groups(earlier).items()
        }
        return [
            self._line(
                one.label,
                one.label,
                groups.get(one.label, {}),
                *(
                    (there, {one.label: known.get(there.label, {})})
                    for there in (previous(start, one), last_year(start, one))
                ),
            )
            for one in months
        ]

    def _compared(self) -> tuple["_There | None", "_There | None"]:
        if not self.question.compare:
            return None, None
        start = self.formula.start
        one, other = previous(start, self.period), last_year(start, self.period)
        return (one, self._groups(one)), (other, self._groups(other))

    def _groups(self, period: Period) -> dict[str, Sums]:
        by = self.question.by
        counted_by: By = "total" if by is None else "place" if by == GRID else by
        found = count(self.connection, self.formula, self.asked, period, counted_by)
        groups: dict[str, list[Sums]] = {}
        for key, sums in found.items():
            groups.setdefault(self._group(key), []).append(sums)
        return {key: added(several) for key, several in groups.items()}

    def _group(self, key: Key) -> str:
        """Return a group's key; of a path its lowest unit of the levels that are compared."""
        if self.question.by == GRID and isinstance(key, str):
            place = self.directory.units.get(key)
            key = place.path if place else ()
        if isinstance(key, str):
            return key
        units = self.directory.units
        wanted = (one for one in reversed(key) if one in units and units[one].level in self.levels)
        return next(wanted, ELSEWHERE)

    def _line(
        self,
        key: str,
        name: str,
        sums: Sums,
        before: "_There | None" = None,
        year_before: "_There | None" = None,
    ) -> Line:
        number = number_of(self.formula, sums)
        return Line(
            key=key,
            name=name,
            number=number,
            previous=self._change(number, key, before),
            last_year=self._change(number, key, year_before),
        )

    def _change(self, number: Number, key: str, there: "_There | None") -> Change | None:
        if there is None:
            return None
        period, groups = there
        then = number_of(self.formula, groups.get(key, {}))
        return change_of(self.formula, period.label, number, then)

    def _names(self, groups: Mapping[str, Sums]) -> dict[str, str]:
        """Return the groups to show, in order: every unit and month, also without a case."""
        match self.question.by:
            case None:
                return {}
            case "unit" | "grid":
                units = self._units(groups)
                named = {one.id: one.name for one in units}
                return named | ({ELSEWHERE: "（其他）"} if ELSEWHERE in groups else {})
            case _:
                return {key: key or "（未填）" for key in sorted(groups)}

    def _units(self, groups: Mapping[str, Sums]) -> Sequence[UnitEntry]:
        day = self.period.since
        found = [
            one
            for one in self.directory.units.values()
            if one.id in groups or (one.level in self.levels and self._compares(one, day))
        ]
        return sorted(found, key=lambda one: (self.levels.index(one.level), one.code))

    def _compares(self, unit: UnitEntry, day: date) -> bool:
        """Say whether a unit is shown without a case: it was there, and is the caller's to see."""
        there = unit.dissolved is None or unit.dissolved > day
        under = self.question.unit
        return there and self._is_own(unit) and (under is None or under in unit.path)

    def _is_own(self, unit: UnitEntry) -> bool:
        scope = self.question.scope
        own = scope.unit if isinstance(scope, Scope) else scope
        shared = scope.shared if isinstance(scope, Scope) else ()
        return own is None or any(one in unit.path for one in (own, *shared))


def _usual(start: int, by: Group | None, now: datetime) -> Period:
    """Return the period that is meant where nobody names one."""
    return twelve_months(start, now) if by == "month" else containing(start, now)


_There = tuple[Period, dict[str, Sums]]
"""Another period, and its groups."""
