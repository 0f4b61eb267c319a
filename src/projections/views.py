"""Views for BI tools (DataEase, FineBI, Superset…): one a ledger, in a schema of their own.

Whoever reads them is a database user of their own, with no right to anything else. Which rows they
see is decided by row-level security on the ledgers' tables: nothing, unless the table `reader`
names the user; then the rows of its unit, narrowed to the unit in the setting `bihuan.unit`, which
stands for nobody while it is empty. A reader may narrow with `SET bihuan.unit`, never widen.
Confidential cases and those from which the unit stays out (回避) are never shown, nor any person.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Final

from psycopg import sql

from domain.privacy import CONFIDENTIAL, recused_mark
from eventlog.database import Connection
from projections.ledger import Ledger
from projections.query import Column

VIEWERS: Final = "bihuan_views"
"""Owns the views; row-level security holds for it, as it owns no table."""
READERS: Final = "bihuan_reader"
"""What every reader is a member of: it may use the views."""
APP: Final = "bihuan_app"
SETTING: Final = "bihuan.unit"
EVERYWHERE: Final = "*"
HIDDEN_KINDS: Final = frozenset({"reference", "person"})
"""Kinds of columns that no view has: places of sealed texts, and who somebody is."""

ROLE: Final = """
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {text}) THEN
            CREATE ROLE {role} NOLOGIN;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END $$
"""
# The owner of views must be one that may be acted as; a superuser always may.
MEMBER: Final = "GRANT {viewers} TO CURRENT_USER"
# Where a table knows who may see its rows. The district's own unit is above all others.
SCOPE: Final = """
    EXISTS (SELECT FROM {reader} b
            WHERE b.role = session_user
              AND (b.unit IS NULL OR visible_to @> ARRAY[b.unit])
              AND NOT visible_to && b.kept_out)
    AND (current_setting('bihuan.unit', true) = '*'
         OR visible_to @> ARRAY[nullif(current_setting('bihuan.unit', true), '')])
    AND NOT visible_to @> ARRAY[{confidential}]
"""
OPEN_TO_ALL: Final = "EXISTS (SELECT FROM {reader} b WHERE b.role = session_user)"
OF_CASE: Final = "EXISTS (SELECT FROM {cases} c WHERE c.case_id = {table}.case_id)"
POLICY: Final = """
    DROP POLICY IF EXISTS bihuan_views_scope ON {table};
    CREATE POLICY bihuan_views_scope ON {table} FOR SELECT TO {viewers} USING ({scope});
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    GRANT SELECT ON {table} TO {viewers}
"""
APP_POLICY: Final = """
    DROP POLICY IF EXISTS bihuan_app_all ON {table};
    CREATE POLICY bihuan_app_all ON {table} TO {app} USING (true) WITH CHECK (true)
"""
VIEW: Final = """
    DROP VIEW IF EXISTS {view};
    CREATE VIEW {view} WITH (security_barrier = true) AS SELECT {columns} FROM {tables};
    ALTER VIEW {view} OWNER TO {viewers};
    GRANT SELECT ON {view} TO {readers}
"""
DROPPED: Final = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind = 'v' AND c.relname <> ALL(%s)
"""
TOLD: Final = """
    SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s
"""


def view_schema(schema: str) -> str:
    """Return the schema in which a district's views stand."""
    return f"{schema}_bi"


def bring_views(connection: Connection, schema: str, ledgers: Iterable[Ledger[Any, Any]]) -> bool:
    """Make the views of these ledgers, and take away others; say whether anything had to be done.

    In one transaction, so that a reader sees the old views or the new ones.

    Raises:
        psycopg.errors.InsufficientPrivilege: our own user may not make roles or schemas; nothing
            is changed. An administrator may run it once.
    """
    chosen = list(ledgers)
    stamp = _stamp(chosen)
    views = view_schema(schema)
    row = connection.execute(TOLD, (views,)).fetchone()
    if row is not None and row[0] == stamp:
        return False
    with connection.transaction():
        _make_roles(connection, schema, views)
        names = [one.name.replace("-", "_") for one in chosen]
        for name, ledger in zip(names, chosen, strict=True):
            _shield(connection, schema, ledger)
            _make_view(connection, schema, views, name, ledger)
        for (name,) in connection.execute(DROPPED, (views, names)).fetchall():
            connection.execute(sql.SQL("DROP VIEW {}").format(sql.Identifier(views, name)))
        told = sql.SQL("COMMENT ON SCHEMA {} IS {}")
        connection.execute(told.format(sql.Identifier(views), sql.Literal(stamp)))
    return True


def shown_columns(ledger: Ledger[Any, Any]) -> Sequence[Column]:
    """Return the columns that a view has, after the case's id."""
    return [column for column in ledger.columns if column.kind not in HIDDEN_KINDS]


def kept_out(path: Iterable[str]) -> list[str]:
    """Return the marks of cases from which a unit stays out: its own, and those above it."""
    return [recused_mark(unit) for unit in path]


def _stamp(ledgers: Iterable[Ledger[Any, Any]]) -> str:
    parts = [__doc__ or "", SCOPE, VIEW]
    for ledger in ledgers:
        columns = [(column.name, column.label) for column in shown_columns(ledger)]
        parts.append(repr((ledger.name, ledger.title, ledger.tables.names["current"], columns)))
    return f"闭环视图 {sha256(repr(parts).encode()).hexdigest()[:16]}"


def _make_roles(connection: Connection, schema: str, views: str) -> None:
    for role in (VIEWERS, READERS):
        made = sql.SQL(ROLE).format(text=sql.Literal(role), role=sql.Identifier(role))
        connection.execute(made)
    names = {
        "views": sql.Identifier(views),
        "own": sql.Identifier(schema),
        "reader": sql.Identifier(schema, "reader"),
        "viewers": sql.Identifier(VIEWERS),
        "readers": sql.Identifier(READERS),
    }
    connection.execute(sql.SQL(MEMBER).format(**names))
    for statement in (
        "CREATE SCHEMA IF NOT EXISTS {views}",
        "GRANT USAGE, CREATE ON SCHEMA {views} TO {viewers}",
        "GRANT USAGE ON SCHEMA {views} TO {readers}",
        "GRANT USAGE ON SCHEMA {own} TO {viewers}",
        "GRANT SELECT ON {reader} TO {viewers}",
    ):
        connection.execute(sql.SQL(statement).format(**names))


def _shield(connection: Connection, schema: str, ledger: Ledger[Any, Any]) -> None:
    """Let nobody but the owner and our own program read a ledger's rows without a scope."""
    table = sql.Identifier(schema, ledger.tables.names["current"])
    names = {"table": table, "viewers": sql.Identifier(VIEWERS), "app": sql.Identifier(APP)}
    reader = sql.Identifier(schema, "reader")
    if ledger.open_to_all:
        scope = sql.SQL(OPEN_TO_ALL).format(reader=reader)
    elif ledger.cases is None:
        scope = sql.SQL(SCOPE).format(reader=reader, confidential=sql.Literal(CONFIDENTIAL))
    else:
        cases = sql.Identifier(schema, ledger.cases.tables.names["current"])
        scope = sql.SQL(OF_CASE).format(cases=cases, table=table)
    connection.execute(sql.SQL(POLICY).format(scope=scope, **names))
    if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (APP,)).fetchone() is not None:
        connection.execute(sql.SQL(APP_POLICY).format(**names))


def _make_view(
    connection: Connection, schema: str, views: str, name: str, ledger: Ledger[Any, Any]
) -> None:
    own = sql.Identifier(schema, ledger.tables.names["current"])
    tables = sql.SQL("{} r").format(own)
    if ledger.cases is not None:
        cases = sql.Identifier(schema, ledger.cases.tables.names["current"])
        tables = sql.SQL("{} JOIN {} c ON c.case_id = r.case_id").format(tables, cases)
    columns: list[sql.Composable] = [sql.SQL("r.case_id AS id")]
    for column in shown_columns(ledger):
        table = "c" if column.name in ledger.of_case else "r"
        columns.append(sql.Identifier(table, column.name))
    view = sql.Identifier(views, name)
    statement = sql.SQL(VIEW).format(
        view=view,
        columns=sql.SQL(", ").join(columns),
        tables=tables,
        viewers=sql.Identifier(VIEWERS),
        readers=sql.Identifier(READERS),
    )
    connection.execute(statement)
    told = sql.SQL("COMMENT ON VIEW {} IS {}").format(view, sql.Literal(ledger.title))
    connection.execute(told)
    comment = sql.SQL("COMMENT ON COLUMN {}.{} IS {}")
    for column in (Column("id", "事项标识"), *shown_columns(ledger)):
        label = sql.Literal(column.label)
        connection.execute(comment.format(view, sql.Identifier(column.name), label))
