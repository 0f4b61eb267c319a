"""PostgreSQL servers for tests: the embedded one, and Debian's where it is installed."""

import os
import pwd
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from app import embedded

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
INITDB = ("-U", "bihuan", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
START_SECONDS = 30.0


@contextmanager
def embedded_server(data: Path) -> Generator[str]:
    """Use the embedded server; the workers of one run share its data directory."""
    with embedded.start(data) as server:
        yield server.dsn


@contextmanager
def debian15_server() -> Generator[str]:
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
        settings = {"listen_addresses": "", "unix_socket_directories": name}
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
