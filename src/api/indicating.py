"""How an indicator's answer leaves the house: as JSON with links downwards, or as a file."""

import tempfile
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, BinaryIO, Final, cast
from urllib.parse import urlencode

from msgspec import Struct

from api.access import Asking
from api.exporting import MEMORY_BYTES
from projections import export, workbook
from projections.indicators import sheet
from projections.indicators.answers import Answer, Group, Line, Question
from projections.indicators.formula import UNITS, Formula
from projections.indicators.numbers import Change, Number
from projections.indicators.periods import Period

_LINKED: Final[dict[Group, str]] = {
    "unit": "unit",
    "grid": "grid",
    "source": "source",
    "category": "category",
    "kind": "kind",
    "severity": "severity",
    "month": "period",
}
"""By which parameter a group's cases are asked for."""


class IndicatorNumber(Struct, kw_only=True):
    """A number: decimals as text, since they are exact."""

    value: str | None
    numerator: str
    denominator: int | None = None
    terms: dict[str, int] | None = None


class IndicatorChange(IndicatorNumber, kw_only=True):
    """Another period's number, and how far the present one lies from it."""

    period: str
    change: str | None
    rate: str | None


class IndicatorLine(IndicatorNumber, kw_only=True):
    """A group's number, beside others where asked for, with links to its cases."""

    key: str
    name: str
    previous: IndicatorChange | None = None
    last_year: IndicatorChange | None = None
    cases: dict[str, str]


class IndicatorPeriod(Struct, kw_only=True, rename={"since": "from", "until": "to"}):
    """From a day until another, exclusive."""

    label: str
    since: str
    until: str


class IndicatorDocument(Struct, kw_only=True):
    """An indicator's answer."""

    name: str
    title: str
    formula: str
    unit: str
    unit_label: str
    period: IndicatorPeriod
    by: str | None
    total: IndicatorLine
    items: list[IndicatorLine]
    as_of: datetime | None
    known_at: datetime | None
    position: int
    final: bool


def question_of(asking: Asking, *, unit: str | None, **members: Any) -> Question:  # noqa: ANN401
    """Return what a caller asks, within their scope; a unit by code, name or id.

    Raises:
        UnknownUnit: there is no such unit.
    """
    directory = asking.reference.directory
    known = unit is None or unit in directory.units
    found = unit if known or unit is None else directory.find(unit, pointer="unit").id
    return Question(scope=asking.scope, unit=found, now=asking.services.engine.now(), **members)


def document_of(
    formula: Formula, question: Question, result: Answer, base: str
) -> IndicatorDocument:
    """Return the answer as JSON has it; `base` is the address of the cases."""
    links = _Links(formula, question, result, base)
    period = result.period
    return IndicatorDocument(
        name=formula.name,
        title=formula.title,
        formula=formula.label,
        unit=formula.unit,
        unit_label=UNITS[formula.unit],
        period=IndicatorPeriod(
            label=period.label, since=period.since.isoformat(), until=period.until.isoformat()
        ),
        by=question.by,
        total=_line(result.total, links.total()),
        items=[_line(one, links.group(one)) for one in result.lines],
        as_of=question.as_of,
        known_at=question.known_at,
        position=result.position,
        final=result.final,
    )


class _Links:
    """The addresses of the cases behind each number."""

    def __init__(self, formula: Formula, question: Question, result: Answer, base: str) -> None:
        self.formula, self.question, self.result, self.base = formula, question, result, base

    def total(self) -> dict[str, str]:
        return self._of(self._shared())

    def group(self, line: Line) -> dict[str, str]:
        by = self.question.by
        if by is None or (by in {"unit", "grid"} and not line.key):
            return {}
        limits = {_LINKED[by]: line.key}
        if by == "unit":
            limits["levels"] = ",".join(self.result.levels)
        tail = urlencode(limits)
        return {part: f"{address}&{tail}" for part, address in self._of_each.items()}

    @cached_property
    def _of_each(self) -> dict[str, str]:
        """What the addresses of all groups begin with; a month brings its own period."""
        apart = {"period", "from", "to"} if self.question.by == "month" else set[str]()
        return self._of({name: one for name, one in self._shared().items() if name not in apart})

    def _of(self, asked: Mapping[str, str]) -> dict[str, str]:
        return {
            part.name: f"{self.base}?{urlencode({'part': part.name, **asked})}"
            for part in self.formula.parts
        }

    def _shared(self) -> dict[str, str]:
        question = self.question
        found = {"formula": self.formula.version, **_named(self.result.period)}
        if question.unit is not None:
            found["unit"] = question.unit
        for name in ("as_of", "known_at"):
            moment: datetime | None = getattr(question, name)
            if moment is not None:
                found[name] = moment.isoformat()
        return found


def _named(period: Period) -> dict[str, str]:
    if "/" in period.label:
        return {"from": period.since.isoformat(), "to": period.until.isoformat()}
    return {"period": period.label}


def _line(line: Line, links: dict[str, str]) -> IndicatorLine:
    return IndicatorLine(
        key=line.key,
        name=line.name,
        **_number(line.number),
        previous=_change(line.previous),
        last_year=_change(line.last_year),
        cases=links,
    )


def _number(number: Number) -> dict[str, Any]:
    return {name: getattr(number, name) for name in Number.__struct_fields__}


def _change(change: Change | None) -> IndicatorChange | None:
    if change is None:
        return None
    return IndicatorChange(
        period=change.period, change=change.change, rate=change.rate, **_number(change.number)
    )


def file_of(
    form: str, formula: Formula, result: Answer, asking: Asking, asked: Mapping[str, str]
) -> BinaryIO:
    """Write the lines into a temporary file: csv, or xlsx with its sheet of provenance."""
    target = cast("BinaryIO", tempfile.SpooledTemporaryFile(MEMORY_BYTES))  # noqa: SIM115 - read later
    columns = sheet.columns(formula, result)
    rows = sheet.rows(formula, result, numeric=form != "csv")
    if form == "csv":
        export.write_csv(target, columns, rows)
    else:
        now = asking.services.engine.now()
        notes = sheet.notes(formula, result, district=asking.services.id, asked=asked, now=now)
        workbook.write_xlsx(target, formula.title, columns, rows, notes)
    target.seek(0)
    return target
