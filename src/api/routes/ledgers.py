"""台账: rows and counts of every ledger, now, as of and as known at any moment; csv and xlsx."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter
from msgspec import Struct
from psycopg.errors import UndefinedTable
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api import asked as a
from api.access import Asking, LedgerReader, Reader, refuse_unknown
from api.answers import Listing, answer, plain
from api.exporting import TYPES, Provenance, chunks, listed, write_file
from api.openapi import returns
from api.times import query_moment, with_plus
from domain.errors import NotFound
from eventlog.runner import Lag, lag
from projections.query import SEARCH, SORT
from projections.readable import PROGRAMMED, QUERIES, Readable, keeps_rows
from projections.search import CHECKPOINT as SEARCHED
from projections.search import Asked, searched

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/ledgers"


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
    moments: a.Moments

    def arguments(self, asking: Asking) -> dict[str, Any]:
        """Return the scope, the filters and moments as every ledger takes them.

        Words that are looked for give way to the cases found; this takes a connection of its own.
        """
        now, moments = asking.services.engine.now(), self.moments
        filters: Mapping[str, str] = self.filters
        if SEARCH in filters and keeps_rows(self.ledger):
            asked = Asked(self.ledger, filters, asking.scope, moments.as_of, moments.known_at, now)
            vault, titles = asking.services.vault, asking.sees_texts
            with asking.services.database.connection() as connection:
                filters = searched(connection, vault, asked, titles=titles)
        return {
            "scope": asking.scope,
            "filters": filters,
            "as_of": moments.as_of,
            "known_at": moments.known_at,
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
    paged = {SORT: "排序的列；前加 - 为倒序"} if paging else {}
    named = a.documented([*a.MOMENTS, *(a.PAGING if paging else ())], paged)
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
    refuse_unknown(request, [*a.MOMENTS, *a.PAGING, SORT, *found.filters])
    given = dict(request.query_params)
    query = _query(found, given)
    _await(asking, query)
    form = a.form(request, given)
    if form != "json":
        return _file(form, found, asking, query, given)
    limit, arguments = a.limit(given), query.arguments(asking)
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
    return answer(content, headers=a.link(request, given, page.next))


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
    refuse_unknown(request, [*a.MOMENTS, *found.filters])
    query = _query(found, dict(request.query_params))
    _await(asking, query)
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
        sort="code" if ledger.name in PROGRAMMED else "register",
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
    return Query(ledger=ledger, filters=filters, moments=a.moments(given))


def _await(asking: Asking, query: Query) -> None:
    """Let the ledger come to the position asked for: who writes reads it. Raises LedgerBehind."""
    # The index of words too: who has just reported a case finds it by its title.
    follows = [*query.ledger.follows, *([SEARCHED] if SEARCH in query.filters else [])]
    a.wait_for(asking, follows, query.ledger.title, query.moments.at_least)


def _file(
    form: str,
    ledger: Readable,
    asking: Asking,
    query: Query,
    given: Mapping[str, str],
) -> Response:
    asked = {name: value for name, value in given.items() if name not in a.PAGING}
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
