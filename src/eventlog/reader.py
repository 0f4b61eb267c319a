"""Reading the log: a stream, a range of positions, what a command wrote.

Positions have no gaps and become visible in order, so `position > seen ORDER BY position` is
complete by construction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg.pq.abc import PGresult

from eventlog.database import Connection
from eventlog.direct import ask
from eventlog.records import NO_PREVIOUS, Group, Record, body_hash, decode_groups, decode_rows

BEGINNING: Final = 0


class Stored(Struct, frozen=True):
    """Which positions a command wrote, and the keyed digest of the request it stood for."""

    request: bytes
    first: int
    last: int
    recorded_at: datetime


class Head(Struct, frozen=True):
    """Where the log stands."""

    position: int
    reference_head: int
    last_recorded_at: datetime
    chain: bytes


# Binary: bodies come as they are, without hexadecimal in between.
# One row a sort of fact: the server joins the bodies, so that neither it nor we handle each alone;
# a line each, for no body has a line break. Aggregates of one group see its rows in one order; the
# reader puts all in order by position.
GATHER: Final = """
    SELECT type, int4(schema_version), string_agg(int8send(position), ''::bytea) AS positions,
           string_agg(timestamptz_send(recorded_at), ''::bytea) AS times,
           string_agg(body, '\\x0a'::bytea) AS bodies
    FROM event WHERE position > $1::bigint AND position <= {through}
    GROUP BY type, schema_version
"""
RANGE: Final = GATHER.format(through="$2::bigint")
# Where the range ends is found in the same statement: one look at the log, and one turn at the
# GIL, which is dear while another thread decodes the range before. All facts of a request share
# `recorded_at`, and no two requests do: if the facts on both sides of the border are of one, it is
# left for the next time, unless it is the first. OFFSET 0: a large request among small ones would
# have the planner walk the log from its ends.
REQUESTS: Final = """
    WITH range AS MATERIALIZED (
        SELECT l.position > w.last AS more,
               CASE WHEN l.position <= w.last THEN l.position
                    WHEN before.recorded_at <> after.recorded_at THEN w.last
                    ELSE (
                        SELECT CASE WHEN min(position) <= $1::bigint + 1 THEN max(position)
                                    ELSE min(position) - 1 END
                        FROM (SELECT position FROM event
                              WHERE recorded_at = after.recorded_at OFFSET 0) AS request
                    ) END AS through
        FROM (SELECT $1::bigint + $2::bigint AS last) AS w
        CROSS JOIN ledger l
        LEFT JOIN event before ON before.position = w.last
        LEFT JOIN event after ON after.position = w.last + 1
    )
    SELECT piece.*, int8(range.through), range.more
    FROM range LEFT JOIN LATERAL ({gathered}) AS piece ON true
""".replace("{gathered}", GATHER.format(through="range.through"))
REFERENCE: Final = """
    SELECT position, recorded_at, type, schema_version, body FROM event
    WHERE stream_type <> 'case' AND position > %s AND position <= %s ORDER BY position
"""
TELLING: Final = """
    SELECT DISTINCT stream_id FROM event WHERE stream_id = ANY(%s::uuid[]) AND type = ANY(%s)
"""
STREAM: Final = """
    SELECT position, recorded_at, type, schema_version, body FROM event
    WHERE stream_id = %s AND stream_version > %s ORDER BY stream_version
"""
# One statement for many streams: what a group of cold loads needs.
STREAMS: Final = """
    SELECT position, recorded_at, type, schema_version, body FROM event
    WHERE stream_id = ANY(%b) ORDER BY stream_id, stream_version
"""
COMMAND: Final = """
    SELECT request, first_position, last_position, recorded_at FROM command
    WHERE client = %s AND key = %s
"""
# What ledger rows refer to: the facts at these positions.
POSITIONS: Final = """
    SELECT position, recorded_at, type, schema_version, body FROM event
    WHERE position = ANY(%b) ORDER BY position
"""
HEAD: Final = "SELECT position, reference_head, last_recorded_at, chain FROM ledger"
# "As known at T" is a position: the last one of the last request recorded not later than T.
POSITION_AT: Final = """
    SELECT coalesce(max(position), 0) FROM (
        SELECT position FROM event
        WHERE recorded_at = (SELECT recorded_at FROM event WHERE recorded_at <= %s
                             ORDER BY recorded_at DESC LIMIT 1)
        OFFSET 0
    ) AS request
"""


class Range(Struct, frozen=True):
    """A range as the server gathered it, not yet decoded; `more` if facts came after it."""

    groups: list[Group]
    through: int
    more: bool


def read_range(connection: Connection, after: int, limit: int) -> list[Record]:
    """Return up to `limit` records after a position."""
    return decode_groups(_groups(ask(connection, RANGE, [b"%d" % after, b"%d" % (after + limit)])))


def fetch_requests(connection: Connection, after: int, limit: int) -> Range:
    """Gather whole requests after a position: up to `limit` facts, but at least one request.

    All facts of a request share `recorded_at`, and no two requests do. What follows the last
    whole request is not touched: it may be unreadable.
    """
    result = ask(connection, REQUESTS, [b"%d" % after, b"%d" % limit])
    through = int.from_bytes(_bytes(result.get_value(0, 5)))
    more = _bytes(result.get_value(0, 6)) == b"\x01"
    groups = _groups(result) if through > after else []
    return Range(groups, through, more)


def read_requests(connection: Connection, after: int, limit: int) -> list[Record]:
    """Return whole requests after a position, see `fetch_requests`."""
    return decode_groups(fetch_requests(connection, after, limit).groups)


def _groups(result: PGresult) -> list[Group]:
    cell = result.get_value
    return [
        Group(
            _bytes(cell(row, 0)).decode(),
            int.from_bytes(_bytes(cell(row, 1))),
            _bytes(cell(row, 2)),
            _bytes(cell(row, 3)),
            _bytes(cell(row, 4)),
        )
        for row in range(result.ntuples)
    ]


def _bytes(value: bytes | None) -> bytes:
    """Return a cell of a column that has no NULL."""
    return value or b""


def read_reference(connection: Connection, after: int, through: int) -> list[Record]:
    """Return the reference facts (directory, kinds, calendars, keys) in (after, through]."""
    return decode_rows(_rows(connection, REFERENCE, (after, through)))


def read_stream(connection: Connection, stream: str, *, after: int = 0) -> list[Record]:
    """Return the records of a stream after a version."""
    return decode_rows(_rows(connection, STREAM, (UUID(stream), after)))


def read_telling(connection: Connection, streams: Sequence[str], types: Sequence[str]) -> list[str]:
    """Return those of some streams in which a fact of one of these types stands."""
    rows = connection.execute(TELLING, (list(streams), list(types))).fetchall()
    return [str(stream) for (stream,) in rows]


def read_tails(
    connection: Connection, streams: Sequence[str]
) -> dict[str, tuple[list[Record], str]]:
    """Return each stream's records and the hash that its next record carries as `prev`.

    One statement for all of them; an unknown stream has no records and the hash of nothing.
    """
    ids = [UUID(stream) for stream in streams]
    rows = _rows(connection, STREAMS, (ids,))
    records: dict[str, list[Record]] = {stream: [] for stream in streams}
    last: dict[str, bytes] = {}
    for record, row in zip(decode_rows(rows), rows, strict=True):
        records[record.stream].append(record)
        last[record.stream] = row[4]
    return {
        stream: (found, body_hash(last[stream]) if found else NO_PREVIOUS)
        for stream, found in records.items()
    }


def read_positions(connection: Connection, positions: Sequence[int]) -> list[Record]:
    """Return the records at these positions."""
    return decode_rows(_rows(connection, POSITIONS, (list(positions),)))


def read_command(connection: Connection, client: str, key: str) -> Stored | None:
    """Return what a command wrote, or None if nobody used this key."""
    row = connection.execute(COMMAND, (client, key)).fetchone()
    return Stored(*row) if row else None


def read_head(connection: Connection) -> Head:
    """Return where the log stands now."""
    row = connection.execute(HEAD).fetchone()
    if row is None:
        raise LookupError("the ledger row is missing")
    return Head(*row)


def position_at(connection: Connection, moment: datetime) -> int:
    """Return the last position recorded not later than a moment (0: none)."""
    row = connection.execute(POSITION_AT, (moment,)).fetchone()
    return int(row[0]) if row else BEGINNING


def _rows(
    connection: Connection, query: LiteralString, parameters: Sequence[object]
) -> list[tuple[int, datetime, str, int, bytes]]:
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(query, parameters).fetchall()
