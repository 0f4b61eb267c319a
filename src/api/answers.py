"""Answers: encoded once, by msgspec; and the version of a case as an entity tag."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from api.times import shown
from domain.errors import BadInput

JSON: Final = "application/json"
_TAG: Final = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')


_encode: Final = msgspec.json.Encoder().encode


class Listing(Struct, kw_only=True):
    """A list: its rows, the cursor of the page after it, and as of when it is."""

    items: list[Any]
    next: str | None = None
    as_of: str | None = None
    position: int = 0


def answer(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return JSON."""
    return Response(_encode(content), status, headers, JSON)


def plain(value: object) -> Any:  # noqa: ANN401 - JSON is
    """Return structs and lists as JSON has them, moments as +08:00."""
    return _shown(msgspec.to_builtins(value, builtin_types=(datetime,)))


def _shown(value: Any) -> Any:  # noqa: ANN401 - JSON is
    if isinstance(value, datetime):
        return shown(value)
    if isinstance(value, dict):
        return {name: _shown(one) for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return [_shown(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def entity_tag(version: int) -> str:
    """Return the ETag of a case at a version."""
    return f'"{version}"'


def expected_version(request: Request) -> int | None:
    """Return the version that If-Match names; None if any will do.

    Raises:
        BadInput: it is not an ETag of ours.
    """
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return None
    found = _TAG.fullmatch(header.strip())
    if found is None:
        detail = 'If-Match 应为上次得到的 ETag，例如 "3"'
        raise BadInput(detail=detail)
    return int(found[1])
