"""The tables of registers: made when a version is taken into use, built beside, dropped after.

Every version of a register has tables of its own, so that nothing is exchanged: the new version is
folded from the log while the old one answers, and the fact that activates it is what turns every
process to the new tables. A build that was interrupted goes on where it stopped.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from psycopg import sql

from eventlog.checkpoints import CHANGED
from eventlog.database import Connection, Database
from eventlog.runner import BATCH, Runner
from projections.declared import declared
from projections.ledger import Ledger
from projections.rebuild import RebuildHalted

Progress = Callable[[int, int], None]
"""Hears the position reached and the head of the log."""

# Whoever comes second waits here until the first has made the tables.
CLAIM: Final = """
    INSERT INTO checkpoint (name, fingerprint, state) VALUES (%s, %s, %s)
    ON CONFLICT (name) DO NOTHING
"""
STANDING: Final = "SELECT fingerprint, state, detail FROM checkpoint WHERE name = %s FOR UPDATE"
GO_ON: Final = "UPDATE checkpoint SET state = %s, detail = '' WHERE name = %s"
REACHED: Final = """
    SELECT c.position, l.position, c.state, c.detail FROM checkpoint c, ledger l WHERE c.name = %s
"""
GIVE_UP: Final = "DELETE FROM checkpoint WHERE name = %s"
# Of a register: its other versions, whatever becomes of them.
VERSIONS: Final = r"""
    SELECT name FROM checkpoint WHERE name ~ ('^' || %s || '[0-9a-f]{8}@') AND name <> %s
"""
# Nobody has carried them for long: no other process can be about to take them into use.
LEFT: Final = r"""
    SELECT name FROM checkpoint
    WHERE name ~ '^register_.*_[0-9a-f]{8}@' AND name <> ALL(%s) AND state <> 'building'
      AND updated_at < now() - interval '1 hour'
"""
EXISTS: Final = "SELECT to_regclass(%s) IS NOT NULL"


def ensure(connection: Connection, ledger: Ledger[Any, Any], *, state: str = "live") -> None:
    """Make a register's tables if they are not there; the runner then fills them.

    Rows that another edition of this program made under the same name are thrown away.
    """
    tables = ledger.tables
    with connection.transaction():
        claimed = connection.execute(CLAIM, (tables.name, tables.fingerprint, state)).rowcount == 1
        row = connection.execute(STANDING, (tables.name,)).fetchone()
        if row is None:  # dropped between the two statements: its register was retired just now
            return
        fingerprint, stands, detail = row
        here = connection.execute(EXISTS, (tables.names["current"],)).fetchone() == (True,)
        if here and not claimed and fingerprint == tables.fingerprint and detail != CHANGED:
            if stands == "building" and state == "live":  # its activation was not quite finished
                connection.execute(GO_ON, (state, tables.name))
            return
        _drop_tables(connection, ledger.shape.name)
        connection.execute(GIVE_UP, (tables.name,))
        connection.execute(CLAIM, (tables.name, tables.fingerprint, state))
        connection.execute(declared(ledger).encode())
        for index, column in enumerate(ledger.sorts):
            if column in ledger.shape.columns:
                _add_index(connection, ledger.shape.name, index, column)


def build(
    database: Database,
    ledger: Ledger[Any, Any],
    *,
    progress: Progress | None = None,
    batch: int = BATCH,
) -> None:
    """Fold a register from the log up to its end, beside whatever answers now.

    It counts as being built until `go_live`.

    Raises:
        RebuildHalted: a fact cannot be taken in.
    """
    name = ledger.tables.name
    with database.connect() as connection:
        ensure(connection, ledger, state="building")
        connection.execute(GO_ON, ("building", name))
        runner = Runner(database, [ledger.tables], batch=batch)
        try:
            while True:
                moved = runner.run_once()
                row = connection.execute(REACHED, (name,)).fetchone()
                if row is None:
                    raise LookupError(name)
                position, head, state, detail = row
                if progress:
                    progress(position, head)
                if state == "halted":
                    raise RebuildHalted(ledger.name, detail)
                if position >= head or not moved:
                    break
        finally:
            runner.close()


def go_live(connection: Connection, ledger: Ledger[Any, Any]) -> None:
    """Let a register that was built count as one that is in use, and drop its other versions."""
    connection.execute(GO_ON, ("live", ledger.tables.name))
    base = ledger.shape.name.rpartition("_")[0]
    for (name,) in connection.execute(VERSIONS, (f"{base}_", ledger.tables.name)).fetchall():
        _drop(connection, name)


def drop(connection: Connection, ledger: Ledger[Any, Any]) -> None:
    """Drop the tables of a register that is not kept any more."""
    _drop(connection, ledger.tables.name)


def sweep(connection: Connection, active: Iterable[Ledger[Any, Any]]) -> list[str]:
    """Drop what an interrupted change left of versions that are not in use; return which.

    What is being built stays, so that it can go on.
    """
    names = [ledger.tables.name for ledger in active]
    left = [str(name) for (name,) in connection.execute(LEFT, (names,)).fetchall()]
    for name in left:
        _drop(connection, name)
    return left


def _drop(connection: Connection, name: str) -> None:
    """Take a version away in one step: the checkpoint first, which waits for a range under way."""
    with connection.transaction():
        connection.execute(GIVE_UP, (name,))
        _drop_tables(connection, name.partition("@")[0])


def _drop_tables(connection: Connection, table: str) -> None:
    for ending in ("", "_history", "_state"):
        # A view for BI tools may stand on it; it is made anew with the next look.
        drop_one = sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(table + ending))
        connection.execute(drop_one)


def _add_index(connection: Connection, table: str, index: int, column: str) -> None:
    create = sql.SQL("CREATE INDEX {} ON {} ({}, case_id, row_key)")
    name = sql.Identifier(f"{table}_sort{index}")
    connection.execute(create.format(name, sql.Identifier(table), sql.Identifier(column)))
