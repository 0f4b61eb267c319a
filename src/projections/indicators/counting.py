"""Counts what a formula counts: one query for each sort of thing, within the caller's scope."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, LiteralString

from msgspec import Struct
from psycopg import sql

from eventlog.database import Connection
from projections.indicators.columns import OF_CASE, OWN
from projections.indicators.conditions import Binder, compiled
from projections.indicators.formula import Formula, Part
from projections.indicators.periods import Period
from projections.ledgers.cases import CASES
from projections.ledgers.measures import MEASURES
from projections.query import Condition, Moment, find_moment, source
from projections.scope import Sight, within

By = Literal["total", "unit", "place", "source", "category", "kind", "severity", "month"]

VISIBLE_TO: Final = "visible_to"
# The cases' rows as of the same moment: they say who may see a thing, and what sort of case it is.
ROWS: Final = """
    SELECT o.case_id, o.row_key, {listed} FROM ({rows}) o JOIN ({cases}) c ON c.case_id = o.case_id
"""
COUNT: Final = "SELECT {key} AS key, {sums} FROM ({rows}) r WHERE {where} GROUP BY 1"
PERIOD: Final = """
    sort = {sort} AND {basis} >= {since} AND {basis} < {until}
"""
MONTH: Final = """
    to_char(({basis} AT TIME ZONE 'Asia/Shanghai') - make_interval(days => {shift})
            + make_interval(months => {more}), 'YYYY-MM')
"""
KEYS: Final[dict[By, LiteralString]] = {
    "total": "''::text",
    "place": "coalesce(place, '')",
    "source": "coalesce(source_system, '')",
    "category": "coalesce(category, '')",
    "kind": "kind",
    "severity": "coalesce(severity, '')",
}
_NEEDED: Final[dict[By, tuple[str, ...]]] = {
    "place": ("place",),
    "source": ("source_system",),
    "category": ("category",),
    "kind": ("kind",),
    "severity": ("severity",),
}

Sums = dict[str, int]
"""What was counted, by the name of the part."""
Key = str | tuple[str, ...]
"""A group; of units the path that led to it when it happened."""


class Asked(Struct, frozen=True, kw_only=True):
    """Within which scope, as of when, and of which units' things."""

    scope: Sight
    moment: Moment
    unit: str | None = None
    """Only what counts to this unit, or to one below it."""


def moment_of(
    connection: Connection,
    *,
    as_of: datetime | None,
    known_at: datetime | None,
    now: datetime | None,
) -> Moment:
    """Return which rows are meant; call it within the snapshot that counts."""
    return find_moment(connection, MEASURES.follows, as_of=as_of, known_at=known_at, now=now)


def count(
    connection: Connection, formula: Formula, asked: Asked, period: Period, by: By = "total"
) -> dict[Key, Sums]:
    """Count every part of a formula in a period, by group."""
    found: dict[Key, Sums] = {}
    for parts in _strands(formula):
        query = _counted(parts, formula, asked, period, by)
        for key, *sums in connection.execute(query.where, query.parameters).fetchall():
            group = found.setdefault(key if isinstance(key, str) else tuple(key), {})
            group.update(zip((one.name for one in parts), map(int, sums), strict=True))
    return found


def _strands(formula: Formula) -> Iterator[list[Part]]:
    """Yield the parts that one query can count: of the same things, in the same period."""
    left = list(formula.parts)
    while left:
        first = left[0]
        alike = [one for one in left if _strand(one) == _strand(first)]
        left = [one for one in left if one not in alike]
        yield alike


def _strand(part: Part) -> tuple[str, str, str]:
    return part.of, part.basis, part.judged


def _counted(
    parts: Sequence[Part], formula: Formula, asked: Asked, period: Period, by: By
) -> Condition:
    binder = Binder()
    first = parts[0]
    columns = {name for one in parts for name in one.columns}
    # What no part counts need not be looked at; a numerator is picked from its denominator's.
    frame = formula.denominator
    wide = [frame] if frame else parts
    some = sql.SQL(" OR ").join(counts(one, binder) for one in wide)
    sums = sql.SQL(", ").join(_sum(one, binder, frame) for one in parts)
    rows, where = visible(first, asked, period, columns | needed(first, by), binder)
    query = sql.SQL(COUNT).format(
        key=_key(first, formula, by, binder),
        sums=sums,
        rows=rows.where,
        where=sql.SQL("{} AND ({})").format(where, some),
    )
    return Condition(query, {**rows.parameters, **binder.parameters, "now": asked.moment.now})


def _sum(part: Part, binder: Binder, frame: Part | None) -> sql.Composed:
    """Return a part's sum over rows of which `frame` counts every one, if there is one."""
    added: sql.Composable = sql.SQL("1")
    if part.sums:
        added = sql.SQL(" + ").join(
            sql.SQL("coalesce({}, 0)").format(sql.Identifier(name)) for name in part.sums
        )
    if frame is None:
        counted: sql.Composable = counts(part, binder)
    else:
        left = tuple(one for one in part.when if one not in frame.when)
        counted = compiled(left, binder) if left else sql.SQL("true")
    return sql.SQL("coalesce(sum({}) FILTER (WHERE {}), 0)").format(added, counted)


def counts(part: Part, binder: Binder) -> sql.Composed:
    """Return whether a thing counts: all conditions hold, and no exclusion does."""
    tests = [compiled(part.when, binder)]
    tests += [sql.SQL("NOT {}").format(compiled(one, binder)) for one in part.exclude]
    return sql.SQL("({})").format(sql.SQL(" AND ").join(tests))


def needed(part: Part, by: By) -> set[str]:
    """Return the columns that a group is told by."""
    named = {part.basis, f"{part.judged}_path"}
    return named | set(_NEEDED.get(by, ()))


def _key(part: Part, formula: Formula, by: By, binder: Binder) -> sql.Composable:
    match by:
        case "unit":
            return sql.Identifier(f"{part.judged}_path")
        case "month":
            shift = formula.start - 1
            return sql.SQL(MONTH).format(
                basis=sql.Identifier(part.basis),
                shift=sql.SQL("{}::integer").format(binder.bind(shift)),
                more=sql.SQL("{}::integer").format(binder.bind(int(shift > 0))),
            )
        case _:
            return sql.SQL(KEYS[by])


def visible(
    part: Part, asked: Asked, period: Period, columns: Iterable[str], binder: Binder
) -> tuple[Condition, sql.Composed]:
    """Return the rows `r` of a period with these columns, and what limits them."""
    # The marks of the current row count, whatever the moment; a few cases bear any.
    seen, parameters = within(asked.scope, CASES.tables.names["current"])
    shown = (VISIBLE_TO,) if "scope" in parameters else ()
    rows = _rows(asked.moment, {*_expanded(columns), "sort"}, shown)
    since, until = period.moments
    where = sql.SQL(PERIOD).format(
        sort=binder.bind(part.of),
        basis=sql.Identifier(part.basis),
        since=binder.bind(since),
        until=binder.bind(until),
    )
    binder.parameters |= parameters
    limits: list[sql.Composable] = [where, *seen]
    if asked.unit is not None:
        path = sql.Identifier(f"{part.judged}_path")
        limits.append(sql.SQL("{} @> ARRAY[{}::text]").format(path, binder.bind(asked.unit)))
    return rows, sql.SQL(" AND ").join(limits)


def _rows(moment: Moment, columns: set[str], shown: tuple[str, ...]) -> Condition:
    """Return the ledger's rows with these columns; of their cases only what is asked for."""
    own = tuple(sorted(name for name in columns if name in OWN))
    of_case = (*sorted(name for name in columns if name in OF_CASE), *shown)
    rows = source(MEASURES.tables.names, own, moment)
    if not of_case:
        return rows
    cases = source(CASES.tables.names, of_case, moment)
    listed = sql.SQL(", ").join(
        sql.SQL("{}.{}").format(sql.Identifier(table), sql.Identifier(column))
        for table, names in (("o", own), ("c", of_case))
        for column in names
    )
    joined = sql.SQL(ROWS).format(listed=listed, rows=rows.where, cases=cases.where)
    return Condition(joined, {**rows.parameters, **cases.parameters})


def _expanded(columns: Iterable[str]) -> set[str]:
    """Return the columns of tables behind what is computed (`decided`)."""
    found = set(columns)
    if "decided" in found:
        found = (found - {"decided"}) | {"stopped_at", "due", "paused", "ended_at"}
    return found


def added(groups: Iterable[Mapping[str, int]]) -> Sums:
    """Return the sum of several groups."""
    total: dict[str, Any] = {}
    for sums in groups:
        for name, number in sums.items():
            total[name] = total.get(name, 0) + number
    return total
