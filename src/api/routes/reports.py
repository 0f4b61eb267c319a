"""上报: an issue comes in; sent twice, it exists once."""

import re
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from msgspec import Meta, Struct, to_builtins
from msgspec.structs import replace
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.access import Asking, Writer
from api.answers import answer, entity_tag
from api.body import AttachmentIds, SentTime, tree_of, typed
from api.hot import HotRoute
from api.idempotency import caller_of, canonical
from api.metered import count_appended
from api.openapi import command, returns
from api.shapes import CaseState, state_fields
from api.times import moment
from domain.commands import Report
from domain.errors import SourceConflict, UnknownField
from domain.facts import Location, SourceReference
from eventlog.reader import read_stream
from eventlog.records import Record
from eventlog.streams import sourced_case
from workflows.engine import Outcome
from workflows.loading import folded
from workflows.sight import visible

router: Final = APIRouter()
DEGREE: Final = 10_000_000
"""A location is stored in integers of 1e-7 degree, about a centimetre."""
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Number = Annotated[str, Meta(min_length=1, max_length=200)]
Short = Annotated[str, Meta(max_length=100)]


class SourceBody(Struct, forbid_unknown_fields=True):
    """The number by which another system knows the issue."""

    system: Name
    id: Number


class LocationBody(Struct, forbid_unknown_fields=True):
    """A GeoJSON point with the reference system it is given in."""

    type: Literal["Point"]
    coordinates: Annotated[list[float], Meta(min_length=2, max_length=2)]
    crs: Literal["wgs84", "cgcs2000", "gcj02"]


class ReportBody(Struct, forbid_unknown_fields=True):
    """上报; only the title is needed. `due` is by when the reporting system wants it done."""

    title: str
    kind: str = "closed-loop"
    description: str | None = None
    category: Short | None = None
    unit: Short | None = None
    location: LocationBody | None = None
    reporter: dict[str, str] = {}
    identity: Literal["hidden"] | None = None
    """身份隐藏: nobody but intake and callback reads who reported it."""
    agent: dict[str, str] = {}
    """帮办代办: `name`, `phone`, `address` and `relation` of who reports for the reporter."""
    occurred_at: SentTime = None
    due: SentTime = None
    source: SourceBody | None = None
    data: dict[str, Any] = {}
    attachments: AttachmentIds = []


async def report(request: Request, asking: Writer, district: str) -> Response:
    """Take in an issue: 201 when it is new, 200 when its source reference is known already."""
    tree = await tree_of(request)
    caller = caller_of(request, asking, tree)
    command = _command(typed(tree, ReportBody), asking)
    engine = asking.services.engine
    try:
        outcome = await engine.report(command, caller)
    except SourceConflict:
        if await run_in_threadpool(_hidden, asking, command):
            raise _conflict(command) from None
        raise
    case = outcome.case
    if not outcome.created and not visible(case, asking.actor):
        raise _conflict(command)
    count_appended(request, district, outcome)
    position = outcome.position or await run_in_threadpool(_last_position, asking, command)
    kind = engine.reference.kinds.get(case.kind_hash)
    state = CaseState(**state_fields(case, kind, case.version, position))
    headers = {
        "ETag": entity_tag(case.version),
        "Location": f"/v1/districts/{district}/cases/{case.id}",
    }
    return answer(state, _status(outcome), headers)


router.add_api_route(
    "/v1/districts/{district}/cases",
    report,
    methods=["POST"],
    route_class_override=HotRoute,
    status_code=201,
    summary="上报",
    tags=["事项"],
    responses=returns(CaseState, "新事项", status=201)
    | returns(CaseState, "这个来源编号已有内容相同的事项"),
    openapi_extra=command(ReportBody),
)


def _status(outcome: Outcome) -> int:
    return 201 if outcome.created else 200


def _command(body: ReportBody, asking: Asking) -> Report:
    source = body.source
    if source is not None:
        _refuse_controls(source.system, "/source/system")
        _refuse_controls(source.id, "/source/id")
    _refuse_controls(body.category or "", "/category")
    at = None if body.occurred_at is None else moment(body.occurred_at, "/occurred_at")
    return Report(
        kind=body.kind,
        title=body.title,
        description=body.description,
        category=body.category,
        unit=body.unit,
        location=_location(body.location) if body.location else None,
        reporter=body.reporter,
        identity=body.identity,
        agent=body.agent,
        source=SourceReference(source.system, source.id) if source else None,
        content=_content(body, asking) if source else None,
        data=body.data,
        occurred_at=at,
        due=None if body.due is None else moment(body.due, "/due"),
        attachments=tuple(body.attachments),
    )


def _refuse_controls(text: str, pointer: str) -> None:
    """Keep what separates the parts of an id out of its parts."""
    if _CONTROLS.search(text):
        name = pointer.rpartition("/")[2]
        raise UnknownField(field=name, detail="含有控制字符", pointer=pointer)


def _location(body: LocationBody) -> Location:
    longitude, latitude = body.coordinates
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):  # noqa: PLR2004 - degrees
        raise UnknownField(
            field="coordinates",
            detail="应为 [经度, 纬度]，经度 -180 至 180，纬度 -90 至 90",
            pointer="/location/coordinates",
        )
    return Location(body.crs, round(longitude * DEGREE), round(latitude * DEGREE))


def _content(body: ReportBody, asking: Asking) -> str:
    """Return the keyed digest of what the source sent; after the dot, of what became of it."""
    said: dict[str, Any] = to_builtins(replace(body, source=None))
    if not body.attachments:
        # Reports that came before there were attachments must still be known again.
        del said["attachments"]
    for name in ("identity", "agent"):
        if not said[name]:
            del said[name]
    return asking.services.vault.fingerprint(canonical(said)) + "."


def _last_position(asking: Asking, command: Report) -> int:
    """Return where the last fact of a known source's case stands."""
    records = _records(asking, command)
    return max((record.position for record in records), default=0)


def _hidden(asking: Asking, command: Report) -> bool:
    """Tell whether a known source's case lies outside the caller's scope."""
    records = _records(asking, command)
    return bool(records) and not visible(folded(records), asking.actor)


def _records(asking: Asking, command: Report) -> list[Record]:
    source = command.source
    if source is None:
        return []
    stream = sourced_case(asking.services.engine.district, source.system, source.id)
    with asking.services.database.connection() as connection:
        return read_stream(connection, stream)


def _conflict(command: Report) -> SourceConflict:
    """Say that a number is taken, without saying by which case of another scope."""
    source = command.source
    return SourceConflict(
        system=source.system if source else "",
        source_id=source.id if source else "",
        number="（不在您的管辖范围内）",
        pointer="/source/id",
    )
