"""Arrays in PostgreSQL's binary format, made in one go: what a batch of the appender is sent as.

Adapting each value through psycopg took more of the processor than all else in an append (half a
millisecond a batch before its first value). Formats: PostgreSQL's `array_send` and the `…_send`
of the element types; a text is UTF-8, a time is microseconds since 2000-01-01 UTC.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

BINARY: Final = 1
ARRAY_OF: Final = {
    "text": 1009,
    "bytea": 1001,
    "uuid": 2951,
    "timestamptz": 1185,
    "int": 1007,
    "smallint": 1005,
}
"""The type id of an array, by the name of its element's type (pg_type.dat)."""

_TEXT: Final = 25
_BYTEA: Final = 17
_UUID: Final = 2950
_TIMESTAMPTZ: Final = 1184
_INT: Final = 23
_SMALLINT: Final = 21
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_length: Final = struct.Struct("!i").pack
_UUID_LENGTH: Final = "00000010"
_UUID_BYTES: Final = 20


def texts(values: Iterable[str]) -> bytes:
    """Return a `text[]`."""
    return _blobs(_TEXT, [value.encode() for value in values])


def blobs(values: Sequence[bytes]) -> bytes:
    """Return a `bytea[]`."""
    return _blobs(_BYTEA, values)


def uuids(values: Sequence[str]) -> bytes:
    """Return a `uuid[]` of ids as text, with or without hyphens.

    Raises:
        ValueError: one is no id.
    """
    count = len(values)
    # One conversion for all: in hexadecimal, each after its length.
    listed = bytes.fromhex("".join([_UUID_LENGTH + value for value in values]).replace("-", ""))
    if len(listed) != count * _UUID_BYTES:
        raise ValueError("not a UUID")
    return _head(_UUID, count) + listed


def times(values: Sequence[datetime]) -> bytes:
    """Return a `timestamptz[]`.

    Raises:
        TypeError: one has no time zone.
    """
    return _fixed(_TIMESTAMPTZ, "iq", 8, [_microseconds(value) for value in values])


def ints(values: Sequence[int]) -> bytes:
    """Return an `int[]`; numbers beyond 32 bits raise struct.error."""
    return _fixed(_INT, "ii", 4, values)


def smallints(values: Sequence[int]) -> bytes:
    """Return a `smallint[]`; numbers beyond 16 bits raise struct.error."""
    return _fixed(_SMALLINT, "ih", 2, values)


def _microseconds(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _head(element: int, count: int) -> bytes:
    """Return the start of an array: dimensions (an empty one has none), no NULLs, type, bounds."""
    if count == 0:
        return struct.pack("!iiI", 0, 0, element)
    return struct.pack("!iiIii", 1, 0, element, count, 1)


def _blobs(element: int, values: Sequence[bytes]) -> bytes:
    return b"".join([_head(element, len(values)), *[_length(len(v)) + v for v in values]])


def _fixed(element: int, code: str, size: int, values: Sequence[int]) -> bytes:
    count = len(values)
    flat: list[int] = [size] * (2 * count)
    flat[1::2] = values
    return _head(element, count) + _format(code, count).pack(*flat)


@lru_cache(maxsize=1024)
def _format(code: str, count: int) -> struct.Struct:
    return struct.Struct("!" + code * count)
