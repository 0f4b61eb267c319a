"""The hot path (D14): an async route without FastAPI's layers, yet described like any other."""

from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from api.access import guard_of


class HotRoute(APIRoute):
    """Calls `endpoint(request, asking, **path)` directly; the guard is the declared one."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - handed on
        """Let FastAPI describe the route, then serve it ourselves."""
        super().__init__(*arguments, **options)
        guard = guard_of(self)
        if guard is None:
            raise TypeError(f"{self.path} has no guard")
        endpoint: Final = self.endpoint

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive, send)
            asking = await guard(request)
            response = await endpoint(request=request, asking=asking, **scope["path_params"])
            await response(scope, receive, send)

        self.app = serve
