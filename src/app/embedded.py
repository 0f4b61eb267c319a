"""The embedded PostgreSQL: starts with its first user, stops with its last, survives any kill.

Everything lies in the data directory: `postgres/` is the database, `postgres.log` its log,
`postgres.lock` lets one process at a time start or stop it, `users/` holds one locked file per
user, and `postgres.running` is locked by the server's own processes for as long as one of them
lives. Locks, not process ids, tell who is alive: the kernel drops them however a process ends.

The server is reached through a Unix socket only, with `trust`: the socket lies in a directory
that only the server's account (and root) can enter, and who can enter it can read the data anyway.
PostgreSQL is told `/proc/self/cwd` instead of a path and starts inside the directory, so an
unprivileged account can serve data below a closed parent such as /root, which stays closed.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import psutil  # type: ignore[import-untyped]  # has no stubs of its own
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from app import embedded_files as files
from app.embedded_files import EmbeddedError

__all__ = ["EmbeddedError", "Server", "binaries", "start"]

_NAME = "bihuan"
_POLL_SECONDS = 0.01
_REPORT_SECONDS = 5.0
# What a killed postmaster leaves ends by itself within moments; a recovery has no limit.
_REMAINS_SECONDS = 60.0
_LOG_BYTES = 16 * 1024 * 1024
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "cluster_name": _NAME,
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "off",
    "jit": "off",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
}
_INITDB = (
    f"--username={_NAME}",
    "--auth=trust",
    "--encoding=UTF8",
    # Code point order as with C, but letters beyond ASCII, so Chinese, count as letters.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--data-checksums",
    "--no-instructions",
)

Notify = Callable[[str], None]


def _silent(_: str) -> None:
    pass


def binaries() -> Path:
    """Return the folder of the PostgreSQL programs in the wheel (also pg_dump, psql, pgbench).

    Raises:
        EmbeddedError: the wheel is not installed.
    """
    return files.installed_binaries()


def start(
    data: Path, *, options: Mapping[str, str] | None = None, notify: Notify | None = None
) -> "Server":
    """Use the server of this data directory, which is created and started as needed.

    Blocks while PostgreSQL recovers from a crash, however long that takes. Interrupting it is safe.

    Args:
        data: the data directory; the calling process needs no other.
        options: PostgreSQL settings for a server that this call starts; one that already runs
            keeps its own.
        notify: called with a sentence for people whenever there is something to wait for.

    Raises:
        EmbeddedError: the server cannot run here; the message says how to mend it.
    """
    say = notify or _silent
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        home = _Home(data.resolve(), say)
        with home.exclusive():
            return _enter(home, options or {})
    except OSError as error:
        raise EmbeddedError(
            "database-data-unusable",
            f"无法使用数据目录 {data}：{error}。请检查该目录的属主、权限和磁盘空间。",
        ) from error


def _enter(home: "_Home", options: Mapping[str, str]) -> "Server":
    mine = home.users.enter()
    try:
        home.bring_up(options)
        dsn = home.dsn(_NAME)
        _ensure_database(home.dsn("postgres"))
        return Server(home, dsn, mine)
    except BaseException:
        files.release(mine)
        home.close_if_unused()
        raise


def _ensure_database(dsn: str) -> None:
    """Create the database unless it exists: a kill may fall between initdb and this."""
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            found = connection.execute("select 1 from pg_database where datname = %s", [_NAME])
            if found.fetchone() is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(_NAME)))
    except psycopg.Error as error:
        raise _unreachable(str(error)) from error


def _unreachable(reason: str) -> EmbeddedError:
    return EmbeddedError(
        "database-unreachable",
        f"内置数据库在运行，但无法连接：{reason}。请停止所有使用该数据目录的进程，然后重新启动。",
    )


class Server:
    """One use of the embedded server; a context manager.

    Attributes:
        dsn: libpq connection string of the database, valid in every process of this machine that
            runs under the same account (or root) while the use lasts.
        data: the data directory, absolute.
    """

    def __init__(self, home: "_Home", dsn: str, mine: int) -> None:
        self.dsn = dsn
        self.data = home.data
        self._home = home
        self._mine: int | None = mine
        self._process = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End this use; the last user of the data directory stops the server and waits for that.

        Repeating it is harmless. In a forked child it does nothing: the use is the parent's.
        """
        mine, self._mine = self._mine, None
        if mine is None or os.getpid() != self._process:
            return
        with self._home.exclusive():
            files.release(mine)
            self._home.close_if_unused()


class _Postmaster(NamedTuple):
    pid: int
    status: str
    # None: this account may not see the working directory of the process.
    works_here: bool | None


class _Home:
    """The data directory and what runs in it."""

    def __init__(self, data: Path, say: Notify) -> None:
        self.data = data
        self.say = say
        self.users = files.Users(data / "users")
        self._pgdata = data / "postgres"
        self._running = data / "postgres.running"
        self._log = data / "postgres.log"
        self._socket_note = data / "postgres.socket"

    def exclusive(self) -> AbstractContextManager[None]:
        return files.exclusive(self.data / "postgres.lock", self.say)

    # Up

    def bring_up(self, options: Mapping[str, str]) -> None:
        """Take over the server that runs, or wait for its remains to go and start one."""
        if self._await_ready():
            return
        self._refuse_foreign_server()
        account = files.account_for(self.data, self._pgdata)
        programs = files.binaries_for(account)
        self._rotate_log()
        if not self._is_created():
            self._create(programs, account)
        self._refuse_other_major()
        files.give(self._pgdata, account)
        self._launch(programs, account, options)
        if not self._await_ready():
            raise EmbeddedError(
                "database-start-failed",
                f"内置数据库未能启动。日志 {self._log} 的最后几行：\n{self._log_tail()}\n"
                "请按日志处理后重新启动。",
            )

    def _await_ready(self) -> bool:
        """Wait until the server accepts connections (true) or nothing of it lives (false)."""
        sound = time.monotonic()
        for found in self._watch("恢复或启动"):
            answer = self._ping() if found and found.status == "ready" else Ping.REJECT
            if answer == Ping.OK:
                return True
            if answer == Ping.REJECT:
                sound = time.monotonic()
            elif time.monotonic() - sound > _REMAINS_SECONDS:
                raise _unreachable("套接字没有应答")
        return False

    def _ping(self) -> Ping:
        """Ask the server itself: its file still says ready when it was killed or restarts itself.

        REJECT means that it lives but is not ready, so a recovery; it may last.
        """
        dsn = make_conninfo(self.dsn("postgres"), connect_timeout=5)
        return Ping(PGconn.ping(dsn.encode()))

    def _watch(self, doing: str) -> Iterator[_Postmaster | None]:
        """Yield the living postmaster, again and again, until no process of the server is left."""
        begun = told = seen = time.monotonic()
        while files.held(self._running):
            found = self._postmaster()
            yield found
            now = time.monotonic()
            seen = now if found else seen
            if now - seen > _REMAINS_SECONDS:
                raise EmbeddedError(
                    "database-remains",
                    f"{self.data} 中的数据库主进程已不在，但仍有进程占用数据。"
                    "若另一容器正在使用该目录，请先停止它；否则请结束遗留的 postgres 进程后重试。",
                )
            if now - told > _REPORT_SECONDS:
                told = now
                self.say(f"数据库正在{doing}，已用 {now - begun:.0f} 秒，详见 {self._log}")
            time.sleep(_POLL_SECONDS)

    def _postmaster(self) -> _Postmaster | None:
        """Read who PostgreSQL says it is, and believe it only if that process is a postgres.

        The file outlives a killed postmaster, and its process id may by now be anyone's.
        """
        try:
            lines = (self._pgdata / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            process = psutil.Process(int(lines[0]))
            dead = process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE
            works_here = self._works_here(process)
        except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
            return None
        if dead or works_here is False:
            return None
        return _Postmaster(process.pid, "".join(lines[7:8]).strip(), works_here)

    def _works_here(self, process: psutil.Process) -> bool | None:
        try:
            return Path(process.cwd()).samefile(self._pgdata)
        except psutil.AccessDenied:
            return None
        except FileNotFoundError:
            return False

    def _refuse_foreign_server(self) -> None:
        """Refuse a server without our lock: someone has started PostgreSQL here by hand."""
        found = self._postmaster()
        if found and (found.works_here or self._ping() != Ping.NO_RESPONSE):
            raise EmbeddedError(
                "database-started-by-hand",
                f"有人手工启动了 {self._pgdata} 中的 PostgreSQL（进程 {found.pid}）。"
                "请先停止它，然后重新启动。",
            )

    def _is_created(self) -> bool:
        """Tell whether the database exists; initdb works elsewhere, so a half one is never here."""
        if (self._pgdata / "PG_VERSION").exists():
            return True
        if self._pgdata.exists() and any(self._pgdata.iterdir()):
            raise EmbeddedError(
                "database-not-a-database",
                f"{self._pgdata} 不是完整的 PostgreSQL 数据目录。请从备份恢复它，或将其移走。",
            )
        return False

    def _refuse_other_major(self) -> None:
        found = (self._pgdata / "PG_VERSION").read_text(encoding="ascii").strip()
        if found != str(files.MAJOR):
            raise EmbeddedError(
                "database-other-major",
                f"{self._pgdata} 是 PostgreSQL {found} 的数据，"
                f"而本程序内置 PostgreSQL {files.MAJOR}。"
                "请改用对应版本的程序，或用 pg_upgrade 升级数据后再启动。",
            )

    def _create(self, programs: Path, account: files.Account | None) -> None:
        """Run initdb beside the final place; the rename comes after everything is on disk."""
        self.say("首次启动，正在创建数据库……")
        half = self.data / "postgres.new"
        if half.exists():
            shutil.rmtree(half)
        half.mkdir(mode=0o700)
        files.give(half, account)
        if self._run([str(programs / "initdb"), "-D", _inside(half), *_INITDB], half, account):
            raise EmbeddedError(
                "database-create-failed",
                f"创建数据库失败。日志 {self._log} 的最后几行：\n{self._log_tail()}",
            )
        half.rename(self._pgdata)
        files.sync_directory(self.data)

    def _launch(
        self, programs: Path, account: files.Account | None, options: Mapping[str, str]
    ) -> None:
        """Start the server as nobody's child: it belongs to all users, not to the first."""
        socket = self._choose_socket_directory(account)
        self._clear_stale_locks(socket)
        command = [str(programs / "postgres"), "-D", _inside(self._pgdata)]
        told = _inside(socket) if socket == self._pgdata else str(socket)
        settings = {**_SETTINGS, "unix_socket_directories": told, **options}
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._run(["/bin/sh", "-c", '"$@" &', "sh", *command], self._pgdata, account)

    def _clear_stale_locks(self, socket: Path) -> None:
        """Remove PostgreSQL's own lock files; nothing holds the running lock, so they are stale.

        PostgreSQL would refuse to start if the process id in them is now another process, or still
        a zombie, as in a container whose first process reaps none. Against a server that lives
        after all it keeps its check of the shared memory.
        """
        (self._pgdata / "postmaster.pid").unlink(missing_ok=True)
        (socket / f"{files.SOCKET_NAME}.lock").unlink(missing_ok=True)

    def _run(self, command: list[str], folder: Path, account: files.Account | None) -> int:
        """Run in the folder, in a session of its own (Ctrl-C is not for it), and under our lock.

        The lock file is inherited: it stays locked until the last child of the command is gone.
        The folder is entered before the account changes, so its parents may be closed to it.
        """
        lock = files.open_private(self._running)
        log = files.open_private(self._log, os.O_WRONLY | os.O_APPEND)
        try:
            files.take(lock)
            return subprocess.run(  # noqa: S603 - our own programs
                command,
                check=False,
                cwd=folder,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
                umask=0o077,
                user=None if account is None else account.uid,
                group=None if account is None else account.gid,
                extra_groups=None if account is None else [],
            ).returncode
        finally:
            os.close(log)
            os.close(lock)

    # Where the socket lies

    def dsn(self, database: str) -> str:
        """Say how to connect."""
        noted = self._noted_socket_directory()
        return make_conninfo(host=str(noted or self._pgdata), user=_NAME, dbname=database)

    def _noted_socket_directory(self) -> Path | None:
        try:
            return Path(self._socket_note.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def _choose_socket_directory(self, account: files.Account | None) -> Path:
        """Put the socket beside the data; where that path is too long, in a short one, noted."""
        if not files.too_long_for_a_socket(self._pgdata):
            self._socket_note.unlink(missing_ok=True)
            return self._pgdata
        noted = self._noted_socket_directory()
        if noted is None or not files.is_private(noted, account):
            noted = files.short_directory(account)
            os.close(files.open_private(self._socket_note))
            self._socket_note.write_text(str(noted), encoding="utf-8")
        return noted

    # The log

    def _rotate_log(self) -> None:
        """Keep one older log; only at a start, as the server writes to the open file."""
        if self._log.exists() and self._log.stat().st_size > _LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))

    def _log_tail(self) -> str:
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-8:])

    # Down

    def close_if_unused(self) -> None:
        """Stop the server if nobody uses it any more, and wait until its last process is gone."""
        if self.users.anyone():
            return
        asked = None
        for found in self._watch("停止"):
            if found and found.pid != asked:
                # SIGINT is PostgreSQL's fast shutdown: clients are cut off, data is safe.
                os.kill(found.pid, signal.SIGINT)
                asked = found.pid
        noted = self._noted_socket_directory()
        if noted is not None:
            shutil.rmtree(noted, ignore_errors=True)
            self._socket_note.unlink()


def _inside(folder: Path) -> str:
    """Name the folder for a process that works in it, whatever its parents allow."""
    return "/proc/self/cwd" if sys.platform == "linux" else str(folder)
