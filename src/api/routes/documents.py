"""接口文档: the OpenAPI description, and a page made of it that needs no network."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.answers import answer
from api.openapi import describe
from api.page import render

router: Final = APIRouter(include_in_schema=False)
# Nothing is loaded from anywhere, and nothing runs.
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


@router.get("/v1/openapi.json")
def read_description(request: Request) -> Response:
    """Return the description (OpenAPI 3.1)."""
    return answer(describe(request.app))


@router.get("/v1/docs")
def read_page(request: Request) -> Response:
    """Return the description as a page."""
    headers = {"Content-Security-Policy": POLICY}
    return HTMLResponse(render(describe(request.app)), headers=headers)
