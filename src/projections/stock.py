"""What stands (存量), read from counters: cells that count just what a caller may see, or none.

For a caller for whom cases are closed, or opened, one by one (recusal, confided cases, second
parents, units that were moved) no cell is exact: then the rows themselves are to be counted.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from psycopg import sql

from eventlog.database import Connection
from projections.counts import DISTRICT, Tally
from projections.query import SORT, Condition, Filter
from projections.scope import Scope, Sight

# A caller for whom cases are closed, or opened, one by one has counts of their own.
MARKED: Final = "SELECT EXISTS (SELECT FROM {current} WHERE visible_to && %s::text[])"
# Units that were moved: some of their cases belong to whoever had them before.
STRAYED: Final = """
    SELECT EXISTS (SELECT FROM {current}
                   WHERE visible_to && %s::text[] AND NOT visible_to @> ARRAY[%s::text])
"""
CELLS: Final = """
    SELECT {facets}, number FROM {stock}
    WHERE unit = %(stock_unit)s AND (NOT confidential OR %(stock_overseer)s)
      AND number <> 0 AND {wanted}
"""
OPEN: Final = "open"
"""The facet that says `true` of what has not ended."""


def is_exact(connection: Connection, current: str, sight: Sight, units: Sequence[str]) -> bool:
    """Say whether the counters of units count just what a caller may see of `current`."""
    scope = scope_in(sight)
    if scope.shared:
        return False
    marks = [*scope.recused, *scope.confided]
    if marks and _exists(connection, MARKED, current, (marks,)):
        return False
    others = [unit for unit in units if unit != scope.unit]
    if scope.unit is None or not others:
        return True
    return not _exists(connection, STRAYED, current, (others, scope.unit))


def scope_in(sight: Sight) -> Scope:
    """Return the scope of whoever looks; None is the operator, who sees everything."""
    if isinstance(sight, Scope):
        return sight
    return Scope(overseer=True) if sight is None else Scope(sight)


def cells(
    connection: Connection,
    names: Mapping[str, str],
    tally: Tally[Any],
    sight: Sight,
    unit: str | None = None,
    wanted: sql.Composable | None = None,
) -> Condition | None:
    """Return the cells of what a caller sees, or of what lies in a unit, if they are exact."""
    scope = scope_in(sight)
    asked = unit if unit is not None else scope.unit or DISTRICT
    if not is_exact(connection, names["current"], scope, [asked]):
        return None
    query = sql.SQL(CELLS).format(
        facets=sql.SQL(", ").join(map(sql.Identifier, tally.stock.facets)),
        stock=sql.Identifier(names["stock"]),
        wanted=wanted or sql.SQL("true"),
    )
    return Condition(query, {"stock_unit": asked, "stock_overseer": scope.overseer})


def cells_like(
    connection: Connection,
    names: Mapping[str, str],
    tally: Tally[Any],
    known: Mapping[str, Filter],
    given: Mapping[str, str],
    sight: Sight,
) -> Condition | None:
    """Return the cells that satisfy filters of a ledger; None if the stock cannot tell."""
    unit: str | None = None
    parts: list[sql.Composable] = [sql.SQL("true")]
    parameters: dict[str, object] = {}
    for name, value in given.items():
        how = known[name].how if name != SORT else SORT
        values = value.split(",")
        if how == "within" and value != DISTRICT:
            unit = value
        elif how == OPEN and OPEN in tally.stock.facets:
            parts.append(sql.SQL("open = {}").format(sql.Literal(value)))
        elif how == "in" and known[name].column in tally.stock.facets and "" not in values:
            column, at = sql.Identifier(known[name].column), f"stock_{name}"
            parts.append(sql.SQL("{} = ANY({})").format(column, sql.Placeholder(at)))
            parameters[at] = values
        elif how != SORT:
            return None
    found = cells(connection, names, tally, sight, unit, sql.SQL(" AND ").join(parts))
    return found and Condition(found.where, {**found.parameters, **parameters})


def _exists(
    connection: Connection, query: str, current: str, parameters: tuple[object, ...]
) -> bool:
    statement = query.replace("{current}", f'"{current}"')
    row = connection.execute(statement.encode(), parameters).fetchone()
    return bool(row and row[0])
