"""Around every request: its id, its log line, its measure; the last net under errors of ours."""

import time
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.logs import logger, where
from api.metrics import Metrics
from api.problems import CLIENT_GONE, internal
from api.traces import Trace, begin

UNROUTED: Final = "-"


class Front:
    """A plain ASGI layer: the usual middleware classes cost a task a request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Stand before the application."""
        self._app = app
        self._metrics = metrics
        self._log = logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = begin(scope)
        started = time.perf_counter()
        header = (b"x-request-id", trace.id.encode())
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], header]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            status = CLIENT_GONE
        except Exception as error:
            self._log.error(
                "error", request_id=trace.id, error=type(error).__name__, where=where(error)
            )
            if status:  # half an answer is out: the connection must break
                raise
            await internal(trace.id)(scope, receive, sending)
        finally:
            self._note(scope, trace, status, time.perf_counter() - started)

    def _note(self, scope: Scope, trace: Trace, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = getattr(scope.get("route"), "path", UNROUTED)
        self._metrics.request(method, route, status, seconds)
        self._log.info(
            "request",
            request_id=trace.id,
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
            district=trace.district,
            role=trace.role,
            key=trace.key,
        )


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
