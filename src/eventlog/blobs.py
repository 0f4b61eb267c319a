"""Blobs: large contents as numbered pieces, kept apart from the log; here in a PostgreSQL table.

What is put here is sealed already (`eventlog/sealed_pieces.py`), so that another keeper, say an
object store, learns nothing. No piece is larger than 1 MB, and no call takes more than one.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from eventlog.database import Database

MAX_PIECE: Final = 1_048_576
"""Bytes of one piece, as it is stored."""


class Blobs(Protocol):
    """Who keeps contents; a blob is known by a UUID, its pieces by their numbers from 0."""

    def put(self, blob: str, number: int, piece: bytes) -> None:
        """Keep a piece; the same one once more changes nothing."""
        ...

    def open(self, blob: str, number: int) -> bytes | None:
        """Return a piece; None if it is not there."""
        ...

    def delete(self, blobs: Sequence[str]) -> None:
        """Forget contents; those that are not there are forgotten already."""
        ...

    def exists(self, blob: str) -> bool:
        """Whether anything is kept of a blob."""
        ...


PUT: Final = """
    INSERT INTO attachment_piece (blob_id, number, content) VALUES (%s, %s, %b)
    ON CONFLICT (blob_id, number) DO UPDATE SET content = excluded.content
"""
OPEN: Final = "SELECT content FROM attachment_piece WHERE blob_id = %s AND number = %s"
DELETE: Final = "DELETE FROM attachment_piece WHERE blob_id = ANY(%s::uuid[])"
EXISTS: Final = "SELECT FROM attachment_piece WHERE blob_id = %s LIMIT 1"


class TableBlobs:
    """Blobs in the district's own schema: one backup, one place, no further service."""

    def __init__(self, database: Database) -> None:
        """Keep where the table is."""
        self._database = database

    def put(self, blob: str, number: int, piece: bytes) -> None:
        """Keep a piece, at once and for good."""
        if len(piece) > MAX_PIECE:
            raise ValueError(f"a piece of {len(piece)} bytes")
        with self._database.connection() as connection:
            connection.execute(PUT, (blob, number, piece))

    def open(self, blob: str, number: int) -> bytes | None:
        """Return a piece; None if it is not there."""
        with (
            self._database.connection() as connection,
            connection.cursor(binary=True) as cursor,
        ):
            row = cursor.execute(OPEN, (blob, number)).fetchone()
        return bytes(row[0]) if row else None

    def delete(self, blobs: Sequence[str]) -> None:
        """Forget contents; those that are not there are forgotten already."""
        with self._database.connection() as connection:
            connection.execute(DELETE, (list(blobs),))

    def exists(self, blob: str) -> bool:
        """Whether anything is kept of a blob."""
        with self._database.connection() as connection:
            return connection.execute(EXISTS, (blob,)).fetchone() is not None
