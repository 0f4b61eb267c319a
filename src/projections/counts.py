"""Counters per unit, so that no dashboard counts all rows: by day, and of how rows stand now.

A ledger that counts says of a row in which cells it counts; whoever writes the row moves the
cells by what changed, in the same transaction. They tell of now only: as of another moment, and
for whom the cells would not be exact (recusal, second parents), the rows themselves are counted
(see `projections/dashboards.py` and `projections/stock.py`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from domain.privacy import CONFIDENTIAL
from projections.copying import array, text_array, unit_array

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
DISTRICT: Final = ""
"""The unit of cells that count every case, also one that lies nowhere."""
FACETS: Final = ("unit", "day", "kind", "category", "severity", "confidential")
DAY_FACETS: Final = ("unit", "day", "confidential")
"""Of the cells that tell of days alone."""

R = TypeVar("R")

Cell = tuple[tuple[str, ...], str, str, str, str]
"""Units with the marks among them, day of Beijing, kind, category, severity."""
Deltas = dict[Cell, list[int]]
Facets = tuple[str, str | None, str | None, tuple[str, ...]]
"""Kind, category, severity, and the units with the marks among them."""
Standing = tuple[str, ...]
"""How a row stands: a text for each facet of the stock, in their order; empty for none."""
Moves = dict[tuple[tuple[str, ...], Standing], int]
"""By how many rows each cell of the stock grows."""

# The server spreads what a row counts over all of its units: there are some nine to a row. Cells of
# days alone are added up from the others: who compares all units reads hundreds of times fewer.
ADD: Final = """
    WITH w AS (
        SELECT u.unit, w.day, w.kind, w.category, w.severity, w.confidential, {sums}
        FROM unnest(%s::text[], %s::date[], %s::text[], %s::text[], %s::text[], %s::boolean[],
                    {arrays}) AS w (units, day, kind, category, severity, confidential, {measures})
        CROSS JOIN LATERAL (SELECT '' UNION ALL SELECT unnest(w.units::text[])) u (unit)
        WHERE left(u.unit, 1) <> E'\\x1f'
        GROUP BY 1, 2, 3, 4, 5, 6 HAVING {moved}
    ), fine AS (
        INSERT INTO {counts} AS c (unit, day, kind, category, severity, confidential, {measures})
        SELECT * FROM w ORDER BY 1, 2, 3, 4, 5, 6
        ON CONFLICT (unit, day, kind, category, severity, confidential) DO UPDATE SET {added}
    )
    INSERT INTO {days} AS c (unit, day, confidential, {measures})
    SELECT unit, day, confidential, {sums} FROM w GROUP BY 1, 2, 3 HAVING {moved} ORDER BY 1, 2, 3
    ON CONFLICT (unit, day, confidential) DO UPDATE SET {added}
"""
# As ADD, for the cells of how rows stand.
MOVE: Final = """
    INSERT INTO {stock} AS c (unit, confidential, {facets}, number)
    SELECT u.unit, w.confidential, {standing}, sum(w.number)
    FROM unnest(%s::text[], %s::boolean[], {arrays}, %s::integer[])
         AS w (units, confidential, {facets}, number)
    CROSS JOIN LATERAL (SELECT '' UNION ALL SELECT unnest(w.units::text[])) u (unit)
    WHERE left(u.unit, 1) <> E'\\x1f'
    GROUP BY u.unit, w.confidential, {standing} HAVING sum(w.number) <> 0
    ORDER BY u.unit, w.confidential, {standing}
    ON CONFLICT (unit, confidential, {facets}) DO UPDATE SET number = c.number + excluded.number
"""


@dataclass(frozen=True)
class Stock(Generic[R]):
    """What stands (存量): how many rows are in each state now, whatever their day."""

    facets: tuple[str, ...]
    stands: Callable[[R], Standing | None]
    """How a row stands; None: it does not count."""


@dataclass(frozen=True)
class Tally(Generic[R]):
    """What of a row is counted: on which day each of the measures counts it, if at all."""

    measures: tuple[str, ...]
    days: Callable[[R], tuple[datetime | None, ...]]
    """The moment of each measure, in their order."""
    facets: Callable[[R], Facets]
    """Kind, category, severity, and the units with the marks among them."""
    stock: Stock[R]


def deltas(tally: Tally[R], pairs: Iterable[tuple[R | None, R]]) -> Deltas:
    """Return by how much each cell moves when each row takes the place of the one before it."""
    moved: Deltas = {}
    width = len(tally.measures)
    for before, after in pairs:
        facets, days = tally.facets(after), tally.days(after)
        if before is None:
            _count(facets, days, 1, moved, width)
            continue
        old_facets, old_days = tally.facets(before), tally.days(before)
        if days == old_days and facets == old_facets:
            continue
        _count(old_facets, old_days, -1, moved, width)
        _count(facets, days, 1, moved, width)
    return {cell: counts for cell, counts in moved.items() if any(counts)}


def add_columns(moved: Deltas, measures: int) -> list[str]:
    """Return the columns of ADD as array literals."""
    units, days, kinds, categories, severities = zip(*moved, strict=True)
    return [
        text_array(map(unit_array, units)),
        array(days),
        *(text_array(column) for column in (kinds, categories, severities)),
        array(str(CONFIDENTIAL in one) for one in units),
        *(array(str(counts[place]) for counts in moved.values()) for place in range(measures)),
    ]


def moves(tally: Tally[R], pairs: Iterable[tuple[R | None, R]]) -> Moves:
    """Return by how many rows the stock grows when each row takes the place of the one before."""
    moved: Moves = {}
    stands = tally.stock.stands
    for before, after in pairs:
        new, units = stands(after), tally.facets(after)[3]
        if before is not None:
            old, had = stands(before), tally.facets(before)[3]
            if old == new and had == units:
                continue
            if old is not None:
                moved[had, old] = moved.get((had, old), 0) - 1
        if new is not None:
            moved[units, new] = moved.get((units, new), 0) + 1
    return {cell: number for cell, number in moved.items() if number}


def move_columns(moved: Moves) -> list[str]:
    """Return the columns of MOVE as array literals."""
    units: Sequence[tuple[str, ...]] = [cell[0] for cell in moved]
    return [
        text_array(map(unit_array, units)),
        array(str(CONFIDENTIAL in one) for one in units),
        *(text_array(column) for column in zip(*(cell[1] for cell in moved), strict=True)),
        array(map(str, moved.values())),
    ]


def _count(
    facets: Facets, days: Iterable[datetime | None], sign: int, moved: Deltas, width: int
) -> None:
    kind, category, severity, units = facets
    category, severity = category or "", severity or ""
    for place, moment in enumerate(days):
        if moment is not None:
            cell = (units, day_of(moment), kind, category, severity)
            counts = moved.get(cell)
            if counts is None:
                counts = moved[cell] = [0] * width
            counts[place] += sign


@lru_cache(maxsize=8_192)
def day_of(moment: datetime) -> str:
    """Return the day in Beijing."""
    return moment.astimezone(SHANGHAI).date().isoformat()
