"""台账: rows and counts of every ledger, now, as of and as known at any moment; csv and xlsx."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter
from msgspec import Struct
from psycopg.errors import UndefinedTable
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.access import Asking, LedgerReader, Reader, refuse_unknown
from api.answers import Listing, answer, plain
from api.errors import LedgerBehind, NotAcceptable
from api.exporting import TYPES, Provenance, chunks, listed, write_file
from api.openapi import returns
from api.times import query_moment, with_plus
from domain.errors import BadInput, NotFound
from eventlog.runner import Lag, lag
from projections.query import SEARCH, SORT
from projections.readable import QUERIES, Readable, keeps_rows
from projections.search import CHECKPOINT as SEARCHED
from projections.search import Asked, searched

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/ledgers"
MOST: Final = 500
USUAL: Final = 50
WAIT_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.02
_MOMENTS: Final = ("as_of", "known_at", "at_least")
_PAGING: Final = ("limit", "cursor", "format")
_FORMS: Final = ("json", *TYPES)


class LedgerColumn(Struct):
    """A column of a ledger."""

    name: str
    label: str
    kind: str
    words: Mapping[str, str]
    """What people read in place of a code."""


class LedgerFilter(Struct):
    """A query parameter of a ledger: `in` several values by comma, `from` ≥, `before` <."""

    name: str
    label: str
    how: str


class LedgerDescription(Struct):
    """A ledger: what it is called, its columns, what it can be asked."""

    name: str
    title: str
    sort: str
    """`code`: comes with the program; `register`: the district's own."""
    columns: list[LedgerColumn]
    filters: list[LedgerFilter]
    sorts: list[str]
    position: int
    state: str = "live"
    """`live`, `halted` (it stands still; its rows are as of `position`) or `building`."""
    quarantined: int = 0
    """Cases that it has set aside, because a fact of theirs cannot be taken in."""


class Query(Struct, kw_only=True):
    """What a request asks of a ledger."""

    ledger: Readable
    filters: dict[str, str]
    as_of: datetime | None
    known_at: datetime | None
    at_least: int | None

    def arguments(self, asking: Asking) -> dict[str, Any]:
        """Return the scope, the filters and moments as every ledger takes them.

        Words that are looked for give way to the cases found; this takes a connection of its own.
        """
        now = asking.services.engine.now()
        filters: Mapping[str, str] = self.filters
        if SEARCH in filters and keeps_rows(self.ledger):
            asked = Asked(self.ledger, filters, asking.scope, self.as_of, self.known_at, now)
            vault, titles = asking.services.vault, asking.sees_texts
            with asking.services.database.connection() as connection:
                filters = searched(connection, vault, asked, titles=titles)
        return {
            "scope": asking.scope,
            "filters": filters,
            "as_of": self.as_of,
            "known_at": self.known_at,
            "now": now,
        }


@router.get(
    BASE, summary="台账目录", tags=["台账"], responses=returns(LedgerDescription, "台账（items）")
)
def list_ledgers(asking: Reader, district: str) -> Response:
    """Return the ledgers, their columns and filters, and how far each has come."""
    del district
    with asking.services.database.connection() as connection:
        standing = {one.name: one for one in lag(connection)}
    items = [_described(one, standing) for one in _readable(asking).values()]
    return answer(Listing(items=items, position=min(one.position for one in items)))


def _documented(*, paging: bool) -> dict[str, Any]:
    """Describe the parameters; each ledger's own filters stand in the list of ledgers."""
    texts = {
        "as_of": "那时实际的情况，按现在所知（RFC 3339）",
        "known_at": "那时台账显示的情况（RFC 3339）",
        "at_least": "等到台账至少处理到这个位点（最多 5 秒）",
    }
    if paging:
        texts |= {
            "limit": f"每页行数，1 至 {MOST}",
            "cursor": "上一页的 next",
            "format": "json、csv 或 xlsx；也可用 Accept 头",
            SORT: "排序的列；前加 - 为倒序",
        }
    named = [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in texts.items()
    ]
    filters = {
        "name": "filters",
        "in": "query",
        "style": "form",
        "explode": True,
        "description": "各台账自己的筛选条件，见台账目录的 filters",
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    return {"parameters": [*named, filters]}


@router.get(
    BASE + "/{ledger}",
    summary="台账",
    tags=["台账"],
    responses=returns(Listing, "一页；csv、xlsx 为全部行"),
    openapi_extra=_documented(paging=True),
)
def read_ledger(request: Request, asking: LedgerReader, district: str, ledger: str) -> Response:
    """Return a page of rows, or all of them as a file."""
    del district
    return _renewed(asking, lambda: _read(request, asking, _ledger(asking, ledger)))


def _read(request: Request, asking: Asking, found: Readable) -> Response:
    refuse_unknown(request, [*_MOMENTS, *_PAGING, SORT, *found.filters])
    given = dict(request.query_params)
    query = _query(found, given)
    _await(asking, found, query)
    form = _form(request, given)
    if form != "json":
        return _file(form, found, asking, query, given)
    limit, arguments = _limit(given.get("limit")), query.arguments(asking)
    with asking.services.database.connection() as connection:
        page = found.page(connection, **arguments, limit=limit, cursor=given.get("cursor"))
    names = ["id", *(column.name for column in listed(found))]
    items = [{name: row[name] for name in names} for row in page.items]
    content = plain(
        {
            "items": items,
            "next": page.next,
            "as_of": page.as_of,
            "position": page.position,
            "final": page.final,
        }
    )
    return answer(content, headers=_link(request, given, page.next))


@router.get(
    BASE + "/{ledger}/summary",
    summary="台账合计",
    tags=["台账"],
    responses=returns(None, "各项合计"),
    openapi_extra=_documented(paging=False),
)
def read_summary(request: Request, asking: LedgerReader, district: str, ledger: str) -> Response:
    """Return a ledger's counts."""
    del district
    return _renewed(asking, lambda: _counted(request, asking, _ledger(asking, ledger)))


def _counted(request: Request, asking: Asking, found: Readable) -> Response:
    refuse_unknown(request, [*_MOMENTS, *found.filters])
    query = _query(found, dict(request.query_params))
    _await(asking, found, query)
    arguments = query.arguments(asking)
    with asking.services.database.connection() as connection:
        counts = found.summary(connection, **arguments)
    return answer(plain(counts))


def _ledger(asking: Asking, name: str) -> Readable:
    ledgers = _readable(asking)
    found = ledgers.get(name)
    if found is None:
        raise NotFound(what=f"这个台账（现有：{'、'.join(ledgers)}）")
    return found


def _readable(asking: Asking) -> Mapping[str, Readable]:
    """Return the ledgers of the district: those that keep rows, and those that are queries."""
    return {**asking.services.ledgers, **QUERIES}


def _renewed(asking: Asking, read: Callable[[], Response]) -> Response:
    """Read; once more if another process has just replaced the register's tables."""
    try:
        return read()
    except UndefinedTable:
        asking.services.ledgers.renew()
        return read()


def _described(ledger: Readable, standing: Mapping[str, Lag]) -> LedgerDescription:
    follows = [standing[name] for name in ledger.follows if name in standing]
    complete = len(follows) == len(ledger.follows)
    return LedgerDescription(
        name=ledger.name,
        title=ledger.title,
        sort="register" if ledger.called else "code",
        columns=[LedgerColumn(one.name, one.label, one.kind, one.words) for one in listed(ledger)],
        filters=[LedgerFilter(name, one.label, one.how) for name, one in ledger.filters.items()],
        sorts=[sort for name in ledger.sorts for sort in (name, f"-{name}")],
        position=min(one.position for one in follows) if complete else 0,
        state=next((one.state for one in follows if one.state != "live"), "live"),
        quarantined=sum(one.quarantined for one in follows),
    )


def _query(ledger: Readable, given: Mapping[str, str]) -> Query:
    filters: dict[str, str] = {}
    for name, value in given.items():
        if name in ledger.filters and ledger.filters[name].how in {"from", "before"}:
            query_moment(value, name)
            filters[name] = with_plus(value)
        elif name in ledger.filters or name == SORT:
            filters[name] = value
    return Query(
        ledger=ledger,
        filters=filters,
        as_of=_moment(given, "as_of"),
        known_at=_moment(given, "known_at"),
        at_least=_whole(given, "at_least"),
    )


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    return query_moment(given[name], name) if name in given else None


def _whole(given: Mapping[str, str], name: str) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 16):  # noqa: PLR2004 - below 2^53
        raise BadInput(detail=f"{name} 应为不小于 0 的整数", pointer=name)
    return int(value)


def _limit(value: str | None) -> int:
    limit = _whole({"limit": value}, "limit") if value is not None else USUAL
    if limit is None or not 1 <= limit <= MOST:
        raise BadInput(detail=f"limit 应在 1 至 {MOST} 之间", pointer="limit")
    return limit


def _form(request: Request, given: Mapping[str, str]) -> str:
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
    for form, media in (("json", "application/json"), *TYPES.items()):
        if media.partition(";")[0] in accept:
            return form
    if not accept or "*/*" in accept or "application/*" in accept:
        return "json"
    raise NotAcceptable(wanted=accept[:64], known="、".join(_FORMS))


def _await(asking: Asking, ledger: Readable, query: Query) -> None:
    """Wait, but not for ever, until a ledger has come to a position: who writes reads it.

    Raises:
        LedgerBehind: it has not by then.
    """
    wanted = query.at_least
    if wanted is None:
        return
    # The index of words too: who has just reported a case finds it by its title.
    follows = [*ledger.follows, *([SEARCHED] if SEARCH in query.filters else [])]
    asking.services.runner.wake()
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with asking.services.database.connection() as connection:
            standing = {one.name: one.position for one in lag(connection)}
        current = min(standing.get(name, 0) for name in follows)
        if current >= wanted:
            return
        if time.monotonic() > deadline:
            raise LedgerBehind(ledger=ledger.title, current=current, wanted=wanted)
        time.sleep(LOOK_SECONDS)


def _file(
    form: str,
    ledger: Readable,
    asking: Asking,
    query: Query,
    given: Mapping[str, str],
) -> Response:
    asked = {name: value for name, value in given.items() if name not in _PAGING}
    provenance = Provenance(asked, asking.services.id)
    directory, arguments = asking.reference.directory, query.arguments(asking)
    with (
        asking.services.database.connection() as connection,
        ledger.extract(connection, **arguments) as extract,
    ):
        file = write_file(form, ledger, extract, directory, provenance)
    name = f"{ledger.name}-{asking.services.id}-{extract.position}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(chunks(file), headers=headers, media_type=TYPES[form])


def _link(request: Request, given: Mapping[str, str], following: str | None) -> dict[str, str]:
    if following is None:
        return {}
    query = urlencode({**given, "cursor": following})
    return {"Link": f'<{request.scope["path"]}?{query}>; rel="next"'}
