"""The record: the exact bytes in which a fact is stored, hashed and shown (docs/record-format.md).

`body` is RFC 8785 canonical JSON. Keys are ASCII and there are no floats, so sorted-key JSON from
msgspec is canonical already (tests hold it against the rfc8785 library).
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from domain.facts import FACTS, Fact
from eventlog.chance import chance

PROFILE: Final = "bihuan/1"
NO_PREVIOUS: Final = "0" * 64
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_2000: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""From where PostgreSQL counts."""
MICROSECONDS_2000: Final = 946_684_800_000_000

F = TypeVar("F", bound=Fact, covariant=True)  # noqa: PLC0105 - one letter suffices here
D = TypeVar("D")


class Who(Struct, frozen=True, gc=False):
    """The actor of a record: permanent ids, never names."""

    role: str
    unit: str | None
    post: str | None
    person: str | None
    on_behalf_of: str | None


class Named(Struct, frozen=True, gc=False):
    """Which text is sealed, of whom, under which key: as much as a follower asks of it."""

    field: str
    subject: str
    key: str


class Sealed(Named, frozen=True, gc=False):
    """What the record says of a sealed text: enough to verify it, nothing to read."""

    digest: str
    commitment: str


class Told(Struct, Generic[F], frozen=True, gc=False, kw_only=True):
    """The members of a body that a fold looks at; the others are passed over unread."""

    stream: str
    version: int
    type: str
    occurred_at: datetime
    kind: str | None
    data: F
    sealed: tuple[Named, ...]


class Body(Told[F], Generic[F], frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """All members of a body; `schema` and `type` say what `data` is."""

    sealed: tuple[Sealed, ...]
    profile: str
    district: str
    stream_type: str
    event: str
    command: str
    schema: int
    actor: Who
    client: str
    reference_position: int
    prev: str


class Followed(Struct, frozen=True, gc=False):
    """A fact in its place in the log, as much of it as a fold looks at."""

    position: int
    stamp: int
    """When it was recorded, in microseconds since 2000: a time is made of it only when asked."""
    body: Told[Fact]

    @property
    def recorded_at(self) -> datetime:
        """When it was recorded; all facts of a request share it, no two requests do."""
        return EPOCH_2000 + timedelta(microseconds=self.stamp)

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


class Record(Followed, frozen=True, gc=False):
    """A fact in its place in the log, whole."""

    body: Body[Fact]


class Group(NamedTuple):
    """Facts of one sort as the server packed them, in no order but the same in all three."""

    type: str
    schema: int
    positions: bytes
    """Big-endian, eight bytes each."""
    times: bytes
    """Microseconds since 2000-01-01 UTC, likewise."""
    bodies: bytes
    """A line each."""


class UnknownFact(Exception):
    """日志中有不认识的办理记录 {type}（第 {schema} 版）。程序版本可能过旧，请升级后再试。"""

    def __init__(self, type_: str, schema: int) -> None:
        """Name the fact that this program does not know."""
        super().__init__((type(self).__doc__ or "").format(type=type_, schema=schema))


_DECODERS: Final[dict[tuple[str, int], msgspec.json.Decoder[Body[Any]]]] = {
    (fact.TYPE, fact.SCHEMA): msgspec.json.Decoder(Body[fact])  # type: ignore[valid-type]
    for fact in FACTS
}
_TOLD_DECODERS: Final[dict[tuple[str, int], msgspec.json.Decoder[Told[Any]]]] = {
    (fact.TYPE, fact.SCHEMA): msgspec.json.Decoder(Told[fact])  # type: ignore[valid-type]
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
            recorded(position, recorded_at, decoders[type_, schema].decode(body))
            for position, recorded_at, type_, schema, body in rows
        ]
    except KeyError as missing:
        raise UnknownFact(*missing.args[0]) from None


def decode_groups(groups: Iterable[Group]) -> list[Record]:
    """Read groups of facts, and put them in the order of the log.

    Many bodies of one sort in one call cost less than one by one.

    Raises:
        UnknownFact: no fact of this name and schema exists.
        msgspec.ValidationError: some bytes are no such body.
    """
    records: list[Record] = []
    for group in groups:
        bodies = _decoder(_DECODERS, group).decode_lines(group.bodies)
        records += map(Record, *_places(group), bodies)
    records.sort(key=_position)
    return records


def decode_followed(groups: Iterable[Group]) -> list[Followed]:
    """Read groups of facts as far as a fold looks at them. Raises as `decode_groups`."""
    records: list[Followed] = []
    for group in groups:
        bodies = _decoder(_TOLD_DECODERS, group).decode_lines(group.bodies)
        records += map(Followed, *_places(group), bodies)
    records.sort(key=_position)
    return records


def _decoder(decoders: Mapping[tuple[str, int], D], group: Group) -> D:
    decoder = decoders.get((group.type, group.schema))
    if decoder is None:
        raise UnknownFact(group.type, group.schema)
    return decoder


def _places(group: Group) -> tuple[Sequence[int], Sequence[int]]:
    """Return the positions and stamps of a group."""
    form = f">{len(group.positions) // 8}q"
    return struct.unpack(form, group.positions), struct.unpack(form, group.times)


def recorded(position: int, at: datetime, body: Body[Fact]) -> Record:
    """Put a body in its place in the log."""
    return Record(position, microseconds(at) - MICROSECONDS_2000, body)


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
