"""Old rows against new ones: how many, whether they are the same, and putting the new in place.

Rows that differ are exchanged, in the caller's transaction; all of them, where most do. The tables
stay the ones they are, so whatever somebody built on them stays too: views, grants, policies,
comments, indexes, triggers; and no reader ever waits for a lock.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from psycopg import sql

from eventlog.database import Connection

SHOWN: Final = 3
"""So many of the differing rows are named."""
COUNTS: Final = ("counts", "days", "stock")
"""The tables of counters: a cell that came back to zero is as good as none."""

# One digest a table, whatever the order of its rows.
DIGEST: Final = """
    SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text FROM {table} t
    WHERE {counted}
"""
# A row that changed is in both tables, once as it was and once as it is.
DIFFERING: Final = """
    WITH differing AS (
        SELECT owner, sum(side) AS side FROM (
            SELECT {owner} AS owner, hashtextextended(t::text, 0) AS row, 1 AS side FROM {old} t
            WHERE {counted}
            UNION ALL
            SELECT {owner}, hashtextextended(t::text, 0), -1 FROM {new} t WHERE {counted}) u
        GROUP BY owner, row HAVING sum(side) <> 0)
    SELECT greatest(coalesce(sum(side) FILTER (WHERE side > 0), 0),
                    coalesce(-sum(side) FILTER (WHERE side < 0), 0))::bigint,
           ARRAY(SELECT DISTINCT owner::text FROM differing ORDER BY 1 LIMIT %s)
    FROM differing
"""
TAKE_OUT: Final = """
    DELETE FROM {old} o WHERE NOT EXISTS (
        SELECT FROM {new} n WHERE n.{owner} = o.{owner} AND md5(n::text) = md5(o::text))
"""
PUT_IN: Final = """
    INSERT INTO {old} ({columns}) SELECT {columns} FROM {new} n WHERE NOT EXISTS (
        SELECT FROM {old} o WHERE o.{owner} = n.{owner} AND md5(o::text) = md5(n::text))
"""
TAKE_ALL_OUT: Final = "DELETE FROM {old}"
ANALYZE: Final = "ANALYZE {old}"
PUT_ALL_IN: Final = "INSERT INTO {old} ({columns}) SELECT {columns} FROM {new}"
COLUMNS: Final = """
    SELECT attname, atttypid = 'integer'::regtype FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    ORDER BY attnum
"""


class Rows(Struct, frozen=True):
    """How many rows a table had and has, and how many of them differ."""

    before: int
    after: int
    differing: int


class Comparison(Struct, frozen=True, kw_only=True):
    """What a rebuild found, at the position where old and new were compared."""

    position: int
    comparable: bool
    """Whether both were made by the same code and stood at one position: then they are equal."""
    rows: dict[str, Rows]
    """By what the table holds: current, history, state, counts."""
    main: str = "current"
    """Which of them people mean; a stored document has its members in an order of its own."""
    first: list[str]
    """Cases (or what else rows belong to) whose rows differ, at most SHOWN."""

    @property
    def differing(self) -> int:
        """How many rows differ in all tables."""
        return sum(one.differing for one in self.rows.values())

    @property
    def text(self) -> str:
        """Say it in a line."""
        main = self.rows.get(self.main, Rows(0, 0, 0))
        where = f"位点 {self.position} 重建：{main.before} 行 → {main.after} 行"
        if not self.differing:
            return f"{where}，与原台账完全一致"
        named = "、".join(self.first)
        told = f"{where}，{self.differing} 行不同（含历史与中间状态），如 {named}"
        return f"{told}；代码相同，原台账此前有误" if self.comparable else told


def compare(
    connection: Connection,
    live: Mapping[str, str],
    build: Mapping[str, str],
    *,
    position: int,
    comparable: bool,
) -> Comparison:
    """Hold the rows of both against each other; both must stand still meanwhile."""
    rows: dict[str, Rows] = {}
    first: list[str] = []
    for holds, old in live.items():
        before, after = (_digest(connection, holds, name) for name in (old, build[holds]))
        differing = 0
        if before != after:
            differing, owners = _differing(connection, holds, old, build[holds])
            first += owners
        rows[holds] = Rows(before[0], after[0], differing)
    named = list(dict.fromkeys(first))[:SHOWN]
    main = next(iter(live))
    return Comparison(position=position, comparable=comparable, rows=rows, main=main, first=named)


def exchange(
    connection: Connection, live: Mapping[str, str], build: Mapping[str, str], found: Comparison
) -> None:
    """Make the live rows those of the rebuild, in the caller's transaction."""
    for holds, old in live.items():
        if not found.rows[holds].differing:
            continue
        columns = [sql.Identifier(str(name)) for name, _ in _columns(connection, old)]
        names = {
            "old": sql.Identifier(old),
            "new": sql.Identifier(build[holds]),
            "owner": _owner(connection, old),
            "columns": sql.SQL(", ").join(columns),
        }
        rows = found.rows[holds]
        # To look for the few that stay takes longer than to write them again.
        most = rows.differing * 2 > rows.after
        for statement in (TAKE_ALL_OUT, PUT_ALL_IN) if most else (TAKE_OUT, PUT_IN):
            connection.execute(sql.SQL(statement).format(**names))
        if most:
            # What the server knows of the old rows would mislead whoever asks next.
            connection.execute(sql.SQL(ANALYZE).format(**names))


def _digest(connection: Connection, holds: str, table: str) -> tuple[int, str]:
    counted = _counted(connection, holds, table)
    query = sql.SQL(DIGEST).format(table=sql.Identifier(table), counted=counted)
    row = connection.execute(query).fetchone() or (0, "0")
    return int(row[0]), str(row[1])


def _differing(connection: Connection, holds: str, old: str, new: str) -> tuple[int, Sequence[str]]:
    query = sql.SQL(DIFFERING).format(
        old=sql.Identifier(old),
        new=sql.Identifier(new),
        owner=_owner(connection, old),
        counted=_counted(connection, holds, old),
    )
    row = connection.execute(query, (SHOWN,)).fetchone()
    return (int(row[0]), row[1] or []) if row else (0, [])


def _counted(connection: Connection, holds: str, table: str) -> sql.Composable:
    """Return which rows count as such: every one, but of counters those that count something."""
    if holds not in COUNTS:
        return sql.SQL("true")
    measures = [name for name, is_number in _columns(connection, table) if is_number]
    parts = [sql.SQL("t.{} <> 0").format(sql.Identifier(name)) for name in measures]
    return sql.SQL("({})").format(sql.SQL(" OR ").join(parts))


def _owner(connection: Connection, table: str) -> sql.Identifier:
    """Return the column that says whose a row is: the first one."""
    return sql.Identifier(str(_columns(connection, table)[0][0]))


def _columns(connection: Connection, table: str) -> list[tuple[str, bool]]:
    return connection.execute(COLUMNS, (table,)).fetchall()
