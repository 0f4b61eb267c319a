"""Logs: one JSON line a request, with its id; never a body, a query value or anything personal."""

import atexit
import sys
import threading
import time
import traceback
from contextlib import suppress
from typing import Any, BinaryIO, Final

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

FRAMES: Final = 12
FLUSH_SECONDS: Final = 0.2
"""How long a line may wait: flushing each one would let go of the interpreter's lock each time."""


def configure_logs(target: BinaryIO | None = None) -> None:
    """Write JSON lines to `target` (standard error by default); called once, by the program."""
    lines = _Buffered(target or sys.stderr.buffer)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )


class _Buffered:
    """Lines on their way to a stream, flushed together."""

    def __init__(self, target: BinaryIO) -> None:
        """Start flushing."""
        self._target = target
        threading.Thread(target=self._run, name="log-flush", daemon=True).start()
        atexit.register(self.flush)

    def msg(self, line: bytes) -> None:
        """Write one line."""
        self._target.write(line + b"\n")

    debug = info = warning = error = critical = msg

    def flush(self) -> None:
        """Send on what waits; nobody is left to tell if that fails."""
        with suppress(OSError, ValueError):
            self._target.flush()

    def _run(self) -> None:
        while not self._target.closed:
            time.sleep(FLUSH_SECONDS)
            self.flush()


def logger() -> FilteringBoundLogger:
    """Return the logger of the API."""
    found: FilteringBoundLogger = structlog.get_logger()
    return found


def where(error: BaseException) -> list[str]:
    """Return the innermost frames of an error: places only, for its message may hold data."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _json(entry: Any, **_: object) -> bytes:  # noqa: ANN401 - structlog's signature
    return msgspec.json.encode(entry)
