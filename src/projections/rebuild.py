"""Rebuilding a ledger beside the live one, and putting it in its place in one transaction.

The live tables answer all the while. A rebuild that is interrupted goes on where it stopped; one
whose code has changed starts again. Memory is bounded by the runner's batch.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from psycopg import sql

from eventlog.database import Connection, Database
from eventlog.reader import read_requests
from eventlog.runner import BATCH, Follower, Runner
from projections.ledger import Ledger
from projections.tables import BUILD, Tables

Progress = Callable[[int, int], None]
"""Hears the position reached and the head of the log."""


class RebuildHalted(Exception):
    """台账“{ledger}”重建中断：{detail}。原台账未受影响。请排除原因后再次重建，将从中断处继续。"""

    def __init__(self, ledger: str, detail: str) -> None:
        """Name the fact that could not be taken in."""
        text = (type(self).__doc__ or "").format(ledger=ledger, detail=detail)
        super().__init__(text)


BEGUN: Final = "SELECT fingerprint FROM checkpoint WHERE name = %s"
DISCARD: Final = "DELETE FROM checkpoint WHERE name = %s"
BEGIN: Final = "INSERT INTO checkpoint (name, fingerprint, state) VALUES (%s, %s, 'building')"
GO_ON: Final = "UPDATE checkpoint SET state = 'building', detail = '' WHERE name = %s"
# The live ledger must have a checkpoint before it can be locked.
REGISTER: Final = """
    INSERT INTO checkpoint (name, fingerprint) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING
"""
HOLD: Final = """
    SELECT name, position FROM checkpoint WHERE name = ANY(%s) ORDER BY name FOR UPDATE
"""
PUT_LIVE: Final = """
    UPDATE checkpoint SET position = %s, fingerprint = %s, state = 'live', detail = '',
                          updated_at = now()
    WHERE name = %s
"""
STAND: Final = """
    SELECT c.position, l.position, c.state, c.detail FROM checkpoint c, ledger l WHERE c.name = %s
"""
RESUME: Final = """
    UPDATE checkpoint SET state = 'live', detail = '', updated_at = now()
    WHERE name = %s AND fingerprint = %s AND state = 'halted'
"""
# Primary keys come with the table, other indexes when it is full.
INDEXES: Final = """
    SELECT i.relname, pg_get_indexdef(i.oid), pg_get_constraintdef(k.oid)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.contype = 'p'
    WHERE x.indrelid = %s::regclass ORDER BY i.relname
"""
OPTIONS: Final = "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = %s::regclass"
GRANTS: Final = """
    SELECT a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
    FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = %s::regclass AND a.grantee <> c.relowner
"""
COPY_TABLE: Final = """
    CREATE TABLE {build} (LIKE {live} INCLUDING DEFAULTS INCLUDING COMMENTS INCLUDING STORAGE)
"""


class Rebuilt(Follower, Protocol):
    """A follower whose tables can be made anew beside the live ones."""

    @property
    def names(self) -> Mapping[str, str]:
        """Its tables by what they hold."""
        ...


def rebuild(
    database: Database,
    ledger: Ledger[Any, Any],
    *,
    progress: Progress | None = None,
    batch: int = 4 * BATCH,
) -> None:
    """Fold a ledger anew from the first fact, then put it in place of the live one.

    Also what a halted ledger needs once its cause is mended, and one whose code has changed.

    Raises:
        RebuildHalted: a fact cannot be taken in; the live ledger is as it was.
    """
    build = Tables(ledger.shape, suffix=BUILD)
    rebuild_beside(database, ledger.tables, build, progress=progress, batch=batch)


def rebuild_beside(
    database: Database,
    live: Rebuilt,
    build: Rebuilt,
    *,
    progress: Progress | None = None,
    batch: int = 4 * BATCH,
) -> None:
    """Fold into the tables of `build`, whose names end with BUILD; see `rebuild`."""
    with database.connect() as connection:
        with connection.transaction():
            prepare(connection, live, build)
        _catch_up(database, connection, build, progress, batch)
        _add_indexes(connection, live, build)
        with connection.transaction():
            _flip(connection, live, build, batch)


def resume(connection: Connection, ledger: Ledger[Any, Any]) -> bool:
    """Let a halted ledger try again, if it is still of this code; say whether it was halted."""
    tables = ledger.tables
    return connection.execute(RESUME, (tables.name, tables.fingerprint)).rowcount == 1


def prepare(connection: Connection, live: Rebuilt, build: Rebuilt) -> None:
    """Begin a rebuild, or take up the one that was interrupted."""
    connection.execute(REGISTER, (live.name, live.fingerprint))
    begun = connection.execute(BEGUN, (build.name,)).fetchone()
    if begun is not None and begun[0] == build.fingerprint:
        connection.execute(GO_ON, (build.name,))
        return
    connection.execute(DISCARD, (build.name,))
    for holds, name in build.names.items():
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))
        _create_beside(connection, live.names[holds], name)
    connection.execute(BEGIN, (build.name, build.fingerprint))


def _create_beside(connection: Connection, live: str, build: str) -> None:
    names = {"live": sql.Identifier(live), "build": sql.Identifier(build)}
    connection.execute(sql.SQL(COPY_TABLE).format(**names))
    row = connection.execute(OPTIONS, (live,)).fetchone()
    if row and row[0]:
        connection.execute(f"ALTER TABLE {build} SET ({row[0]})".encode())
    for index, _, primary in connection.execute(INDEXES, (live,)).fetchall():
        if primary:
            key = f"ALTER TABLE {build} ADD CONSTRAINT {index}{BUILD} {primary}"
            connection.execute(key.encode())
    for privilege, grantee in connection.execute(GRANTS, (live,)).fetchall():
        connection.execute(f"GRANT {privilege} ON {build} TO {grantee}".encode())


def _catch_up(
    database: Database,
    connection: Connection,
    build: Rebuilt,
    progress: Progress | None,
    batch: int,
) -> None:
    runner = Runner(database, [build], batch=batch)
    try:
        while True:
            moved = runner.run_once()
            row = connection.execute(STAND, (build.name,)).fetchone()
            if row is None:
                raise LookupError(build.name)
            position, head, state, detail = row
            if progress:
                progress(position, head)
            if state == "halted":
                raise RebuildHalted(build.name.partition("@")[0], detail)
            if position >= head or not moved:
                return
    finally:
        runner.close()


def _add_indexes(connection: Connection, live: Rebuilt, build: Rebuilt) -> None:
    for holds, name in build.names.items():
        for index, definition, primary in _indexes(connection, live.names[holds]):
            if not primary:
                head, _, rest = definition.partition(" USING ")
                unique = "UNIQUE INDEX" if "UNIQUE INDEX" in head else "INDEX"
                create = f"CREATE {unique} IF NOT EXISTS {index}{BUILD} ON {name} USING {rest}"
                connection.execute(create.encode())
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))


def _flip(connection: Connection, live: Rebuilt, build: Rebuilt, batch: int) -> None:
    """Hold both followers still, take in what came meanwhile, exchange the tables."""
    held = connection.execute(HOLD, ([live.name, build.name],)).fetchall()
    position = next(int(at) for name, at in held if name == build.name)
    while records := read_requests(connection, position, batch):
        build.apply(connection, records)
        position = records[-1].position
    for holds, name in live.names.items():
        indexes = [index for index, _, _ in _indexes(connection, name)]
        built = build.names[holds]
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
        rename = sql.SQL("ALTER TABLE {} RENAME TO {}")
        connection.execute(rename.format(sql.Identifier(built), sql.Identifier(name)))
        for index in indexes:
            rename = sql.SQL("ALTER INDEX {} RENAME TO {}")
            built = index + BUILD
            connection.execute(rename.format(sql.Identifier(built), sql.Identifier(index)))
    connection.execute(PUT_LIVE, (position, live.fingerprint, live.name))
    connection.execute(DISCARD, (build.name,))


def _indexes(connection: Connection, table: str) -> list[tuple[str, str, str | None]]:
    return connection.execute(INDEXES, (table,)).fetchall()
