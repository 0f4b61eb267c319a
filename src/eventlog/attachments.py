"""附件: files from their upload until a case refers to them, or the sweeper takes them.

A file has a key of its own. Until a case refers to it, that key is wrapped by the master key; from
then on it is encrypted under the data key of (case, subject) alone, and goes with it. The append
itself takes the file (trigger `event_attaches_evidence`): either the fact stands and the file is
the case's, or neither; what was swept cannot be referred to, what is referred to is never swept.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import psycopg
from cryptography.exceptions import InvalidTag
from msgspec import Struct

from domain.errors import KeyReused, NotFound, TooManyUploads
from eventlog.attachment_rows import (
    BEGIN,
    CLAIM,
    DISCARD,
    ERASED,
    EXPIRE,
    FINISH,
    FORGET,
    FOUND,
    GOING,
    GONE,
    HOLD,
    KEPT_UNDER,
    LOOSE,
    OPENED,
    READ,
    RELEASE,
    STALE,
)
from eventlog.blobs import Blobs, TableBlobs
from eventlog.database import Database
from eventlog.records import new_id
from eventlog.sealed_pieces import PIECE, AttachmentDamaged, SealedFile, new_key, seal_piece
from eventlog.vault import Vault

KEPT: Final = timedelta(hours=24)
"""How long a file waits for a case that refers to it (interface.md)."""
LOOSE_FILES: Final = 200
"""So many files of one access key may wait for a case at a time…"""
LOOSE_BYTES: Final = 1_073_741_824
"""…and so many bytes: nobody fills the disk with what no case needs."""
HELD: Final = timedelta(minutes=10)
"""How long a command may hold a file; afterwards it has failed, or its process has."""
NOT_HELD: Final = "BH001"
"""SQLSTATE by which an append is refused: its file is not held for this case any more."""


class Kept(Struct, frozen=True, gc=False, kw_only=True):
    """A file that has arrived; `client` uploaded it, `case` refers to it (or is about to)."""

    id: str
    state: str
    client: str
    media_type: str
    size: int
    sha256: str
    uploaded_at: datetime
    case: str | None


class Reading(Struct, frozen=True, gc=False, kw_only=True):
    """Who reads which bytes, for the record of readings."""

    at: datetime
    attachment: str
    case: str
    client: str
    role: str
    unit: str | None
    first: int
    last: int


class Swept(Struct, frozen=True):
    """What a sweep did: claims given back, files deleted, contents of erased subjects deleted."""

    released: int
    deleted: int
    erased: int


class Arriving:
    """A file on its way in: at most two pieces of it are in memory."""

    def __init__(self, home: "Attachments", attachment: str, client: str) -> None:
        """Begin with nothing."""
        self.id = attachment
        self.size = 0
        self._home, self._client = home, client
        self._key, self._digest = new_key(), sha256()
        self._rest, self._number = bytearray(), 0

    def write(self, chunk: bytes) -> None:
        """Take in some bytes; what fills a piece is sealed and stored."""
        self._digest.update(chunk)
        self.size += len(chunk)
        self._rest += chunk
        # The last piece is sealed as such, so one is always kept back.
        while len(self._rest) > PIECE:
            self._put(bytes(self._rest[:PIECE]), last=False)
            del self._rest[:PIECE]

    def finish(self, media_type: str, key: str) -> Kept:
        """Store the rest; the file can now be referred to.

        The same file under the same Idempotency-Key is the one that came first.

        Raises:
            KeyReused: the key stands for another file.
            NotFound: it took so long that the sweeper took it for abandoned.
        """
        self._put(bytes(self._rest), last=True)
        wrapped = self._home.vault.wrap_key(self.id, self._key)
        digest = self._digest.digest()
        values = (key, media_type, self.size, digest, wrapped, self.id)
        try:
            with self._home.database.connection() as connection:
                row = connection.execute(FINISH, values).fetchone()
        except psycopg.errors.UniqueViolation:
            return self._first(key, media_type)
        if row is None:
            raise NotFound(what="这次上传")
        return self._home.find([self.id])[self.id]

    def discard(self) -> None:
        """Forget what has arrived so far."""
        self._home.blobs.delete([self.id])
        with self._home.database.connection() as connection:
            connection.execute(DISCARD, (self.id,))

    def _first(self, key: str, media_type: str) -> Kept:
        """Return the file that came first under a key, if it is the same."""
        self.discard()
        first = self._home.under(self._client, key)
        if first is None or (first.sha256, first.media_type) != (
            self._digest.hexdigest(),
            media_type,
        ):
            raise KeyReused
        return first

    def _put(self, clear: bytes, *, last: bool) -> None:
        place = self._home.place(self.id)
        sealed = seal_piece(self._key, place, self._number, clear, last=last)
        self._home.blobs.put(self.id, self._number, sealed)
        self._number += 1


class Attachments:
    """The files of one district; safe to use from several threads, all of it blocks."""

    def __init__(
        self, database: Database, district: str, vault: Vault, *, blobs: Blobs | None = None
    ) -> None:
        """Keep where rows, keys and contents lie."""
        self.database, self.vault = database, vault
        self.blobs = blobs or TableBlobs(database)
        self._district = district

    def begin(self, client: str, at: datetime, key: str = "") -> Arriving:
        """Let a file arrive, at a moment of real time; `key` is its Idempotency-Key.

        Raises:
            TooManyUploads: so many of this client wait for a case; what came before may repeat.
        """
        attachment = new_id(at)
        with self.database.connection() as connection:
            files, size, known = connection.execute(LOOSE, (key, client)).fetchone() or (0, 0, True)
            if (files >= LOOSE_FILES or size >= LOOSE_BYTES) and not known:
                megabytes = LOOSE_BYTES // 1_048_576
                raise TooManyUploads(files=LOOSE_FILES, megabytes=megabytes)
            connection.execute(BEGIN, (attachment, client, at))
        return Arriving(self, attachment, client)

    def find(self, ids: Sequence[str]) -> dict[str, Kept]:
        """Return the files that have arrived among these UUIDs, by id."""
        with self.database.connection() as connection:
            rows = connection.execute(FOUND, (list(ids),)).fetchall()
        return {row[0]: _kept(row) for row in rows}

    def under(self, client: str, key: str) -> Kept | None:
        """Return the file that was uploaded under an Idempotency-Key."""
        with self.database.connection() as connection:
            row = connection.execute(KEPT_UNDER, (client, key)).fetchone()
        return _kept(row) if row else None

    def claim(self, wanted: Mapping[str, str], case: str, claim: str, at: datetime) -> bool:
        """Hold files for a case, all of them (id → subject) or none; tell whether they are held.

        The same claim may hold them again.

        Raises:
            SubjectErased: a subject's key was destroyed.
        """
        owners = {subject: (case, subject) for subject in wanted.values()}
        self.vault.prepare(owners.values())
        with self.database.connection() as connection, connection.transaction():
            rows = connection.execute(HOLD, (sorted(wanted), claim, case)).fetchall()
            if len(rows) < len(wanted):
                return False
            for attachment, wrapped in rows:
                key = self.vault.unwrap_key(attachment, bytes(wrapped))
                subject = wanted[attachment]
                bound = self.vault.bind_key(owners[subject], attachment, key)
                connection.execute(CLAIM, (case, subject, bound, claim, at, attachment))
        return True

    def release(self, claim: str) -> None:
        """Let go of what a claim still holds; what its append took is the case's."""
        with self.database.connection() as connection:
            connection.execute(RELEASE, (claim,))

    def open(self, attachment: str, case: str) -> SealedFile | None:
        """Return a file that a case refers to; None if its content was erased.

        Raises:
            NotFound: the case refers to no such file.
            AttachmentDamaged: its key was changed.
        """
        with self.database.connection() as connection:
            row = connection.execute(OPENED, (attachment, case)).fetchone()
            if row is None:
                raise NotFound(what="附件")
            subject, bound, size = row
            if bound is None:
                return None
            try:
                key = self.vault.unbind_key(connection, (case, subject), attachment, bytes(bound))
            except (InvalidTag, ValueError) as error:
                raise AttachmentDamaged(attachment, 0) from error
        if key is None:
            return None
        return SealedFile(self.blobs, attachment, self.place(attachment), key, size)

    def record_reading(self, reading: Reading) -> None:
        """Write down who is about to read; without it nobody reads."""
        r = reading
        values = (r.at, r.attachment, r.case, r.client, r.role, r.unit, r.first, r.last)
        with self.database.connection() as connection:
            connection.execute(READ, values)

    def sweep(self, at: datetime) -> Swept:
        """Delete what no case has referred to for 24 hours of real time; safe to repeat."""
        with self.database.connection() as connection:
            released = connection.execute(STALE, (at - HELD,)).rowcount
            connection.execute(EXPIRE, (at - KEPT,))
        return Swept(released, self._delete(GOING, GONE), self._delete(ERASED, FORGET))

    def place(self, attachment: str) -> str:
        """Return what the pieces of a file are bound to."""
        return f"{self._district}|{attachment}"

    def _delete(self, which: str, then: str) -> int:
        """Delete contents first, then what says that they are there: a crash leaves no content."""
        deleted = 0
        while True:
            with self.database.connection() as connection:
                ids = [row[0] for row in connection.execute(which.encode()).fetchall()]
            if not ids:
                return deleted
            self.blobs.delete(ids)
            with self.database.connection() as connection:
                connection.execute(then.encode(), (ids,))
            deleted += len(ids)


def _kept(row: tuple[object, ...]) -> Kept:
    names = Kept.__struct_fields__
    return Kept(**dict(zip(names, row, strict=True)))  # type: ignore[arg-type]
