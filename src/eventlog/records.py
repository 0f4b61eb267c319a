"""The record: the exact bytes in which a fact is stored, hashed and shown (docs/record-format.md).

`body` is RFC 8785 canonical JSON. Keys are ASCII and there are no floats, so sorted-key JSON from
msgspec is canonical already (tests hold it against the rfc8785 library).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.facts import FACTS, Fact
from eventlog.chance import chance

PROFILE: Final = "bihuan/1"
NO_PREVIOUS: Final = "0" * 64
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

F = TypeVar("F", bound=Fact, covariant=True)  # noqa: PLC0105 - one letter suffices here


class Who(Struct, frozen=True):
    """The actor of a record: permanent ids, never names."""

    role: str
    unit: str | None
    post: str | None
    person: str | None
    on_behalf_of: str | None


class Sealed(Struct, frozen=True):
    """What the record says of a sealed text: enough to verify it, nothing to read."""

    field: str
    subject: str
    key: str
    digest: str
    commitment: str


class Body(Struct, Generic[F], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The members of a body; `schema` and `type` say what `data` is."""

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
    actor: Who
    client: str
    kind: str | None
    reference_position: int
    data: F
    sealed: tuple[Sealed, ...]
    prev: str


class Record(Struct, frozen=True):
    """A fact in its place in the log."""

    position: int
    recorded_at: datetime
    body: Body[Fact]

    @property
    def fact(self) -> Fact:
        """What happened."""
        return self.body.data

    @property
    def stream(self) -> str:
        """The case, or other stream, that it happened to."""
        return self.body.stream

    @property
    def version(self) -> int:
        """Its number within the stream, from 1."""
        return self.body.version

    @property
    def occurred_at(self) -> datetime:
        """When it happened, which may be long before it was recorded."""
        return self.body.occurred_at


Group = tuple[str, int, list[int], list[datetime], bytes]
"""Facts of one sort: type, schema, positions, recording times, bodies joined by commas."""


class UnknownFact(Exception):
    """日志中有不认识的办理记录 {type}（第 {schema} 版）。程序版本可能过旧，请升级后再试。"""

    def __init__(self, type_: str, schema: int) -> None:
        """Name the fact that this program does not know."""
        super().__init__((type(self).__doc__ or "").format(type=type_, schema=schema))


_DECODERS: Final[dict[tuple[str, int], msgspec.json.Decoder[Body[Any]]]] = {
    (fact.TYPE, fact.SCHEMA): msgspec.json.Decoder(Body[fact])  # type: ignore[valid-type]
    for fact in FACTS
}
_LIST_DECODERS: Final[dict[tuple[str, int], msgspec.json.Decoder[list[Body[Any]]]]] = {
    (fact.TYPE, fact.SCHEMA): msgspec.json.Decoder(list[Body[fact]])  # type: ignore[valid-type]
    for fact in FACTS
}
_position: Final = attrgetter("position")
_encode: Final = msgspec.json.Encoder(order="sorted").encode


def encode(body: Body[Fact]) -> bytes:
    """Return the canonical bytes of a body."""
    return _encode(body)


def decode(type_: str, schema: int, body: bytes) -> Body[Fact]:
    """Read a body back.

    Raises:
        UnknownFact: no fact of this name and schema exists.
        msgspec.ValidationError: the bytes are no such body.
    """
    decoder = _DECODERS.get((type_, schema))
    if decoder is None:
        raise UnknownFact(type_, schema)
    return decoder.decode(body)


def decode_rows(rows: Sequence[tuple[int, datetime, str, int, bytes]]) -> list[Record]:
    """Read rows of (position, recorded_at, type, schema_version, body)."""
    decoders = _DECODERS
    try:
        return [
            Record(position, recorded_at, decoders[type_, schema].decode(body))
            for position, recorded_at, type_, schema, body in rows
        ]
    except KeyError as missing:
        raise UnknownFact(*missing.args[0]) from None


def decode_groups(groups: Iterable[Group]) -> list[Record]:
    """Read groups of facts, and put them in the order of the log.

    Many bodies of one sort in one call cost half of what they cost one by one.

    Raises:
        UnknownFact: no fact of this name and schema exists.
        msgspec.ValidationError: some bytes are no such body.
    """
    records: list[Record] = []
    for type_, schema, positions, times, joined in groups:
        decoder = _LIST_DECODERS.get((type_, schema))
        if decoder is None:
            raise UnknownFact(type_, schema)
        records += map(Record, positions, times, decoder.decode(b"[" + joined + b"]"))
    records.sort(key=_position)
    return records


def body_hash(body: bytes) -> str:
    """Return what the next record of the stream carries as `prev`."""
    return sha256(body).hexdigest()


def microseconds(at: datetime) -> int:
    """Return whole microseconds since 1970 (UTC)."""
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def leaf_hash(position: int, recorded_at: datetime, body: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ position ‖ recorded_at in µs ‖ body), numbers as big-endian u64."""
    stamp = position.to_bytes(8, "big") + microseconds(recorded_at).to_bytes(8, "big")
    return sha256(b"\x00" + stamp + body).digest()


def chain_hash(chain: bytes, leaf: bytes) -> bytes:
    """Return the chain after one more leaf; it starts from 32 zero bytes."""
    return sha256(chain + leaf).digest()


def uuid7(now: datetime) -> UUID:
    """Return a time-ordered id (RFC 9562); ids of one batch sort near each other in the index."""
    return UUID(new_id(now))


def new_id(now: datetime) -> str:
    """Return a `uuid7` as text."""
    stamp = f"{microseconds(now) // 1000:012x}"
    drawn = chance()
    rest = drawn.hex()
    variant = "89ab"[drawn[9] & 3]
    return f"{stamp[:8]}-{stamp[8:]}-7{rest[:3]}-{variant}{rest[3:6]}-{rest[6:18]}"
