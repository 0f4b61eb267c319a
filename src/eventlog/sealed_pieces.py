"""A file's content, cut into pieces and sealed: each bound to its file, its number, and the end.

A piece that was changed, moved, left out or taken from another file does not open.
"""

import os
from collections.abc import Iterator
from typing import ClassVar, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Refusal
from eventlog.blobs import Blobs
from eventlog.chance import chance
from eventlog.keys import KEY_BYTES, NONCE_BYTES

PIECE: Final = 524_288
"""Bytes in clear of every piece but the last; what a reading holds in memory at once."""


class AttachmentDamaged(Refusal):
    """附件 {attachment} 的内容（第 {piece} 块）与上传时不符，可能被改动。请从备份恢复该附件。"""

    code: ClassVar[str] = "attachment-damaged"

    def __init__(self, attachment: str, piece: int) -> None:
        """Name the place, from 1."""
        super().__init__(attachment=attachment, piece=piece + 1)


def new_key() -> bytes:
    """Return a key for one file."""
    return os.urandom(KEY_BYTES)


def seal_piece(key: bytes, place: str, number: int, clear: bytes, *, last: bool) -> bytes:
    """Encrypt a piece; `place` names the district and the file."""
    nonce = chance()
    return nonce + AESGCM(key).encrypt(nonce, clear, _binding(place, number, last=last))


class SealedFile:
    """A file that may be read: its key is at hand, its pieces come one by one."""

    def __init__(self, blobs: Blobs, blob: str, place: str, key: bytes, size: int) -> None:
        """Keep where it lies and how long it is."""
        self._blobs, self._blob, self._place = blobs, blob, place
        self._cipher = AESGCM(key)
        self._pieces = max(1, -(-size // PIECE))
        self.size = size

    def read(self, first: int, last: int) -> Iterator[bytes]:
        """Yield the bytes from `first` to `last`, both inclusive, a piece at a time.

        Raises:
            AttachmentDamaged: a piece is missing, or is not the one that was sealed there.
        """
        for number in range(first // PIECE, last // PIECE + 1):
            clear = self._open(number)
            begin = number * PIECE
            yield clear[max(first - begin, 0) : last - begin + 1]

    def _open(self, number: int) -> bytes:
        last = number == self._pieces - 1
        sealed = self._blobs.open(self._blob, number)
        if sealed is None:
            raise AttachmentDamaged(self._blob, number)
        binding = _binding(self._place, number, last=last)
        try:
            clear = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], binding)
        except (InvalidTag, ValueError) as error:
            raise AttachmentDamaged(self._blob, number) from error
        expected = self.size - number * PIECE if last else PIECE
        if len(clear) != expected:
            raise AttachmentDamaged(self._blob, number)
        return clear


def _binding(place: str, number: int, *, last: bool) -> bytes:
    return f"{place}|{number}|{'last' if last else 'more'}".encode()
