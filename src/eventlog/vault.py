"""The vault: personal data is sealed under one destroyable key per (stream, subject).

The record carries digest and key commitment (`Sealed`), the table `personal` the ciphertext,
`subject_key` the wrapped keys. Destroying a key makes every text under it unreadable, in every
backup too, while the records still verify. See docs/record-format.md for the exact bytes.
"""

import hmac
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import ClassVar, Final
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from msgspec import Struct

from domain.errors import NotAllowed
from domain.facts import Text
from eventlog.appender import SealedText
from eventlog.chance import chance
from eventlog.database import Connection, Database
from eventlog.keys import KEY_BYTES, NONCE_BYTES, DataKey, KeyWrapper, LocalWrapper, load_kek
from eventlog.records import Record, Sealed

__all__ = ["KeyWrapper", "LocalWrapper", "SealedItem", "Vault", "load_kek", "verify_sealed"]

CACHE_SECONDS: Final = 60.0
# `ready` lets go of a key a little earlier, so that what it promised is still there at `seal`.
READY_SECONDS: Final = 55.0
CACHE_KEYS: Final = 20_000

Owner = tuple[str, str]
"""(stream, subject): whose key it is."""


class SubjectErased(NotAllowed):
    """“{subject}”的个人信息已按规定删除，不能再为其登记新的内容。"""

    code: ClassVar[str] = "subject-erased"


class SealBroken(Exception):
    """第 {position} 条办理记录的密文（{field}）与记录不符，可能被改动。请运行 bihuan verify。"""

    def __init__(self, position: int, field: str) -> None:
        """Name the place."""
        super().__init__((type(self).__doc__ or "").format(position=position, field=field))


class SealedItem(Struct, frozen=True):
    """Where a sealed text stands, which is also what its ciphertext is bound to."""

    position: int
    stream: str
    version: int
    field: str
    subject: str
    key: str


# A key of NULL is an erased one: the row stays, so that nobody makes it anew.
LOAD: Final = """
    SELECT k.stream_id::text, k.subject, k.key_id::text, k.wrapped
    FROM unnest(%b::uuid[], %b::text[]) AS w (stream, subject)
    JOIN subject_key k ON k.stream_id = w.stream AND k.subject = w.subject
"""
# Whoever comes second gets no row back, and reads the first one's key afterwards.
CREATE: Final = """
    INSERT INTO subject_key (stream_id, subject, key_id, wrapped)
    SELECT * FROM unnest(%b::uuid[], %b::text[], %b::uuid[], %b::bytea[])
    ON CONFLICT (stream_id, subject) DO NOTHING
    RETURNING key_id::text
"""
CIPHERTEXTS: Final = """
    SELECT p.position, p.field, p.ciphertext
    FROM unnest(%b::bigint[], %b::text[]) AS w (position, field)
    JOIN personal p ON p.position = w.position AND p.field = w.field
"""


class Vault:
    """Seals and opens the personal data of one district; safe to use from several threads."""

    def __init__(
        self,
        database: Database,
        district: str,
        wrapper: KeyWrapper,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the wrapper; keys are loaded when first wanted."""
        self._database = database
        self._district = district
        self._wrapper = wrapper
        self._clock = clock
        self._keys: OrderedDict[Owner, tuple[float, DataKey]] = OrderedDict()
        self._lock = threading.Lock()
        self._content_key = wrapper.derive(f"{district}|source-content")
        self._request_key = wrapper.derive(f"{district}|request")
        self._search_key = wrapper.derive(f"{district}|search")

    def ready(self, wanted: Iterable[Owner]) -> bool:
        """Tell whether all these keys are at hand, so that `seal` needs no I/O."""
        return not self._missing(wanted)

    def prepare(self, wanted: Iterable[Owner]) -> None:
        """Load or create the keys that are not at hand.

        Raises:
            SubjectErased: a subject's key was destroyed; nothing more may be written of them.
        """
        missing = self._missing(wanted)
        if not missing:
            return
        with self._database.connection() as connection:
            found = self._load(connection, missing)
            new = [owner for owner in missing if owner not in found]
            if new:
                found |= self._create(connection, new)
            late = [owner for owner in new if owner not in found]
            if late:
                found |= self._load(connection, late)
        for owner in missing:
            if found[owner] is None:
                raise SubjectErased(subject=owner[1])

    def prepare_all(self, wanted: Sequence[set[Owner]]) -> list[None]:
        """Prepare what several callers want, in one go; one answer for each."""
        together: set[Owner] = set()
        self.prepare(together.union(*wanted))
        return [None] * len(wanted)

    def seal(self, stream: str, version: int, text: Text) -> tuple[Sealed, SealedText]:
        """Encrypt a text; the first half goes into the body, the second beside it.

        Raises:
            LookupError: its key is not at hand; `prepare` it first.
        """
        key = self._cached((stream, text.subject), CACHE_SECONDS)
        if key is None:
            raise LookupError(f"no key at hand for {stream} {text.subject}")
        nonce = chance()
        binding = self._binding(stream, version, text.field, text.subject, key.id)
        ciphertext = nonce + key.cipher.encrypt(nonce, text.value.encode(), binding)
        digest = sha256(ciphertext).hexdigest()
        return (
            Sealed(text.field, text.subject, key.id, digest, key.commitment),
            SealedText(text.field, key.id, ciphertext),
        )

    def open(
        self, connection: Connection, items: Sequence[SealedItem]
    ) -> dict[tuple[int, str], str | None]:
        """Decrypt many texts at once, by (position, field); None where they were erased.

        Raises:
            SealBroken: a ciphertext is not the one that was sealed at this place.
        """
        if not items:
            return {}
        places = ([item.position for item in items], [item.field for item in items])
        with connection.cursor(binary=True) as cursor:
            rows = cursor.execute(CIPHERTEXTS, places).fetchall()
        ciphertexts = {(position, field): ciphertext for position, field, ciphertext in rows}
        keys = self._keys_of(connection, items)
        return {
            (item.position, item.field): self._open_one(
                item,
                keys.get((item.stream, item.subject)),
                ciphertexts.get((item.position, item.field)),
            )
            for item in items
        }

    def open_records(
        self, records: Sequence[Record], *, connection: Connection | None = None
    ) -> dict[tuple[int, str], str | None]:
        """Decrypt every sealed text of these records, over a connection at hand or a pooled one."""
        items = [
            SealedItem(r.position, r.stream, r.version, s.field, s.subject, s.key)
            for r in records
            for s in r.body.sealed
        ]
        if connection is not None:
            return self.open(connection, items)
        with self._database.connection() as pooled:
            return self.open(pooled, items)

    def wrap_key(self, blob: str, key: bytes) -> bytes:
        """Wrap the key of a file that no case refers to yet; see `bind_key`."""
        return self._wrapper.wrap(key, self._blob(blob))

    def unwrap_key(self, blob: str, wrapped: bytes) -> bytes:
        """Undo `wrap_key`.

        Raises:
            WrongMasterKey: it was wrapped for another file, or under another master key.
        """
        return self._wrapper.unwrap(wrapped, self._blob(blob))

    def bind_key(self, owner: Owner, blob: str, key: bytes) -> bytes:
        """Encrypt a file's key under its owner's, with which it goes.

        Raises:
            LookupError: the owner's key is not at hand; `prepare` it first.
        """
        held = self._cached(owner, CACHE_SECONDS)
        if held is None:
            raise LookupError(f"no key at hand for {owner[0]} {owner[1]}")
        nonce = chance()
        return nonce + held.cipher.encrypt(nonce, key, self._context(owner, blob))

    def unbind_key(
        self, connection: Connection, owner: Owner, blob: str, bound: bytes
    ) -> bytes | None:
        """Undo `bind_key`; None where the owner's key was destroyed.

        Raises:
            InvalidTag: it was bound for another file or owner.
        """
        held = self._cached(owner, CACHE_SECONDS) or self._load(connection, [owner]).get(owner)
        if held is None:
            return None
        sealed, context = bound[NONCE_BYTES:], self._context(owner, blob)
        return held.cipher.decrypt(bound[:NONCE_BYTES], sealed, context)

    def fingerprint(self, content: bytes) -> str:
        """Return a keyed HMAC-SHA256 (hex) of what a source sent: tells repeats, not contents."""
        return hmac.digest(self._content_key, content, "sha256").hex()

    def digest(self, content: bytes) -> bytes:
        """Return a keyed HMAC-SHA256 of a request, for the table `command`."""
        return hmac.digest(self._request_key, content, "sha256")

    def mark(self, piece: bytes) -> int:
        """Return a keyed hash of a piece of a text (four bytes of HMAC-SHA256), for the index."""
        return int.from_bytes(hmac.digest(self._search_key, piece, "sha256")[:4], signed=True)

    def _open_one(self, item: SealedItem, key: DataKey | None, text: bytes | None) -> str | None:
        # A lost text looks like an erased one here; `verify` tells them apart.
        if key is None or text is None:
            return None
        binding = self._binding(item.stream, item.version, item.field, item.subject, item.key)
        try:
            clear = key.cipher.decrypt(text[:NONCE_BYTES], text[NONCE_BYTES:], binding)
        except (InvalidTag, ValueError) as error:
            raise SealBroken(item.position, item.field) from error
        return clear.decode()

    def _keys_of(
        self, connection: Connection, items: Sequence[SealedItem]
    ) -> dict[Owner, DataKey | None]:
        owners = dict.fromkeys((item.stream, item.subject) for item in items)
        keys = {owner: self._cached(owner, CACHE_SECONDS) for owner in owners}
        missing = [owner for owner, key in keys.items() if key is None]
        return keys | self._load(connection, missing) if missing else keys

    def _missing(self, wanted: Iterable[Owner]) -> list[Owner]:
        """Return whose keys are not at hand, in one order for all processes (no deadlocks)."""
        return sorted({o for o in wanted if self._cached(o, READY_SECONDS) is None})

    def _cached(self, owner: Owner, seconds: float) -> DataKey | None:
        with self._lock:
            entry = self._keys.get(owner)
            if entry is None or self._clock() - entry[0] > seconds:
                return None
            self._keys.move_to_end(owner)
            return entry[1]

    def _load(self, connection: Connection, owners: Sequence[Owner]) -> dict[Owner, DataKey | None]:
        """Read keys; None for an erased one, nothing for one that was never made."""
        since = self._clock()
        with connection.cursor(binary=True) as cursor:
            rows = cursor.execute(LOAD, _columns(owners)).fetchall()
        found: dict[Owner, DataKey | None] = {}
        for stream, subject, key_id, wrapped in rows:
            owner = (stream, subject)
            context = self._context(owner, key_id)
            found[owner] = wrapped and DataKey(key_id, self._wrapper.unwrap(wrapped, context))
        self._keep(since, found)
        return found

    def _create(self, connection: Connection, owners: Sequence[Owner]) -> dict[Owner, DataKey]:
        """Make keys; those that somebody else made in the meantime are not among the result."""
        since = self._clock()
        made = {str(uuid4()): (owner, os.urandom(KEY_BYTES)) for owner in owners}
        wrapped = [
            self._wrapper.wrap(key, self._context(owner, key_id))
            for key_id, (owner, key) in made.items()
        ]
        columns = [*_columns(owners), [UUID(key_id) for key_id in made], wrapped]
        rows = connection.execute(CREATE, columns).fetchall()
        kept = {made[key_id][0]: DataKey(key_id, made[key_id][1]) for (key_id,) in rows}
        self._keep(since, kept)
        return kept

    def _keep(self, since: float, keys: Mapping[Owner, DataKey | None]) -> None:
        """Remember keys as of a moment; forget the erased, and the longest unused."""
        with self._lock:
            for owner, key in keys.items():
                self._keys.pop(owner, None)
                if key is not None:
                    self._keys[owner] = (since, key)
            while len(self._keys) > CACHE_KEYS:
                self._keys.popitem(last=False)

    def _context(self, owner: Owner, key_id: str) -> bytes:
        return "|".join((self._district, *owner, key_id)).encode()

    def _blob(self, blob: str) -> bytes:
        return f"{self._district}|attachment|{blob}".encode()

    def _binding(self, stream: str, version: int, field: str, subject: str, key: str) -> bytes:
        # Only these two are free words; without a bar in them the joined text has one reading.
        if "|" in field or "|" in subject:
            raise ValueError("a sealed text's field and subject contain no vertical bar")
        return f"{self._district}|{stream}|{version}|{field}|{subject}|{key}".encode()


def verify_sealed(sealed: Sealed, ciphertext: bytes) -> bool:
    """Tell whether this is the ciphertext that the record speaks of; needs no key."""
    return sha256(ciphertext).hexdigest() == sealed.digest


def _columns(owners: Sequence[Owner]) -> list[list[object]]:
    return [[UUID(stream) for stream, _ in owners], [subject for _, subject in owners]]
