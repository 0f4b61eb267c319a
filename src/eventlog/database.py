"""Connections to one district's schema, set up the same way everywhere."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[TupleRow]


class UnsafeServer(Exception):
    """数据库服务器的 {setting} 为 {value}，断电会丢失已确认的记录。请改为 {wanted} 后再启动。"""

    def __init__(self, setting: str, value: str, wanted: str) -> None:
        """Name the setting that would lose acknowledged facts."""
        text = (type(self).__doc__ or "").format(setting=setting, value=value, wanted=wanted)
        super().__init__(text)


class Database:
    """Where one district lives: a server and a schema in it."""

    def __init__(self, dsn: str, schema: str, *, pool_size: int = 8) -> None:
        """Keep the address; connections open when first needed."""
        self.dsn = dsn
        self.schema = schema
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            dsn,
            kwargs=self._settings(),
            min_size=0,
            max_size=pool_size,
            max_idle=60.0,
            open=False,
            name=f"bihuan-{schema}",
        )

    def _settings(self) -> dict[str, Any]:
        options = f"-c search_path={self.schema} -c timezone=UTC -c jit=off"
        return {"autocommit": True, "options": options, "application_name": "bihuan"}

    def connect(self) -> Connection:
        """Open a connection of one's own: autocommit, in the district's schema, in UTC."""
        return psycopg.connect(self.dsn, **self._settings())

    @contextmanager
    def connection(self) -> Generator[Connection]:
        """Borrow a pooled connection."""
        self._pool.open()
        with self._pool.connection() as connection:
            yield connection

    def close(self) -> None:
        """Give all pooled connections back to the server."""
        self._pool.close()


def assert_durable(connection: Connection) -> None:
    """Refuse a server that may forget what it acknowledged.

    Raises:
        UnsafeServer: `fsync`, `full_page_writes` or `synchronous_commit` is off.
    """
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        row = connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(setting))).fetchone()
        value = row[0] if row else ""
        if value in {"off", "local"} and (setting, value) != ("synchronous_commit", "local"):
            raise UnsafeServer(setting, str(value), "on")
