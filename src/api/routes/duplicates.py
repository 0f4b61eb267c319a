"""重复件: which open cases may be the same issue, by place, time and category, or by number."""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from msgspec import Struct
from starlette.responses import Response

from api.access import Asking, Reader
from api.answers import Listing, answer
from api.openapi import returns
from api.past import records_of
from api.times import query_moment, shown
from domain.errors import BadInput
from domain.facts import CaseReported, Location
from domain.kind import Likeness
from domain.places import DEGREE, in_wgs84
from eventlog.records import Record
from projections.places import Suggestion, Wanted, suggest
from workflows.loading import folded

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}"
SPAN: Final = r"^[1-9][0-9]{0,3}$"
Radius = Annotated[str | None, Query(pattern=SPAN, description="多近，米；默认按事项类型的规定")]
Hours = Annotated[str | None, Query(pattern=SPAN, description="前后多少小时；默认按事项类型的规定")]
Alike = Annotated[
    Literal["same", "any"] | None,
    Query(description="same 只看同一类别，any 不论类别；默认按事项类型的规定"),
]
Degrees = Annotated[
    str, Query(pattern=r"^-?[0-9]{1,3}(\.[0-9]{1,15})?$", description="度，如 107.3912345")
]
Category = Annotated[str | None, Query(max_length=100, description="类别；不填则不论类别")]
Source = Annotated[str | None, Query(max_length=200, description="来源编号")]
FIRST: Final = "closed-loop"
"""The kind that is meant where the query names none."""
EAST_MOST: Final = 180
NORTH_MOST: Final = 90


class DuplicateDocument(Struct, kw_only=True):
    """A case that may be the same issue; `distance` in metres, `reasons` of `place`, `source`."""

    id: str
    number: str
    kind: str
    stage: str
    category: str | None
    place: str | None
    reported_at: str
    distance: int | None
    reasons: list[str]


@router.get(
    BASE + "/cases/{case_id}/duplicates",
    summary="可能重复的事项",
    tags=["事项"],
    responses=returns(DuplicateDocument, "在办的、可能是同一件事的事项，近的在前（items）"),
)
def read_duplicates(
    *,
    asking: Reader,
    district: str,
    case_id: str,
    radius: Radius = None,
    hours: Hours = None,
    alike: Alike = None,
) -> Response:
    """Return open cases in the caller's scope that may be the same issue as this one.

    How near, how close in time and of which category is what the case's kind says, unless given.
    """
    del district
    records = records_of(asking, case_id)
    case, engine = folded(records), asking.services.engine
    own = (case.source,) if case.source else ()
    rule = _rule(engine.reference.kinds[case.kind_hash].likeness, radius, hours, alike)
    wanted = Wanted(
        point=_point(records),
        at=case.reported_at or engine.now(),
        category=case.category if rule.same_category else None,
        numbers=tuple(one.id for one in (*own, *case.aftercare.sources)),
        radius=rule.radius,
        hours=rule.hours,
        own=case.id,
    )
    return _suggested(asking, wanted)


@router.get(
    BASE + "/duplicates",
    summary="上报前查重",
    tags=["事项"],
    responses=returns(DuplicateDocument, "在办的、可能是同一件事的事项，近的在前（items）"),
)
def check_before_report(  # noqa: PLR0913 - one argument a parameter of the query
    *,
    asking: Reader,
    district: str,
    longitude: Degrees,
    latitude: Degrees,
    crs: Literal["wgs84", "cgcs2000", "gcj02"],
    category: Category = None,
    at: Annotated[str | None, Query(description="发生时间（RFC 3339），默认现在")] = None,
    source_id: Source = None,
    kind: Annotated[str | None, Query(max_length=64, description="要上报的事项类型")] = None,
    radius: Radius = None,
    hours: Hours = None,
    alike: Alike = None,
) -> Response:
    """Return open cases that may be the issue which somebody is about to report.

    Raises:
        UnknownKind: no such kind is in use.
    """
    del district
    east, north = float(longitude), float(latitude)
    if abs(east) > EAST_MOST or abs(north) > NORTH_MOST:
        raise BadInput(detail="经度 -180 至 180，纬度 -90 至 90", pointer="longitude")
    rule = _rule(_of_kind(asking, kind), radius, hours, alike)
    location = Location(crs, round(east * DEGREE), round(north * DEGREE))
    wanted = Wanted(
        point=in_wgs84(location),
        at=_at(at, asking),
        category=(category or None) if rule.same_category else None,
        numbers=(source_id,) if source_id else (),
        radius=rule.radius,
        hours=rule.hours,
    )
    return _suggested(asking, wanted)


def _of_kind(asking: Asking, kind: str | None) -> Likeness:
    """Return what a kind in use says; without a name what the first says, if it is in use."""
    reference = asking.reference
    if kind is None and FIRST not in reference.active:
        return Likeness()
    return reference.kind(kind or FIRST).likeness


def _rule(of_kind: Likeness, radius: str | None, hours: str | None, alike: str | None) -> Likeness:
    """Return what counts: what the query says, else the kind."""
    return Likeness(
        int(radius) if radius else of_kind.radius,
        int(hours) if hours else of_kind.hours,
        of_kind.same_category if alike is None else alike == "same",
    )


def _at(text: str | None, asking: Asking) -> datetime:
    return asking.services.engine.now() if text is None else query_moment(text, "at")


def _point(records: list[Record]) -> tuple[int, int] | None:
    facts = (record.fact for record in records)
    given = (fact.location for fact in facts if isinstance(fact, CaseReported))
    return next((in_wgs84(location) for location in given if location is not None), None)


def _suggested(asking: Asking, wanted: Wanted) -> Response:
    with asking.services.database.connection() as connection:
        found = suggest(connection, wanted, asking.scope)
    position = asking.reference.position
    return answer(Listing(items=[_document(one) for one in found], position=position))


def _document(one: Suggestion) -> DuplicateDocument:
    return DuplicateDocument(
        id=one.id,
        number=one.number,
        kind=one.kind,
        stage=one.stage,
        category=one.category,
        place=one.place,
        reported_at=shown(one.reported_at),
        distance=one.distance,
        reasons=list(one.reasons),
    )
