"""What `verify` asks of single rows: columns against body, commands, sealed texts."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, LiteralString, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from eventlog.database import Connection
from eventlog.records import PROFILE, Sealed, UnknownFact, decode, microseconds

# timestamptz_send counts microseconds from 2000 on, a leaf from 1970 on.
SINCE_2000: Final = 946_684_800_000_000

Note = Callable[[int, str], None]
"""Takes down a problem: its position (0: nowhere in particular) and what is wrong."""


class Row(NamedTuple):
    """A row of `event`; times as PostgreSQL sends them, so that every value can be looked at."""

    position: int
    stream_id: str
    stream_version: int
    event_id: str
    command_id: str
    stream_type: str
    type: str
    schema_version: int
    recorded_at: bytes
    occurred_at: bytes
    body: bytes
    leaf: bytes


# coalesce: who may change columns may also have dropped NOT NULL.
ROWS: Final = """
    SELECT position, stream_id::text, stream_version, event_id::text, command_id::text,
           stream_type, type, schema_version, coalesce(timestamptz_send(recorded_at), ''),
           coalesce(timestamptz_send(occurred_at), ''), coalesce(body, ''), leaf
    FROM event WHERE position > %s AND position <= %s ORDER BY position LIMIT %s
"""
COMMANDS: Final = """
    SELECT first_position, last_position, command_id::text, timestamptz_send(recorded_at)
    FROM command ORDER BY first_position, last_position
"""
# Digests are made in the database: ciphertexts stay where they are.
TEXTS: Final = """
    SELECT position, field, key_id::text, encode(sha256(ciphertext), 'hex')
    FROM personal WHERE position > %s AND position <= %s
"""
KEYS: Final = """
    SELECT key_id::text, stream_id::text, subject, wrapped IS NOT NULL
    FROM subject_key WHERE key_id = ANY(%s::uuid[])
"""


class Members(Protocol):
    """What a body says of itself; met by Body, and by Envelope when its fact is unknown."""

    profile: Any
    district: Any
    stream_type: Any
    stream: Any
    version: Any
    event: Any
    command: Any
    type: Any
    schema: Any
    occurred_at: Any
    prev: Any
    sealed: Any


class Envelope(Struct, frozen=True):
    """A body without looking into its fact."""

    profile: str
    district: str
    stream_type: str
    stream: str
    version: int
    event: str
    command: str
    type: str
    schema: int
    occurred_at: datetime
    prev: str
    sealed: tuple[Sealed, ...]


def since_1970(sent: bytes) -> int:
    """Return microseconds since 1970 of a time as PostgreSQL sends it."""
    return int.from_bytes(sent, "big", signed=True) + SINCE_2000


def leaf_of(row: Row) -> bytes:
    """Return the leaf that a row should have; a time before 1970 has none."""
    stamp = row.position.to_bytes(8, "big", signed=True)
    stamp += since_1970(row.recorded_at).to_bytes(9, "big", signed=True)[1:]
    return sha256(b"\x00" + stamp + row.body).digest()


def members(row: Row, note: Note) -> Any:  # noqa: ANN401 - Body or Envelope, see Members
    """Return what the body says; None (and a problem) when it cannot be read at all."""
    try:
        return decode(row.type, row.schema_version, row.body)
    except UnknownFact as unknown:
        note(row.position, str(unknown))
    except (msgspec.MsgspecError, ValueError) as error:
        note(row.position, f"正文不是“{row.type}”的有效记录：{error}")
    try:
        return msgspec.json.decode(row.body, type=Envelope)
    except (msgspec.MsgspecError, ValueError):
        return None


def compare_columns(row: Row, body: Members, note: Note) -> None:
    """Hold every column against the body's word."""
    said: tuple[object, ...] = (
        body.stream,
        body.version,
        body.event,
        body.command,
        body.stream_type,
        body.type,
        body.schema,
    )
    if row[1:8] != said:
        for name, column, member in zip(Row._fields[1:8], row[1:8], said, strict=True):
            if column != member:
                note(row.position, f"列 {name} 为“{column}”，正文为“{member}”")
    if since_1970(row.occurred_at) != microseconds(body.occurred_at):
        note(row.position, "列 occurred_at 与正文不符")
    if body.profile != PROFILE:
        note(row.position, f"正文格式“{body.profile}”不是 {PROFILE}")


class CommandCheck:
    """Walks along the log and holds each fact against the command that claims its position."""

    def __init__(self, rows: Iterable[tuple[Any, ...]], note: Note) -> None:
        """Take the commands in order of their first positions."""
        self._rows: Iterator[tuple[Any, ...]] = iter(rows)
        self._note = note
        self._current: tuple[Any, ...] | None = None
        self._next = next(self._rows, None)

    def step(self, row: Row) -> None:
        """Look at the fact of the next position."""
        position = row.position
        self._skip_to(position)
        if self._next and self._next[0] == position:
            if self._claims(position):
                self._note(position, "两个命令登记（command）的位点区间重叠")
            self._current, self._next = self._next, next(self._rows, None)
        if self._current and self._claims(position):
            if (row.command_id, row.recorded_at) != self._current[2:]:
                self._note(position, "与命令登记（command）的编号或时间不符")
        elif row.command_id in {c[2] for c in (self._current, self._next) if c}:
            self._note(position, "不在其命令登记（command）的位点区间内")

    def _claims(self, position: int) -> bool:
        return self._current is not None and position <= self._current[1]

    def finish(self, head: int) -> None:
        """Look for commands that claim positions the log does not have."""
        if self._current and self._current[1] > head:
            self._note(self._current[1], "命令登记（command）的位点超出日志末尾")
        self._skip_to(2**63)

    def _skip_to(self, position: int) -> None:
        while self._next and self._next[0] < position:
            self._note(self._next[0], "命令登记（command）的位点区间与日志不符")
            self._next = next(self._rows, None)


class SealedCheck:
    """Holds the ciphertexts and keys of a page against what its records say of them."""

    def __init__(self, note: Note) -> None:
        """Start with an empty page."""
        self._note = note
        self._said: dict[tuple[int, str], tuple[str, Sealed]] = {}

    def add(self, position: int, body: Members) -> None:
        """Remember what a record says."""
        for sealed in body.sealed:
            self._said[position, sealed.field] = (body.stream, sealed)

    def check(self, connection: Connection, after: int, through: int) -> None:
        """Compare with the tables, within the page's transaction; then forget the page."""
        found = {
            (position, field): (key, digest)
            for position, field, key, digest in _fetch(connection, TEXTS, (after, through))
        }
        ids = list({sealed.key for _, sealed in self._said.values()})
        keys = {row[0]: row[1:] for row in _fetch(connection, KEYS, (ids,))} if ids else {}
        for (position, field), (stream, sealed) in self._said.items():
            fault = _fault(stream, sealed, keys.get(sealed.key), found.get((position, field)))
            if fault:
                self._note(position, f"密文（{field}）{fault}")
        for position, field in found.keys() - self._said.keys():
            self._note(position, f"密文（{field}）在办理记录中没有登记")
        self._said = {}


def _fault(
    stream: str, sealed: Sealed, key: tuple[Any, ...] | None, text: tuple[str, str] | None
) -> str | None:
    """Say what is wrong with a sealed text; a lost text is right if its key was destroyed."""
    if key is None:
        return "的密钥记录缺失"
    if key[:2] != (stream, sealed.subject):
        return "的密钥属于另一对象"
    if text is None:
        return "缺失，而其密钥尚未销毁" if key[2] else None
    return None if text == (sealed.key, sealed.digest) else "与办理记录中的摘要不符"


def _fetch(
    connection: Connection, query: LiteralString, parameters: tuple[object, ...]
) -> list[tuple[Any, ...]]:
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(query, parameters).fetchall()
