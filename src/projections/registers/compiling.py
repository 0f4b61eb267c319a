"""From a register's plan to a ledger like any other: tables, columns, filters, order, counts."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

from domain import facts as f
from projections.export import Layout
from projections.ledger import Ledger
from projections.ledgers.cases import CASES
from projections.query import Column, Filter
from projections.registers.folding import Folding
from projections.registers.plan import CASE_COLUMNS, LISTED_AT, Plan
from projections.registers.summaries import older_than, summary_of
from projections.registers.text import FilterText
from projections.rows import Shape

EDITION: Final = 1
"""Raised when this program makes other rows of the same text: they then get other tables."""
ENDED: Final = "ended_at"
DIGITS: Final = 8


def ledger_of(plan: Plan, digest: str) -> Ledger[Any, Any]:
    """Return the ledger of a register; `digest` is the hash of its text."""
    folding = Folding(plan)
    columns = tuple(_columns(plan))
    sorts = {
        **{name: column.kind for name, column in CASE_COLUMNS.items()},
        **{one.name: one.sort for one in plan.made},
        LISTED_AT: "time",
    }
    of_cases = plan.stream == f.CASE
    return Ledger(
        shape=Shape(
            name=table_of(plan.text.name, digest),
            version=EDITION,
            stream=plan.stream,
            facts=folding.facts,
            state=folding.state,
            row=folding.row,
            blank=folding.blank,
            fold=folding.fold,
            show=folding.show,
        ),
        title=plan.text.title,
        columns=columns,
        filters=dict(_filters(plan, sorts)),
        sorts=_order(plan),
        summarise=summary_of(plan, sorts),
        cases=CASES if of_cases else None,
        of_case=_of_case(plan) if of_cases else (),
        open_to_all=not of_cases,
        called=plan.text.name,
        layout=_layout(plan),
    )


def table_of(register: str, digest: str) -> str:
    """Return what the tables of a version are called: every version has its own."""
    mark = sha256(f"{digest}/{EDITION}".encode()).hexdigest()[:DIGITS]
    return f"register_{register.replace('-', '_')}_{mark}"


def _columns(plan: Plan) -> Iterator[Column]:
    own = {one.name: one for one in plan.own}
    computed = {one.name: one for one in plan.computed}
    for text in plan.text.columns:
        name = text.called
        if text.case_column:
            known = CASE_COLUMNS[name]
            label = text.label or known.label
            yield Column(name, label, known.kind, words=dict(text.words))
        elif name in own:
            one = own[name]
            yield Column(name, one.label, one.sort, one.field, one.words)
        else:
            yield Column(name, computed[name].label, computed[name].sort)
    if LISTED_AT in _order(plan):
        yield Column(LISTED_AT, "列入时间", "time")


def _order(plan: Plan) -> tuple[str, ...]:
    return tuple(plan.text.sort) or (LISTED_AT,)


def _labels(plan: Plan) -> dict[str, str]:
    labels = {name: column.label for name, column in CASE_COLUMNS.items()}
    labels |= {one.name: one.label for one in plan.made}
    given = {one.called: one.label for one in plan.text.columns if one.label}
    return labels | given | {LISTED_AT: "列入时间"}


def _filters(plan: Plan, sorts: Mapping[str, str]) -> Iterator[tuple[str, Filter]]:
    labels = _labels(plan)
    if plan.stream == f.CASE:
        yield "open", Filter("在办", "open")
        yield "unit", Filter("管辖单元", "within")
    for one in plan.text.filters:
        if isinstance(one, FilterText):
            yield f"{one.given}_given", Filter(f"有无{labels[one.given]}", "given", one.given)
        else:
            yield from _filter(one, labels[one], sorts[one])
    ageing = plan.text.summary.ageing
    for days in ageing.days if ageing else ():
        since = ageing.since if ageing else ""
        test = older_than(since, sorts[since], days)
        yield f"over_{days}_days", Filter(f"在办超过 {days} 天", "test", test=test)


def _filter(name: str, label: str, sort: str) -> Iterator[tuple[str, Filter]]:
    """Yield what a column can be asked for, by what it is."""
    match sort:
        case "time":
            yield f"{name}_from", Filter(f"{label}起", "from", name)
            yield f"{name}_before", Filter(f"{label}止", "before", name)
        case "date":
            yield f"{name}_from", Filter(f"{label}起", "day_from", name)
            yield f"{name}_before", Filter(f"{label}止", "day_before", name)
        case "flag":
            yield name, Filter(label, "flag", name)
        case "number":
            yield name, Filter(f"有无{label}", "some", name)
        case _:
            yield name, Filter(label, "in", name)


def _of_case(plan: Plan) -> tuple[str, ...]:
    """Return all that a register says of its cases, also in filters and counts only."""
    text = plan.text
    named = [column.called for column in text.columns if column.case_column]
    named += [one for one in text.filters if isinstance(one, str)]
    named += [one.given for one in text.filters if isinstance(one, FilterText)]
    named += [*text.sort, *text.summary.by, *text.summary.count, *text.summary.sum, ENDED]
    if text.summary.ageing is not None:
        named.append(text.summary.ageing.since)
    return tuple(name for name in dict.fromkeys(named) if name in CASE_COLUMNS)


def _layout(plan: Plan) -> Layout:
    book = plan.text.workbook
    return Layout(
        title=book.title or "",
        frozen=book.frozen,
        widths=dict(book.widths),
        groups=tuple((group.label, tuple(group.columns)) for group in book.groups),
    )
