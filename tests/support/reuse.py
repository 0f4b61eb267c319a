"""Empty districts for tests, used again where the test left the schema's shape alone.

A migrated schema costs a tenth of a second and more; emptying one costs some milliseconds.
"""

from itertools import count

import psycopg

from app.migrate import create_district
from eventlog.database import Connection

# Rises with every change of a table, function, trigger or constraint, not with rows.
SHAPE = """
    SELECT count(*), max(changed) FROM (
        SELECT xmin::text::bigint AS changed FROM pg_class WHERE relnamespace = %(ns)s::regnamespace
        UNION ALL
        SELECT xmin::text::bigint FROM pg_proc WHERE pronamespace = %(ns)s::regnamespace
        UNION ALL
        SELECT xmin::text::bigint FROM pg_constraint WHERE connamespace = %(ns)s::regnamespace
        UNION ALL
        SELECT a.xmin::text::bigint FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = %(ns)s::regnamespace
        UNION ALL
        SELECT t.xmin::text::bigint FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = %(ns)s::regnamespace
    ) shapes
"""
# A table whose rows were all deleted keeps its size for a while; one without size has none.
FILLED = """
    SELECT relname FROM pg_class
    WHERE relnamespace = %s::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
"""


class Districts:
    """The districts of one database: `take` an empty one, `give` it back after the test."""

    def __init__(self, dsn: str) -> None:
        """Make the pristine district, which nobody gets and all others are reset to."""
        self._dsn = dsn
        self._numbers = count(610000)
        self._shapes: dict[str, tuple[object, ...] | None] = {}
        self._free: list[str] = []
        self._pristine = self.create()
        with self._connect() as connection:
            self._kept = _filled(connection, self._pristine)

    def take(self) -> str:
        """Return the schema of an empty district."""
        return self._free.pop() if self._free else self.create()

    def create(self) -> str:
        """Return the schema of a district that no test has had yet."""
        schema = create_district(self._dsn, str(next(self._numbers)))
        with self._connect() as connection:
            self._shapes[schema] = _shape(connection, schema)
        return schema

    def give(self, schema: str) -> None:
        """Empty the district, or drop it where its shape changed or somebody still holds rows."""
        with self._connect() as connection:
            try:
                if _shape(connection, schema) == self._shapes[schema]:
                    connection.execute(self._reset(connection, schema).encode())
                    self._free.append(schema)
                    return
            except (psycopg.errors.LockNotAvailable, psycopg.errors.InvalidSchemaName):
                pass
        self.drop(schema)

    def drop(self, schema: str) -> None:
        """Remove the district."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            connection.execute("DELETE FROM public.district WHERE schema = %s", (schema,))

    def _connect(self) -> Connection:
        options = "-c lock_timeout=500ms -c synchronous_commit=off"
        return psycopg.connect(self._dsn, autocommit=True, options=options)

    def _reset(self, connection: Connection, schema: str) -> str:
        # As a replica: the trigger that protects the facts does not fire.
        statements = ["BEGIN", "SET LOCAL session_replication_role = replica"]
        for table in sorted(_filled(connection, schema) | self._kept):
            statements.append(f"DELETE FROM {schema}.{table}")
            if table in self._kept:
                statements.append(
                    f"INSERT INTO {schema}.{table} SELECT * FROM {self._pristine}.{table}"
                )
        return ";".join([*statements, "COMMIT"])


def _filled(connection: Connection, schema: str) -> set[str]:
    return {str(name) for (name,) in connection.execute(FILLED, (schema,)).fetchall()}


def _shape(connection: Connection, schema: str) -> tuple[object, ...] | None:
    return connection.execute(SHAPE, {"ns": schema}).fetchone()
