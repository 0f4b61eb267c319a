"""台账重建: folding a ledger anew in the background, and how far that is."""

from typing import Any, Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.responses import Response

from api.access import Administrator, Asking
from api.answers import answer
from api.openapi import returns
from domain.errors import NotFound
from projections.ledger import Ledger
from projections.rebuilding import Standing, standing_of

router: Final = APIRouter()
PATH: Final = "/v1/districts/{district}/ledgers/{ledger}/rebuild"
ACCEPTED: Final = 202


class RowsDocument(Struct, kw_only=True):
    """Rows of one table before and after, and how many differ."""

    table: str
    before: int
    after: int
    differing: int


class ComparedDocument(Struct, kw_only=True):
    """Old and new rows, held against each other at one position when the rebuild ended."""

    position: int
    comparable: bool
    differing: int
    rows: list[RowsDocument]
    first: list[str]
    text: str


class RebuildDocument(Struct, kw_only=True):
    """A ledger, and its rebuild: `building` with its own position, `halted`, or none (`live`)."""

    ledger: str
    title: str
    state: str
    position: int
    head: int
    behind: int
    seconds: int
    pace: int
    detail: str
    live_position: int
    live_state: str
    compared: ComparedDocument | None


@router.post(
    PATH,
    summary="重建台账",
    tags=["管理"],
    status_code=ACCEPTED,
    responses=returns(RebuildDocument, "已开始；进度见同一地址的 GET", status=ACCEPTED),
)
def begin_rebuild(asking: Administrator, district: str, ledger: str) -> Response:
    """Begin to fold a ledger anew; the rows there are answer meanwhile.

    Asked again while it is under way, nothing changes; one that halted goes on.
    """
    del district
    found = _ledger(asking, ledger)
    rebuilder = asking.services.rebuilder
    if rebuilder is None:
        raise NotFound(what="后台重建（本服务没有开启）")
    rebuilder.request(found)
    return answer(_document(asking, found), ACCEPTED)


@router.get(PATH, summary="台账重建进度", tags=["管理"], responses=returns(RebuildDocument, "进度"))
def read_rebuild(asking: Administrator, district: str, ledger: str) -> Response:
    """Return how far the rebuild is, and what the last one found."""
    del district
    return answer(_document(asking, _ledger(asking, ledger)))


def _ledger(asking: Asking, name: str) -> Ledger[Any, Any]:
    ledgers = asking.services.ledgers
    found = ledgers.get(name)
    if found is None:
        raise NotFound(what=f"这个台账（现有：{'、'.join(ledgers)}）")
    return found


def _document(asking: Asking, ledger: Ledger[Any, Any]) -> RebuildDocument:
    with asking.services.database.connection() as connection:
        standing = standing_of(connection, ledger)
    live, shown = standing.live, standing.build or standing.live
    return RebuildDocument(
        ledger=ledger.name,
        title=ledger.title,
        state=shown.state if shown else "live",
        position=shown.position if shown else 0,
        head=shown.head if shown else 0,
        behind=shown.behind if shown else 0,
        seconds=int(shown.seconds) if shown else 0,
        pace=shown.pace if shown else 0,
        detail=shown.detail if shown else "",
        live_position=live.position if live else 0,
        live_state=live.state if live else "live",
        compared=_compared(standing),
    )


def _compared(standing: Standing) -> ComparedDocument | None:
    found = standing.compared
    if found is None:
        return None
    rows = [
        RowsDocument(table=name, before=one.before, after=one.after, differing=one.differing)
        for name, one in found.rows.items()
    ]
    return ComparedDocument(
        position=found.position,
        comparable=found.comparable,
        differing=found.differing,
        rows=rows,
        first=found.first,
        text=found.text,
    )
