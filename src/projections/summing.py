"""Counts over a ledger's visible rows: how many satisfy each condition, and how many of each sort.

What a ledger counts stands beside its columns as SQL; this puts it into one query each.
"""

from collections.abc import Mapping
from typing import Any, Final, LiteralString

from psycopg import sql

from eventlog.database import Connection
from projections.ledger import Summarise
from projections.query import Condition, Moment

COUNT: Final = "SELECT {counts} FROM ({source}) r WHERE {where}"
GROUP: Final = """
    SELECT coalesce(({key})::text, ''), count(*) FROM ({source}) r
    WHERE {where} AND {counted} GROUP BY 1 ORDER BY 1
"""


def counting(
    counts: Mapping[str, LiteralString],
    *,
    by: Mapping[str, LiteralString] | None = None,
    total: LiteralString = "true",
    sums: Mapping[str, LiteralString] | None = None,
) -> Summarise:
    """Return a summary: `total`, each of the conditions by its name, and the groups of `by`.

    Conditions name columns, and the moment asked for as `%(now)s`; what they leave unknown does
    not count. Groups are of what `total` counts; the empty one has no value. `sums` are whole
    numbers by their own expressions.
    """
    conditions: dict[str, LiteralString] = {"total": total, **counts}
    numbers: dict[str, sql.Composable] = {
        name: sql.SQL("count(*) FILTER (WHERE {})").format(sql.SQL(test))
        for name, test in conditions.items()
    }
    numbers |= {
        name: sql.SQL("({})::bigint").format(sql.SQL(e)) for name, e in (sums or {}).items()
    }

    def summarise(
        connection: Connection, source: Condition, where: Condition, moment: Moment
    ) -> dict[str, Any]:
        asked = {**source.parameters, **where.parameters, "now": moment.now}
        parts = {"source": source.where, "where": where.where}
        listed = sql.SQL(", ").join(numbers.values())
        row = connection.execute(sql.SQL(COUNT).format(counts=listed, **parts), asked).fetchone()
        found: dict[str, Any] = dict(zip(numbers, row or (), strict=True))
        for name, key in (by or {}).items():
            query = sql.SQL(GROUP).format(key=sql.SQL(key), counted=sql.SQL(total), **parts)
            found[name] = dict(connection.execute(query, asked).fetchall())
        return found

    return summarise
