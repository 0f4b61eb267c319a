"""What a register counts over its visible rows: total, open, by column, sums, and how old."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, LiteralString

from psycopg import sql

from domain import facts as f
from eventlog.database import Connection
from projections.ledger import Summarise
from projections.query import Condition, Moment
from projections.registers.plan import Plan

OPEN: Final = "ended_at IS NULL"
COUNT: Final = "SELECT {counts} FROM ({source}) r WHERE {where}"
GROUP: Final = """
    SELECT coalesce({key}::text, ''), count(*) FROM ({source}) r
    WHERE {where} GROUP BY 1 ORDER BY 1
"""
# A day has passed when the clock of +08:00 says so; a column may be a moment or a day.
DAYS: Final = """
    ((%(now)s::timestamptz AT TIME ZONE 'Asia/Shanghai')::date
     - {column}::date)
"""
MOMENT_DAYS: Final = """
    ((%(now)s::timestamptz AT TIME ZONE 'Asia/Shanghai')::date
     - ({column} AT TIME ZONE 'Asia/Shanghai')::date)
"""


def summary_of(plan: Plan, sorts: Mapping[str, str]) -> Summarise:
    """Return how a register is counted; `sorts` says of which sort each column is."""
    text = plan.text.summary
    counts = dict(_counts(plan, sorts))
    names, tests = list(counts), list(counts.values())

    def summarise(
        connection: Connection, source: Condition, where: Condition, moment: Moment
    ) -> dict[str, Any]:
        asked = {**source.parameters, **where.parameters, "now": moment.now}
        parts = {"source": source.where, "where": where.where}
        listed = sql.SQL(", ").join(tests)
        query = sql.SQL(COUNT).format(counts=listed, **parts)
        row = connection.execute(query, asked).fetchone() or ()
        found: dict[str, Any] = {
            name: int(value or 0) for name, value in zip(names, row, strict=True)
        }
        for name in text.by:
            query = sql.SQL(GROUP).format(key=sql.Identifier(name), **parts)
            found[f"by_{name}"] = dict(connection.execute(query, asked).fetchall())
        return found

    return summarise


def _counts(plan: Plan, sorts: Mapping[str, str]) -> Iterator[tuple[str, sql.Composable]]:
    text = plan.text.summary
    yield "total", sql.SQL("count(*)")
    if plan.stream == f.CASE:
        yield "open", _when(sql.SQL(OPEN))
    for name in text.count:
        yield name, _when(_tells(name, sorts[name]))
    for name in text.sum:
        yield f"sum_{name}", sql.SQL("sum({})").format(sql.Identifier(name))
    if text.ageing is not None:
        since, days = text.ageing.since, text.ageing.days
        for label, test in _bands(age_of(since, sorts[since]), days):
            yield label, _when(sql.SQL("{} AND {}").format(sql.SQL(OPEN), test))


def age_of(column: str, sort: str) -> sql.Composed:
    """Return the SQL for how many natural days have passed since a column."""
    query = sql.SQL(MOMENT_DAYS if sort == "time" else DAYS)
    return query.format(column=sql.Identifier(column))


def _bands(age: sql.Composable, days: Sequence[int]) -> Iterator[tuple[str, sql.Composable]]:
    """Yield how many are at most so old, between, and older, by what the answer calls them."""
    low = -1
    for high in days:
        label = f"up_to_{high}_days" if low < 0 else f"{low + 1}_to_{high}_days"
        test = sql.SQL("{} > {} AND {} <= {}").format(age, sql.Literal(low), age, sql.Literal(high))
        yield label, test
        low = high
    yield f"over_{low}_days", sql.SQL("{} > {}").format(age, sql.Literal(low))


def _tells(name: str, sort: str) -> sql.Composable:
    """Return when a column counts: a flag that is true, a number above zero, any other value."""
    column = sql.Identifier(name)
    if sort == "flag":
        return column
    return sql.SQL("{} > 0" if sort == "number" else "{} IS NOT NULL").format(column)


def _when(test: sql.Composable) -> sql.Composed:
    return sql.SQL("count(*) FILTER (WHERE {})").format(test)


def older_than(column: str, sort: str, days: int) -> LiteralString:
    """Return a filter's condition: an open row that is older than so many natural days.

    The name was checked to be lower-case letters, digits and `_`, so it may stand in SQL as it is.
    """
    day = f"{column}::date" if sort == "date" else f"({column} AT TIME ZONE 'Asia/Shanghai')::date"
    now = "(%(now)s::timestamptz AT TIME ZONE 'Asia/Shanghai')::date"
    return f"{OPEN} AND {now} - {day} > {days}"  # pyright: ignore[reportReturnType]
