"""A layer of places (地图): how many cases lie in each cell of a grid, as fine as the role may see.

Cells, not points: a map of single homes would tell who reported what. How fine they are is decided
by whoever asks; here it is only a step in degrees.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString

from msgspec import Struct
from psycopg import sql

from eventlog.database import Connection
from projections.ledgers.cases import CASES
from projections.places import CHECKPOINT
from projections.query import find_moment, snapshot, source
from projections.scope import Scope, within

MOST: Final = 5000
"""Cells at most, those with most cases first."""
UNITS: Final = 10_000_000
"""The table's places are integers of so many to a degree."""

# Of whole numbers this small, floats divide exactly enough for `floor`, at a third of the time.
CELLS: Final = """
    SELECT floor(p.longitude / %(step)s::float8)::int, floor(p.latitude / %(step)s::float8)::int,
           count(*), count(*) FILTER (WHERE r.ended_at IS NULL),
           count(*) FILTER (WHERE r.severity = 'major')
    FROM place p JOIN ({rows}) r ON r.case_id = p.case_id
    WHERE {where} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %(most)s
"""
FILTERS: Final[dict[str, LiteralString]] = {
    "kind": "r.kind = ANY(%(kind)s)",
    "category": "r.category = ANY(%(category)s)",
    "since": "r.reported_at >= %(since)s",
    "until": "r.reported_at < %(until)s",
    "open": "(r.ended_at IS NULL) = %(open)s",
    "unit": "r.visible_to @> ARRAY[%(unit)s::text]",
}


class CellOfMap(Struct, frozen=True):
    """A cell: the middle of it in WGS-84, in degrees times 10⁷, and the cases that lie in it."""

    longitude: int
    latitude: int
    cases: int
    open: int
    major: int


class Layer(Struct, frozen=True):
    """The cells, and as of which position."""

    cells: Sequence[CellOfMap]
    step: int
    position: int


def layer(
    connection: Connection,
    scope: Scope,
    wanted: Mapping[str, object],
    *,
    step: int,
    now: datetime,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> Layer:
    """Count the cases in cells of `step` (degrees times 10⁷); `wanted` as FILTERS names them."""
    with snapshot(connection):
        names = [CASES.tables.name, CHECKPOINT]
        moment = find_moment(connection, names, now=now, as_of=as_of, known_at=known_at)
        rows = source(CASES.tables.names, CASES.shape.columns, moment)
        current = None if moment.current else CASES.tables.names["current"]
        visible, seen = within(scope, current)
        parts = [sql.SQL("true"), *visible, *(sql.SQL(FILTERS[name]) for name in wanted)]
        query = sql.SQL(CELLS).format(rows=rows.where, where=sql.SQL(" AND ").join(parts))
        parameters = {**rows.parameters, **seen, **wanted, "step": step, "most": MOST}
        found = connection.execute(query, parameters).fetchall()
    cells = [CellOfMap(_middle(x, step), _middle(y, step), *counts) for x, y, *counts in found]
    return Layer(cells, step, moment.position)


def _middle(cell: int, step: int) -> int:
    return cell * step + step // 2
