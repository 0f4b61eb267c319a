"""The command `bihuan` as people use it: in a process of its own, or called here to save time."""

import contextlib
import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from app.cli import main
from app.embedded import start

PROGRAM: Final = Path(sys.executable).with_name("bihuan")
PROJECT: Final = Path(__file__).parents[2]
SECONDS: Final = 60.0
SETTINGS: Final = "BIHUAN_"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - any JSON
        """Return what was printed, which must be one JSON document and nothing else."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Bihuan:
    """The command on one data folder, whose database is kept running between the calls."""

    data: Path
    dsn: str

    def __call__(self, *words: object, code: int = 0) -> Done:
        """Call it within this process; expect an exit code."""
        done = called(*words, "--data", self.data)
        assert done.code == code, done
        return done

    def process(self, *words: object, code: int = 0) -> Done:
        """Run it as a process; expect an exit code."""
        done = ran(*words, "--data", self.data)
        assert done.code == code, done
        return done

    def begin(self, *words: object) -> "subprocess.Popen[str]":
        """Start it as a process, in a session of its own, and return at once."""
        return begun(*words, "--data", self.data)


@contextlib.contextmanager
def kept_running(data: Path) -> Generator[Bihuan]:
    """Keep the database of a data folder running: no command has to start and stop it."""
    with start(data) as server:
        yield Bihuan(data, server.dsn)


def called(*words: object, env: dict[str, str] | None = None) -> Done:
    """Call the command line within this process."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    mask = os.umask(0o077)
    code: object = 0
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["bihuan", *map(str, words)])
            for name in [name for name in os.environ if name.startswith(SETTINGS)]:
                if not name.startswith("BIHUAN_TEST"):
                    patch.delenv(name)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main()
    except SystemExit as ended:
        code = ended.code
    finally:
        os.umask(mask)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert isinstance(code, int)
    return Done(code, _text(out), _text(err))


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def ran(*words: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> Done:
    """Run the command as a process, to its end."""
    process = begun(*words, env=env, cwd=cwd)
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()
        raise
    return Done(process.returncode, out, err)


def begun(
    *words: object,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    program: Sequence[object] = (PROGRAM,),
) -> "subprocess.Popen[str]":
    """Start the command as a process, in a session of its own like a terminal's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    return subprocess.Popen(
        [*map(str, program), *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean | (env or {}),
        cwd=cwd,
        start_new_session=True,
    )


def eventually(true: Callable[[], object], *, seconds: float = 30.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def postgres_runs(data: Path) -> bool:
    """Whether a server's processes hold their lock; they do until the last one is gone."""
    with (data / "postgres.running").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
