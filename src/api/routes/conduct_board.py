"""文明行为榜 as the public sees it: what hangs on a day, with masked names (张*) and no ids."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from msgspec import Struct
from starlette.responses import Response

from api.access import Reader
from api.answers import Listing, answer, plain
from api.openapi import returns
from api.times import query_moment
from domain.directory import Directory
from projections.ledger import Item
from projections.ledgers.conduct_board import BOARDS, CONDUCT_BOARD
from projections.scope import Scope
from projections.sheet import revealed

router: Final = APIRouter()
EVERYBODY: Final = Scope()
"""What hangs, hangs for everybody in the district; confidential cases do not."""
STAR: Final = "*"

AsOf = Annotated[str | None, Query(description="那时公示的（RFC 3339）；默认现在")]


class PublicEntry(Struct, kw_only=True, rename={"since": "from", "until": "to"}):
    """Somebody on a board; `to` is the last day."""

    board: str
    board_title: str
    name: str
    """The first character and a star; the rest stays sealed."""
    place: str | None
    since: str
    until: str


@router.get(
    "/v1/districts/{district}/conduct-board",
    summary="文明行为榜（公开）",
    tags=["文明行为榜"],
    responses=returns(PublicEntry, "公示期内的（items）；姓名只显示姓，不含任何编号"),
)
def read_board(asking: Reader, district: str, as_of: AsOf = None) -> Response:
    """Return what hangs on the boards: now, or on the day of a moment."""
    del district
    services = asking.services
    arguments: dict[str, Any] = {
        "scope": EVERYBODY,
        "filters": {"hangs": "true", "sort": "proposed_at"},
        "as_of": query_moment(as_of, "as_of") if as_of else None,
        "now": services.engine.now(),
    }
    with (
        services.database.connection() as connection,
        services.database.connection() as texts,
        CONDUCT_BOARD.extract(connection, **arguments) as extract,
    ):
        names = [column for column in CONDUCT_BOARD.columns if column.kind == "reference"]
        rows = list(revealed(extract.items, names, texts, services.vault))
    items = [_entry(row, asking.reference.directory) for row in rows]
    return answer(plain(Listing(items=items, position=extract.position)))


def masked(name: str) -> str:
    """Return a name as the public sees it; of one that was erased only the star."""
    return f"{name.strip()[:1]}{STAR}"


def _entry(row: Item, directory: Directory) -> PublicEntry:
    place = directory.units.get(row["place"])
    return PublicEntry(
        board=row["board"],
        board_title=BOARDS.get(row["board"], ""),
        name=masked(row["name"]),
        place=place.name if place else None,
        since=row["since"].isoformat(),
        until=row["until"].isoformat(),
    )
