"""Counts over a ledger's visible rows: how many satisfy each condition, and how many of each sort.

What a ledger counts stands beside its columns as SQL; this puts it into one query.
"""

from collections.abc import Mapping
from typing import Any, Final, LiteralString

from psycopg import sql

from eventlog.database import Connection
from projections.ledger import Summarise
from projections.query import Condition, Moment

COUNT: Final = "SELECT {counts} FROM ({source}) r WHERE {where}"
# One pass for all groups; `GROUPING` tells by which of them a line is.
GROUPS: Final = """
    SELECT GROUPING({names}), {names}, {counts}
    FROM (SELECT r.*, {keys} FROM ({source}) r WHERE {where}) r
    GROUP BY GROUPING SETS ((), {sets})
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
    groups = by or {}

    def summarise(
        connection: Connection, source: Condition, where: Condition, moment: Moment
    ) -> dict[str, Any]:
        asked = {**source.parameters, **where.parameters, "now": moment.now}
        listed = sql.SQL(", ").join(numbers.values())
        parts = {"source": source.where, "where": where.where, "counts": listed}
        if not groups:
            row = connection.execute(sql.SQL(COUNT).format(**parts), asked).fetchone()
            return dict(zip(numbers, row or (), strict=True))
        rows = connection.execute(_grouped(groups, parts), asked).fetchall()
        return _read(list(numbers), list(groups), rows)

    return summarise


def _grouped(
    groups: Mapping[str, LiteralString], parts: Mapping[str, sql.Composable]
) -> sql.Composed:
    names = [sql.Identifier(f"group {place}") for place in range(len(groups))]
    keys = [
        sql.SQL("coalesce(({})::text, '') AS {}").format(sql.SQL(key), name)
        for key, name in zip(groups.values(), names, strict=True)
    ]
    sets = [sql.SQL("({})").format(name) for name in names]
    comma = sql.SQL(", ")
    return sql.SQL(GROUPS).format(
        names=comma.join(names), keys=comma.join(keys), sets=comma.join(sets), **parts
    )


def _read(numbers: list[str], groups: list[str], rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    """Return the line of all rows, and of each group how many `total` counts, in their order."""
    every = (1 << len(groups)) - 1
    found: dict[str, Any] = {}
    by: dict[str, dict[str, int]] = {name: {} for name in groups}
    for line in rows:
        which, keys, counts = line[0], line[1 : 1 + len(groups)], line[1 + len(groups) :]
        if which == every:
            found = dict(zip(numbers, counts, strict=True))
            continue
        # The bit of the group that a line is by is clear; the first group's is the highest.
        place = len(groups) - (every ^ which).bit_length()
        if counts[0]:
            by[groups[place]][keys[place]] = counts[0]
    return found | {name: dict(sorted(counted.items())) for name, counted in by.items()}
