"""Keys of personal data: the key-encryption key in its file, and the data keys it wraps.

A data key is 32 random bytes. It is never stored in clear: `KeyWrapper` wraps it (a file here, a
KMS or 密码机 elsewhere). HKDF-SHA256 splits it into a half that encrypts and a half that commits.
"""

import hmac
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
DATA_KEY_LABEL: Final = b"bihuan data key"
DERIVE_LABEL: Final = "bihuan derived key|"
COMMITMENT_LABEL: Final = "bihuan key commitment|"


class KeyFileUnsafe(Exception):
    """主密钥文件 {path} 的权限为 {mode}，其他用户可能读到。请执行 chmod 600 {path} 后再启动。"""

    def __init__(self, path: Path, mode: int) -> None:
        """Name the file and its mode."""
        text = type(self).__doc__ or ""
        super().__init__(text.format(path=path, mode=f"{mode:04o}"))


class KeyFileBroken(Exception):
    """主密钥文件 {path} 不是 64 位十六进制数字。请从备份恢复；换新密钥则已有个人信息无法读取。"""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        super().__init__((type(self).__doc__ or "").format(path=path))


class WrongMasterKey(Exception):
    """主密钥与数据库中的数据密钥不匹配，个人信息无法读取。请检查主密钥文件是否属于本区县的数据库。"""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(type(self).__doc__)


class KeyWrapper(Protocol):
    """Who keeps the key-encryption key. `context` binds a wrapped key to its row."""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Return a data key in a form that may be stored."""
        ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the data key, or raise WrongMasterKey."""
        ...

    def derive(self, label: str) -> bytes:
        """Return 32 bytes for a label that nobody makes without the key (a KMS: its MAC)."""
        ...


class LocalWrapper:
    """Wraps with AES-256-GCM under a key-encryption key held in memory."""

    def __init__(self, kek: bytes) -> None:
        """Keep the key (32 bytes, from `load_kek`)."""
        self._kek = kek
        self._cipher = AESGCM(kek)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Return nonce ‖ AES-256-GCM(key)."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Undo `wrap`; a key of another row or another key-encryption key is refused."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise WrongMasterKey from error

    def derive(self, label: str) -> bytes:
        """Return HKDF-SHA256 of the key-encryption key for a label."""
        return _hkdf(self._kek, f"{DERIVE_LABEL}{label}".encode(), KEY_BYTES)


class DataKey:
    """An unwrapped data key, ready for use; `commitment` ties a record to it without telling it."""

    __slots__ = ("cipher", "commitment", "id")

    def __init__(self, key_id: str, key: bytes) -> None:
        """Split the key: 32 bytes to encrypt with, 32 to commit with."""
        halves = _hkdf(key, DATA_KEY_LABEL, 2 * KEY_BYTES)
        message = f"{COMMITMENT_LABEL}{key_id}".encode()
        self.id = key_id
        self.cipher = AESGCM(halves[:KEY_BYTES])
        self.commitment = hmac.digest(halves[KEY_BYTES:], message, "sha256").hex()


def load_kek(path: Path) -> bytes:
    """Return the key-encryption key of a file (64 hex digits), making the file when absent.

    Keep the file outside the database's directory: who copies the one must not get the other.

    Raises:
        KeyFileUnsafe: others than the owner may read or write it.
        KeyFileBroken: it holds something else.
    """
    if not path.exists():
        _create(path)
    descriptor = os.open(path, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & 0o077:
            raise KeyFileUnsafe(path, mode)
        content = file.read(1024)
    try:
        kek = bytes.fromhex(content.decode("ascii"))
    except ValueError:
        raise KeyFileBroken(path) from None
    if len(kek) != KEY_BYTES:
        raise KeyFileBroken(path)
    return kek


def _create(path: Path) -> None:
    """Write a new key beside its place, then link it there: nobody ever sees half a file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(KEY_BYTES).hex().encode() + b"\n")
            file.flush()
            os.fsync(descriptor)
        # A link refuses to replace: of two that start at once, the first one's key stands.
        with suppress(FileExistsError):
            os.link(draft, path)
        _sync_folder(path.parent)
    finally:
        draft.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the new name durable: a key lost in a power cut takes all it sealed with it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hkdf(key: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(key)
