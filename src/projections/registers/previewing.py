"""What a register would list, before anybody publishes it: folded from the log, and thrown away.

The tables are made inside a transaction that is undone at the end, so the answer comes from the
same page and summary as later, scope included. The latest cases suffice for a look.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from msgspec import Struct

from domain import facts as f
from eventlog.database import Connection, Database
from eventlog.reader import read_tails
from projections.declared import declared
from projections.ledger import Item, Ledger
from projections.registers.language import Register
from projections.scope import Sight

MOST_CASES: Final = 2000
"""So many of the latest cases are looked at, unless the caller says otherwise."""
AT_ONCE: Final = 200
CASES: Final = """
    SELECT case_id::text FROM cases
    WHERE %(kinds)s::text[] IS NULL OR kind = ANY(%(kinds)s::text[])
    ORDER BY reported_at DESC, case_id DESC LIMIT %(limit)s
"""
# Those of reference data are few, and have an index of their own.
OTHERS: Final = """
    SELECT DISTINCT stream_id::text FROM event WHERE stream_type <> 'case' AND stream_type = %s
"""
STANDS: Final = """
    INSERT INTO checkpoint (name, position) SELECT %s, position FROM ledger
"""
PID: Final = "SELECT pg_backend_pid()"


class Preview(Struct, frozen=True):
    """The first rows and the counts, and of how many cases they were made."""

    items: list[Item]
    summary: dict[str, Any]
    cases: int
    whole: bool
    """Whether these are all that there are."""


def preview(
    database: Database,
    register: Register,
    *,
    scope: Sight,
    now: datetime,
    filters: Mapping[str, str] | None = None,
    rows: int = 20,
    cases: int = MOST_CASES,
) -> Preview:
    """Return what a register lists of the latest cases; nothing is kept.

    Raises:
        UnknownParameter, UnknownField, NaiveTime: a filter is not understood.
    """
    with database.connect() as connection, connection.transaction(force_rollback=True):
        streams = _streams(connection, register, cases + 1)
        ledger = _filled(connection, register.ledger, streams[:cases])
        chosen = filters or {}
        page = ledger.page(connection, scope=scope, filters=chosen, now=now, limit=rows)
        counts = ledger.summary(connection, scope=scope, filters=chosen, now=now)
    whole = len(streams) <= cases
    return Preview(page.items, counts, min(len(streams), cases), whole)


def _streams(connection: Connection, register: Register, limit: int) -> list[str]:
    stream = register.ledger.shape.stream
    if stream != f.CASE:
        found = connection.execute(OTHERS, (stream,)).fetchall()
    else:
        kinds = None if register.kinds is None else list(register.kinds)
        found = connection.execute(CASES, {"kinds": kinds, "limit": limit}).fetchall()
    return [one for (one,) in found]


def _filled(
    connection: Connection, ledger: Ledger[Any, Any], streams: list[str]
) -> Ledger[Any, Any]:
    """Return the ledger on tables of its own, holding these cases."""
    row = connection.execute(PID).fetchone()
    name = f"preview_{row[0] if row else 0}"
    own = replace(ledger, shape=replace(ledger.shape, name=name))
    connection.execute(declared(own).encode())
    for start in range(0, len(streams), AT_ONCE):
        tails = read_tails(connection, streams[start : start + AT_ONCE])
        records = [record for told, _ in tails.values() for record in told]
        own.tables.apply(connection, sorted(records, key=attrgetter("position")))
    connection.execute(STANDS, (own.tables.name,))
    return own
