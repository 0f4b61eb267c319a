"""What a list may be asked beside its own filters: moments, a position, a page, a form."""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Query
from msgspec import Struct
from starlette.requests import Request

from api.access import Asking
from api.errors import LedgerBehind, NotAcceptable
from api.exporting import TYPES
from api.times import query_moment
from domain.errors import BadInput
from eventlog.runner import lag

MOMENTS: Final = ("as_of", "known_at", "at_least")
PAGING: Final = ("limit", "cursor", "format")
MOST: Final = 500
USUAL: Final = 50
WAIT_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.02
_FORMS: Final = ("json", *TYPES)
_TEXTS: Final = {
    "as_of": "那时实际的情况，按现在所知（RFC 3339）",
    "known_at": "那时台账显示的情况（RFC 3339）",
    "at_least": f"等到台账至少处理到这个位点（最多 {WAIT_SECONDS:.0f} 秒）",
    "limit": f"每页行数，1 至 {MOST}",
    "cursor": "上一页的 next",
    "format": "json、csv 或 xlsx；也可用 Accept 头",
}

Form = Annotated[str | None, Query(alias="format", max_length=8, description=_TEXTS["format"])]


class Moments(Struct, frozen=True, kw_only=True):
    """As of when a list is wanted, and up to which position it must have come first."""

    as_of: datetime | None
    known_at: datetime | None
    at_least: int | None


def moments(given: Mapping[str, str]) -> Moments:
    """Return the moments that were asked for. Raises as `query_moment` and `whole`."""
    return Moments(
        as_of=_moment(given, "as_of"),
        known_at=_moment(given, "known_at"),
        at_least=whole(given, "at_least"),
    )


# Async, so that it is called on the loop and takes no thread.
async def _declared(
    as_of: Annotated[str | None, Query(description=_TEXTS["as_of"])] = None,
    known_at: Annotated[str | None, Query(description=_TEXTS["known_at"])] = None,
    at_least: Annotated[str | None, Query(description=_TEXTS["at_least"])] = None,
) -> Moments:
    given = {"as_of": as_of, "known_at": known_at, "at_least": at_least}
    return moments({name: text for name, text in given.items() if text is not None})


Wanted = Annotated[Moments, Depends(_declared)]
"""What a route declares that lets its caller name moments."""


def documented(names: Iterable[str], texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Describe the parameters of a route that reads its query itself: shared ones, its own."""
    shared = {name: _TEXTS[name] for name in names}
    return [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in {**shared, **texts}.items()
    ]


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    return query_moment(given[name], name) if name in given else None


def whole(given: Mapping[str, str], name: str) -> int | None:
    """Return a whole number that was asked for.

    Raises:
        BadInput: it is none, or beyond what JSON keeps exactly.
    """
    value = given.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 16):  # noqa: PLR2004 - below 2^53
        raise BadInput(detail=f"{name} 应为不小于 0 的整数", pointer=name)
    return int(value)


def limit(given: Mapping[str, str]) -> int:
    """Return how many rows a page has. Raises BadInput."""
    wanted = whole(given, "limit") if "limit" in given else USUAL
    if wanted is None or not 1 <= wanted <= MOST:
        raise BadInput(detail=f"limit 应在 1 至 {MOST} 之间", pointer="limit")
    return wanted


def form(request: Request, given: Mapping[str, str]) -> str:
    """Return json, csv or xlsx: the parameter first, then the Accept header.

    Raises:
        NotAcceptable: neither of these.
    """
    wanted = given.get("format")
    if wanted is not None:
        if wanted not in _FORMS:
            raise NotAcceptable(wanted=wanted[:32], known="、".join(_FORMS), pointer="format")
        return wanted
    accept = request.headers.get("accept", "*/*").lower()
    for name, media in (("json", "application/json"), *TYPES.items()):
        if media.partition(";")[0] in accept:
            return name
    if not accept or "*/*" in accept or "application/*" in accept:
        return "json"
    raise NotAcceptable(wanted=accept[:64], known="、".join(_FORMS))


def wait_for(asking: Asking, checkpoints: Iterable[str], title: str, wanted: int | None) -> None:
    """Wait, but not for ever, until ledgers have come to a position: who writes reads it.

    Raises:
        LedgerBehind: they have not by then.
    """
    if wanted is None:
        return
    names = list(checkpoints)
    asking.services.runner.wake()
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with asking.services.database.connection() as connection:
            standing = {one.name: one.position for one in lag(connection)}
        current = min(standing.get(name, 0) for name in names)
        if current >= wanted:
            return
        if time.monotonic() > deadline:
            raise LedgerBehind(ledger=title, current=current, wanted=wanted)
        time.sleep(LOOK_SECONDS)


def link(request: Request, given: Mapping[str, str], following: str | None) -> dict[str, str]:
    """Return the header that leads to the next page, if there is one."""
    if following is None:
        return {}
    query = urlencode({**given, "cursor": following})
    return {"Link": f'<{request.scope["path"]}?{query}>; rel="next"'}
