"""Who reads the views for BI tools (报表用户): database users, each confined to a unit."""

from collections.abc import Iterable
from typing import Final

import psycopg
from psycopg import sql

from eventlog.database import Connection
from projections.views import EVERYWHERE, READERS, SETTING, kept_out, view_schema

ADD: Final = """
    INSERT INTO reader (role, unit, kept_out) VALUES (%s, %s, %s)
    ON CONFLICT (role) DO UPDATE SET unit = excluded.unit, kept_out = excluded.kept_out
"""
LOGIN: Final = """
    CREATE ROLE {role} LOGIN PASSWORD {password} NOSUPERUSER NOCREATEDB NOCREATEROLE
        CONNECTION LIMIT 10 IN ROLE {readers}
"""


class ReaderExists(Exception):
    """已有数据库用户“{role}”。请换一个名称，或先用 bihuan reader remove 停用。"""

    def __init__(self, role: str) -> None:
        """Name it."""
        super().__init__((type(self).__doc__ or "").format(role=role))


def add_reader(
    connection: Connection,
    schema: str,
    role: str,
    password: str,
    unit: str | None,
    path: Iterable[str],
) -> None:
    """Make a database user who reads the views within a unit; None is the whole district.

    Raises:
        ReaderExists: there is a user of this name.
        psycopg.errors.InsufficientPrivilege: our own user may not make roles.
    """
    names = {"role": sql.Identifier(role), "readers": sql.Identifier(READERS)}
    settings = {
        SETTING: unit or EVERYWHERE,
        "search_path": view_schema(schema),
        "default_transaction_read_only": "on",
        "statement_timeout": "60s",
    }
    with connection.transaction():
        try:
            login = sql.SQL(LOGIN).format(password=sql.Literal(password), **names)
            connection.execute(login)
        except psycopg.errors.DuplicateObject:
            raise ReaderExists(role) from None
        for name, value in settings.items():
            setting = sql.SQL("ALTER ROLE {} SET {} = {}")
            called = sql.SQL(".").join(map(sql.Identifier, name.split(".")))
            connection.execute(setting.format(names["role"], called, sql.Literal(value)))
        connection.execute(ADD, (role, unit, kept_out(path)))


def remove_reader(connection: Connection, role: str) -> bool:
    """Take a reader's rights and user away; say whether there was one."""
    with connection.transaction():
        gone = connection.execute("DELETE FROM reader WHERE role = %s", (role,)).rowcount == 1
        if gone:
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
    return gone


def readers(connection: Connection) -> list[tuple[str, str | None]]:
    """Return who may read, and the unit each is confined to."""
    return connection.execute("SELECT role, unit FROM reader ORDER BY role").fetchall()
