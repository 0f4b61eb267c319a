"""What is known of one request while it runs, for its log line and its problem."""

import re
import secrets
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, cast

Scope = dict[str, Any]

_SANE: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_KEY: Final = "bihuan.trace"
# Random once a process: a system call for each request would let go of the interpreter's lock.
_PROCESS: Final = secrets.token_hex(10)
_numbers: Final = count(1)


@dataclass(slots=True)
class Trace:
    """Nothing personal: ids, the role, and the template of the route instead of the path."""

    id: str
    route: str = ""
    district: str = ""
    role: str = ""
    key: str = ""


def begin(scope: Any) -> Trace:  # noqa: ANN401 - an ASGI scope
    """Start a trace under the caller's X-Request-Id, if it is a sane one, else under a new id."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    sane = _SANE.fullmatch(given) is not None
    trace = Trace(given.decode("ascii") if sane else f"{_PROCESS}{next(_numbers):012x}")
    scope[_KEY] = trace
    return trace


def trace_of(scope: Any) -> Trace:  # noqa: ANN401 - an ASGI scope
    """Return the trace that `begin` started."""
    return cast("Trace", scope[_KEY])
