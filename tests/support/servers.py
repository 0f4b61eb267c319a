"""PostgreSQL servers for tests: the embedded one, and Debian's where it is installed."""

import os
import pwd
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import psycopg
import pytest

from app import embedded

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
INITDB = ("-U", "bihuan", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
START_SECONDS = 30.0
# What survives a crash is tested on servers of its own; the shared ones need not await the disk.
FORGETFUL: Final = {"fsync": "off", "full_page_writes": "off"}


@contextmanager
def embedded_server(data: Path, options: Mapping[str, str] = FORGETFUL) -> Generator[str]:
    """Use the embedded server; the workers of one run share its data directory."""
    with embedded.start(data, options=options) as server:
        yield server.dsn


@contextmanager
def debian15_server(more: Mapping[str, str] = FORGETFUL) -> Generator[str]:
    """Run Debian's PostgreSQL 15 on a socket of its own, for this process only."""
    if not DEBIAN_15.is_dir():
        pytest.skip(f"Debian's PostgreSQL 15 is not installed ({DEBIAN_15})")
    with tempfile.TemporaryDirectory(prefix="bihuan-debian15-") as name:
        folder = Path(name)
        # PostgreSQL refuses to run as root.
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            account = pwd.getpwnam(user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        subprocess.run(
            [DEBIAN_15 / "initdb", "-D", "data", *INITDB],
            cwd=folder,
            user=user,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        settings = {"listen_addresses": "", "unix_socket_directories": name, **more}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        log = (folder / "log").open("wb")
        process = subprocess.Popen(
            [DEBIAN_15 / "postgres", "-D", "data", *options],
            cwd=folder,
            user=user,
            stdout=log,
            stderr=log,
        )
        dsn = f"host={name} user=bihuan dbname=postgres"
        try:
            _await_server(dsn)
            yield dsn
        finally:
            # Immediate: nobody needs this data any more.
            process.send_signal(signal.SIGQUIT)
            process.wait(timeout=START_SECONDS)
            log.close()


def durable_server(name: str, data: Path) -> AbstractContextManager[str]:
    """Run a server that forgets nothing, as the program demands of the one it is given."""
    return debian15_server({}) if name == "debian15" else embedded_server(data, {})


def _await_server(dsn: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(dsn).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
