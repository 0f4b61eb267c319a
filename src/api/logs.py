"""Logs: one JSON line a request, with its id; never a body, a query value or anything personal."""

import sys
import traceback
from typing import Any, BinaryIO, Final

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

FRAMES: Final = 12


def configure_logs(target: BinaryIO | None = None) -> None:
    """Write JSON lines to `target` (standard error by default); called once, by the program."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.BytesLoggerFactory(target or sys.stderr.buffer),
        cache_logger_on_first_use=False,
    )


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
