"""An indicator's answer as a table for people, with a sheet that says what it rests on."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from projections.counts import SHANGHAI
from projections.export import Column, Value
from projections.indicators.answers import Answer, Line
from projections.indicators.formula import UNITS, Formula
from projections.indicators.numbers import Change


def columns(formula: Formula, answer: Answer) -> list[Column]:
    """Return the columns: the number, what it was made of, and the comparisons asked for."""
    unit = UNITS[formula.unit]
    found = [Column("key", "编码"), Column("name", "名称")]
    found.append(Column("value", f"{formula.title}（{unit}）", "number"))
    found += [Column(one.name, one.title, "number") for one in formula.parts]
    for change, title in ((answer.total.previous, "环比"), (answer.total.last_year, "同比")):
        if change is not None:
            found += [
                Column(f"{title}.value", f"{change.period}（{unit}）", "number"),
                Column(f"{title}.change", f"{title}增减", "number"),
                Column(f"{title}.rate", f"{title}幅度（%）", "number"),
            ]
    return found


def rows(formula: Formula, answer: Answer, *, numeric: bool) -> Iterator[list[Value]]:
    """Yield the lines, the total last; `numeric` makes numbers of decimal texts, as Excel has."""
    for line in (*answer.lines, answer.total):
        yield [_cell(value, numeric=numeric) for value in _values(formula, answer, line)]


def _values(formula: Formula, answer: Answer, line: Line) -> Iterator[Value]:
    number = line.number
    yield from (line.key, line.name, _Decimal(number.value or ""))
    if number.terms is not None:
        yield from number.terms.values()
    else:
        yield _Decimal(number.numerator)
        if formula.denominator is not None:
            yield number.denominator
    for total, change in (
        (answer.total.previous, line.previous),
        (answer.total.last_year, line.last_year),
    ):
        if total is not None:
            yield from _compared(change)


def _compared(change: Change | None) -> Iterator[Value]:
    texts = (change.number.value, change.change, change.rate) if change else (None, None, None)
    yield from (_Decimal(text or "") for text in texts)


class _Decimal(str):
    """A decimal as text, to be told from other texts."""

    __slots__ = ()


def _cell(value: Value, *, numeric: bool) -> Value:
    if not isinstance(value, _Decimal):
        return value
    if not value:
        return None
    return float(value) if numeric else str(value)


def notes(
    formula: Formula, answer: Answer, *, district: str, asked: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """Return what the sheet «说明» says: which formula, which period, up to which position."""
    conditions = "；".join(f"{name}={value}" for name, value in asked.items())
    last = answer.period.until
    return {
        "指标": f"{formula.title}（{formula.label}）",
        "口径": formula.meaning or "—",
        "区县": district,
        "周期": f"{answer.period.label}：{answer.period.since} 起，{last} 前",
        "截至（发生时间）": _local(answer.as_of) if answer.as_of else "现在",
        "位点": str(answer.position),
        "是否定稿": "是" if answer.final else "否（之后的补录仍可能改变）",
        "条件": conditions or "无",
        "导出时间": _local(now),
    }


def _local(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds")
