"""变更推送: the facts of the district by position, CloudEvents-shaped, without any text."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query
from msgspec import Struct
from starlette.responses import Response

from api.access import Asking, Reader
from api.answers import answer
from api.openapi import returns
from api.shapes import FactDocument, fact_document
from domain.errors import BadInput
from domain.facts import CASE, ConfidentialitySet, RecusalDeclared
from eventlog.database import Connection
from eventlog.reader import read_range, read_tails, read_telling
from eventlog.records import Record
from workflows.loading import folded
from workflows.sight import visible

router: Final = APIRouter()
MOST: Final = 1000
USUAL: Final = 100
KEPT: Final = (ConfidentialitySet.TYPE, RecusalDeclared.TYPE)
"""The facts by which a case is kept from somebody who would see it otherwise."""


class Event(Struct, kw_only=True):
    """A fact as a CloudEvent (1.0); `position` is where to go on from."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    position: int
    data: FactDocument


class Feed(Struct, kw_only=True):
    """Events after a position; go on after `through`, which passes what the scope leaves out."""

    items: list[Event]
    through: int


@router.get(
    "/v1/districts/{district}/events",
    summary="变更推送",
    tags=["推送"],
    responses=returns(Feed, "按位点排列的办理记录"),
)
def read_feed(
    asking: Reader,
    district: str,
    after: Annotated[str, Query(pattern=r"^[0-9]{1,15}$", description="此位点之后")] = "0",
    limit: Annotated[str, Query(pattern=r"^[0-9]{1,4}$", description=f"1 至 {MOST}")] = str(USUAL),
) -> Response:
    """Return facts of cases in the caller's scope, in the order of the log."""
    if not 1 <= int(limit) <= MOST:
        raise BadInput(detail=f"limit 应在 1 至 {MOST} 之间", pointer="limit")
    with asking.services.database.connection() as connection:
        records = read_range(connection, int(after), int(limit))
        seen = _in_scope(asking, connection, records)
    items = [_event(record, district) for record in seen]
    through = records[-1].position if records else int(after)
    return answer(Feed(items=items, through=through))


def _in_scope(asking: Asking, connection: Connection, records: Sequence[Record]) -> list[Record]:
    """Keep the facts of cases, and of those the ones the caller may see now."""
    found = [record for record in records if record.body.stream_type == CASE]
    streams = list({record.stream for record in found})
    if asking.actor.unit is None:
        # Who sees the whole district is kept out of few cases: only those are looked at.
        streams = read_telling(connection, streams, KEPT) if streams else []
    tails = read_tails(connection, streams) if streams else {}
    blind = {s for s, (facts, _) in tails.items() if not visible(folded(facts), asking.actor)}
    return [record for record in found if record.stream not in blind]


def _event(record: Record, district: str) -> Event:
    document = fact_document(record)
    return Event(
        specversion="1.0",
        id=document.id,
        source=f"/v1/districts/{district}",
        type=document.type,
        subject=f"cases/{record.stream}",
        time=document.occurred_at,
        datacontenttype="application/json",
        position=record.position,
        data=document,
    )
