"""事项: a case now or at any moment, its facts, and what changed between two moments."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.access import Asking, Reader
from api.answers import Listing, answer, entity_tag
from api.differences import CaseDifference, compare, point_of
from api.openapi import returns
from api.past import AtMoment, Moment, opened, read_document, records_of, texts_of
from api.shapes import CaseDocument, FactDocument, fact_document
from domain.errors import BadInput
from eventlog.streams import sourced_case

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/cases"
Point = Annotated[str | None, Query(max_length=64, description="版本或时间（RFC 3339）")]


@router.get(
    BASE + "/by-source/{system}/{source_id:path}",
    summary="按来源编号查事项",
    tags=["事项"],
    responses=returns(CaseDocument, "事项"),
)
def read_by_source(
    asking: Reader,
    district: str,
    system: str,
    source_id: str,
    moment: AtMoment,
) -> Response:
    """Return the case that another system knows by its own number."""
    del district
    stream = sourced_case(asking.services.engine.district, system, source_id)
    return _read(asking, stream, moment)


@router.get(
    BASE + "/{case_id}", summary="事项", tags=["事项"], responses=returns(CaseDocument, "事项")
)
def read_case(
    asking: Reader,
    district: str,
    case_id: str,
    moment: AtMoment,
) -> Response:
    """Return a case as it is, or as it was at a version or moment."""
    del district
    return _read(asking, case_id, moment)


@router.get(
    BASE + "/{case_id}/events",
    summary="办理轨迹",
    tags=["事项"],
    responses=returns(FactDocument, "按次序的全部办理记录（items）"),
)
def read_events(asking: Reader, district: str, case_id: str) -> Response:
    """Return the facts of a case in order, with their texts where the caller may see them."""
    del district
    records = records_of(asking, case_id)
    texts = opened(asking, records)
    items = [
        fact_document(record, texts_of(record, texts) if asking.sees_texts else None)
        for record in records
    ]
    return answer(
        Listing(items=items, position=records[-1].position),
        headers={"ETag": entity_tag(len(records))},
    )


@router.get(
    BASE + "/{case_id}/diff",
    summary="两个版本或时间之间的变化",
    tags=["事项"],
    responses=returns(CaseDifference, "变了什么，由谁"),
)
def read_difference(
    asking: Reader,
    district: str,
    case_id: str,
    since: Annotated[Point, Query(alias="from")] = None,
    until: Annotated[Point, Query(alias="to")] = None,
) -> Response:
    """Return which fields differ between two versions or moments, and who changed them last."""
    del district
    if since is None:
        raise BadInput(detail="缺少查询参数 from（版本或时间）", pointer="from")
    records = records_of(asking, case_id)
    points = (point_of(since, "from"), point_of(until or str(len(records)), "to"))
    return answer(compare(asking, records, *points))


def _read(asking: Asking, case_id: str, moment: Moment) -> Response:
    document = read_document(asking, records_of(asking, case_id), moment)
    return answer(document, headers={"ETag": entity_tag(document.version)})
