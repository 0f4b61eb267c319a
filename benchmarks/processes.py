"""Server processes of a measurement: started, awaited, always stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
START_SECONDS: Final = 60.0


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def bihuan(data: Path, *, port: int, log: Path) -> Generator[int]:
    """Run `bihuan serve` on a data directory; yields its process id when it may be used."""
    with running(serving(data, port), port, log) as pid:
        yield pid


def serving(data: Path, port: int) -> list[str]:
    """Return the command that serves a data directory."""
    code = "from app.cli import main; main()"
    return [sys.executable, "-c", code, "serve", "--data", str(data), "--port", str(port)]


@contextmanager
def bare(dsn: str, *, port: int, log: Path) -> Generator[int]:
    """Run the bare endpoints."""
    with running([sys.executable, "-m", "benchmarks.bare", str(port), dsn], port, log) as pid:
        yield pid


@contextmanager
def running(command: list[str], port: int, log: Path) -> Generator[int]:
    """Run a server until the block ends."""
    process = start(command, log)
    try:
        await_ready(process, port, log)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def start(command: list[str], log: Path) -> "subprocess.Popen[bytes]":
    """Start a process from the project's root, its output in a file."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )


def await_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Wait until the server says that it may be used.

    Raises:
        RuntimeError: it ended, or says nothing.
    """
    deadline, said = time.monotonic() + START_SECONDS, ""
    while time.monotonic() < deadline and process.poll() is None:
        said = readiness(port)
        if not said:
            return
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"no server: {said}\n{log.read_text(errors='replace')[-3000:]}")


def readiness(port: int) -> str:
    """Ask once; return why the server may not be used yet, or nothing."""
    address = f"http://127.0.0.1:{port}/health/ready"
    try:
        with urllib.request.urlopen(address, timeout=5):
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode(errors="replace")
    except OSError as error:
        return str(error)
