"""Fills a district's log fast: real bodies, right hashes and chain, brought in by COPY.

Only for measuring a log that has grown: appending five million facts one by one takes an hour.
"""

import asyncio
import struct
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from benchmarks import district as d
from benchmarks import stories
from eventlog.database import Connection, Database
from eventlog.reader import read_head
from eventlog.records import chain_hash, leaf_hash, microseconds

STORIES: Final = 200
BATCH: Final = 20_000
CASES: Final = 1_000
"""How many a transaction brings in."""
FROM_2000: Final = 946_684_800_000_000
"""Microseconds from 1970 to 2000, where PostgreSQL's times begin."""
SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END: Final = b"\xff\xff"
EVENT: Final = """
    COPY event (position, stream_id, stream_version, event_id, command_id, stream_type, type,
                schema_version, recorded_at, occurred_at, body, leaf) FROM STDIN (FORMAT binary)
"""
COMMAND: Final = """
    COPY command (client, key, request, command_id, first_position, last_position, recorded_at)
    FROM STDIN (FORMAT binary)
"""
PERSONAL: Final = """
    COPY personal (position, field, key_id, ciphertext) FROM STDIN (FORMAT binary)
"""
SUBJECT_KEY: Final = """
    COPY subject_key (key_id, stream_id, subject, wrapped) FROM STDIN (FORMAT binary)
"""


def fill(database: Database, district: str, facts: int) -> int:
    """Bring a district (founded when it is not) to at least so many facts; return its head."""
    plots = asyncio.run(_plots(database, district))
    began, number = time.perf_counter(), 0
    with database.connect() as connection:
        head = read_head(connection).position
        while head < facts:
            head, number = _batch(connection, plots, min(BATCH, facts - head), number)
        connection.execute("ANALYZE event, command, personal, subject_key")
    seconds = time.perf_counter() - began
    print(f"  (filled to {head:,} facts in {seconds:.0f} s)", flush=True)
    return head


def plant(database: Database, plots: Sequence[stories.Template], cases: int, *, first: int) -> int:
    """Bring in so many cases, of these stories in turn, numbered from `first`; return the head.

    The district is founded already: the stories were decided in it.
    """
    position = 0
    with database.connect() as connection:
        for began in range(0, cases, CASES):
            numbers = range(first + began, first + min(began + CASES, cases))
            with connection.transaction():
                rows = _next_rows(connection)
                for number in numbers:
                    rows.case(plots[number % len(plots)], number)
                _write(connection, rows)
            position = rows.position
        connection.execute("ANALYZE event, command, personal, subject_key")
    return position


async def _plots(database: Database, district: str) -> list[stories.Template]:
    async with d.engine_on(database, district) as engine:
        return stories.templates(engine, STORIES)


class _Rows:
    """What a batch copies, and how the log stands after it."""

    def __init__(self, position: int, recorded_at: datetime, chain: bytes) -> None:
        self.position = position
        self.recorded_at = recorded_at
        self.chain = chain
        self.event: list[bytes] = [SIGNATURE]
        self.command: list[bytes] = [SIGNATURE]
        self.personal: list[bytes] = [SIGNATURE]
        self.subject_key: list[bytes] = [SIGNATURE]

    def case(self, template: stories.Template, number: int) -> None:
        """Take in one case."""
        stream, key_id, requests = stories.tell(template, number)
        stream_id, key = _id(stream), _id(key_id)
        wrapped = bytes(60)
        self.subject_key.append(_row(key, stream_id, b"narrative", wrapped))
        for command, told in requests:
            self._request(stream_id, key, _id(command), told)

    def _request(
        self, stream: bytes, key: bytes, command: bytes, told: Sequence[stories.Told]
    ) -> None:
        self.recorded_at += timedelta(microseconds=1)
        recorded, first = _time(self.recorded_at), self.position + 1
        for fact in told:
            self.position += 1
            like, place = fact.like, _bigint(self.position)
            leaf = leaf_hash(self.position, self.recorded_at, fact.body)
            self.chain = chain_hash(self.chain, leaf)
            event = _id(fact.event)
            version, schema = struct.pack("!i", fact.version), struct.pack("!h", like.schema)
            names = (like.stream_type.encode(), like.type.encode())
            occurred = _time(like.occurred_at)
            ids = (place, stream, version, event, command, *names, schema)
            self.event.append(_row(*ids, recorded, occurred, fact.body, leaf))
            for text in like.sealed:
                self.personal.append(_row(place, text.field.encode(), key, text.ciphertext))
        digest = sha256(command).digest()
        positions = (_bigint(first), _bigint(self.position))
        client = stories.CLIENT.encode()
        self.command.append(
            _row(client, command.hex().encode(), digest, command, *positions, recorded)
        )


def _batch(
    connection: Connection, plots: Sequence[stories.Template], facts: int, number: int
) -> tuple[int, int]:
    """Append about so many facts in one transaction, as the log's own function would."""
    with connection.transaction():
        rows = _next_rows(connection)
        until = rows.position + facts
        while rows.position < until:
            rows.case(plots[number % len(plots)], number)
            number += 1
        _write(connection, rows)
    return rows.position, number


def _next_rows(connection: Connection) -> _Rows:
    row = connection.execute(
        "SELECT position, last_recorded_at, chain FROM ledger FOR UPDATE"
    ).fetchone()
    assert row
    return _Rows(*row)


def _write(connection: Connection, rows: _Rows) -> None:
    copies = (
        (EVENT, rows.event),
        (COMMAND, rows.command),
        (PERSONAL, rows.personal),
        (SUBJECT_KEY, rows.subject_key),
    )
    with connection.cursor() as cursor:
        for query, lines in copies:
            with cursor.copy(query) as copy:
                copy.write(b"".join(lines) + END)
    connection.execute(
        "UPDATE ledger SET position = %s, last_recorded_at = %s, chain = %s",
        (rows.position, rows.recorded_at, rows.chain),
    )


def _row(*values: bytes) -> bytes:
    """Return one row of COPY's binary format."""
    parts = [struct.pack("!h", len(values))]
    for value in values:
        parts += (struct.pack("!i", len(value)), value)
    return b"".join(parts)


def _id(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", ""))


def _bigint(value: int) -> bytes:
    return value.to_bytes(8, "big")


def _time(at: datetime) -> bytes:
    return (microseconds(at) - FROM_2000).to_bytes(8, "big", signed=True)
