"""四定三包视图: by case, leader, unit and campaign, now and at any moment; csv, xlsx, the chart."""

import tempfile
from collections.abc import Mapping
from typing import Any, BinaryIO, Final, cast

from fastapi import APIRouter
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api import asked as a
from api.access import Asking, LedgerReader, refuse_unknown
from api.answers import answer
from api.exporting import MEMORY_BYTES, TYPES, chunks
from api.openapi import returns
from api.routes.accountability import AnsweringState, CellState
from api.times import query_moment, shown, shown_or_none, with_plus
from domain.accountability_posts import day_of
from domain.errors import BadInput
from eventlog.database import Connection
from projections.accountability import FILTERS, Asked, Grouping, page
from projections.accountability_cells import LineCell, Who, cells_of
from projections.accountability_files import counted, group_name, write_cases, write_groups
from projections.accountability_groups import Ranked, page_of
from projections.accountability_sql import CHANGES
from projections.ledgers.accountability import ACCOUNTABILITY
from projections.query import Moment
from projections.remembered import Question
from projections.wall_chart import Naming
from workflows.directory_office import names_of

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/accountability"
TITLE: Final = "四定三包"
BY: Final = "by"
GROUPINGS: Final = ("campaign", "kind", "category")


class LineCellState(CellState, kw_only=True):
    """A cell of a case; `answered` is who answers for the breach by which it once lacked."""

    breached_at: str | None
    answered: list[AnsweringState]


class LineState(Struct, kw_only=True):
    """A case and its seven cells."""

    id: str
    number: str
    kind: str
    stage: str
    category: str | None
    severity: str | None
    lead: str | None
    holder: str | None
    reported_at: str
    ended_at: str | None
    cells: list[LineCellState]


class GroupState(Struct, kw_only=True):
    """The cases of a leader, unit or campaign, counted with their cells.

    `within` is a unit's with its subordinates'; `held`: duties of the post, or cells of the unit.
    """

    key: str
    name: str
    unit: str | None = None
    person: str | None = None
    """Who holds the post on that day; nobody is a vacancy (缺位)."""
    cases: dict[str, int]
    within: dict[str, int] | None = None
    held: dict[str, int] | None = None


class ViewState(Struct, kw_only=True):
    """A page of a view, and as of when it is."""

    items: list[Any]
    next: str | None
    as_of: str | None
    known_at: str | None
    position: int
    final: bool


def _documented(*, by: bool = False) -> dict[str, Any]:
    texts = {
        "as_of": "那时实际的情况，按现在所知（RFC 3339）；岗位由谁担任，也按那一天",
        **{name: one.label for name, one in FILTERS.items()},
    }
    if by:
        texts[BY] = "按什么归组：campaign 专项行动（默认）、kind 事项类型、category 类别"
    return {"parameters": a.documented([*a.MOMENTS, *a.PAGING], texts)}


@router.get(
    BASE + "/cases",
    summary="四定三包：按事项",
    tags=[TITLE],
    responses=returns(LineState, "每个事项一行、七格（items）；xlsx 为可打印的挂图"),
    openapi_extra=_documented(),
)
def read_cases(request: Request, asking: LedgerReader, district: str) -> Response:
    """Return the cases that must be answered for, each with its seven cells."""
    del district
    given = _given(request)
    asked = _asked(asking, given)
    form = a.form(request, given)
    if form != "json":
        return _file(form, None, asking, asked)
    with asking.services.database.connection() as connection:
        found = page(connection, asked, limit=a.limit(given), cursor=given.get("cursor"))
    now = found.moment.now
    items = [_line(one, cells_of(one, asked.directory, now)) for one in found.items]
    return _view(request, given, asked, items, found.next, found.moment)


@router.get(
    BASE + "/leaders",
    summary="四定三包：按包案领导",
    tags=[TITLE],
    responses=returns(GroupState, "每个领导岗位（items）；key 为空的是未定领导的事项"),
    openapi_extra=_documented(),
)
def read_leaders(request: Request, asking: LedgerReader, district: str) -> Response:
    """Return who leads how many cases, and how their cells stand."""
    del district
    return _groups(request, asking, "leader", _given(request))


@router.get(
    BASE + "/units",
    summary="四定三包：按单位",
    tags=[TITLE],
    responses=returns(GroupState, "每个牵头单位及其上级（items）；within 含下级单位"),
    openapi_extra=_documented(),
)
def read_units(request: Request, asking: LedgerReader, district: str) -> Response:
    """Return which unit has the lead in how many cases, itself and with its subordinates."""
    del district
    return _groups(request, asking, "unit", _given(request))


@router.get(
    BASE + "/campaigns",
    summary="四定三包：按专项行动",
    tags=[TITLE],
    responses=returns(GroupState, "每个专项行动（items）；key 为空的是没有列入的事项"),
    openapi_extra=_documented(by=True),
)
def read_campaigns(request: Request, asking: LedgerReader, district: str) -> Response:
    """Return how the cases of each campaign stand; or of each kind or category."""
    del district
    given = _given(request, BY)
    wanted = given.pop(BY, "campaign")
    if wanted not in GROUPINGS:
        raise BadInput(detail="by 应为 campaign、kind 或 category", pointer=BY)
    return _groups(request, asking, cast("Grouping", wanted), given)


def _given(request: Request, *more: str) -> dict[str, str]:
    refuse_unknown(request, [*a.MOMENTS, *a.PAGING, *FILTERS, *more])
    return dict(request.query_params)


def _asked(asking: Asking, given: Mapping[str, str], *, marked: bool = False) -> Asked:
    filters: dict[str, str] = {}
    for name in given.keys() & FILTERS.keys():
        filters[name] = given[name]
        if FILTERS[name].how in {"from", "before"}:
            query_moment(given[name], name)
            filters[name] = with_plus(given[name])
    wanted = a.moments(given)
    a.wait_for(asking, ACCOUNTABILITY.follows, ACCOUNTABILITY.title, wanted.at_least)
    return Asked(
        scope=asking.scope,
        kinds=asking.reference.kinds,
        directory=asking.reference.directory,
        filters=filters,
        as_of=wanted.as_of,
        known_at=wanted.known_at,
        now=asking.services.engine.now(),
        marked=marked,
    )


def _view(
    request: Request,
    given: Mapping[str, str],
    asked: Asked,
    items: list[Any],
    following: str | None,
    moment: Moment,
) -> Response:
    view = ViewState(
        items=items,
        next=following,
        as_of=shown_or_none(asked.as_of),
        known_at=shown_or_none(asked.known_at),
        position=moment.position,
        final=moment.final,
    )
    return answer(view, headers=a.link(request, given, following))


def _groups(request: Request, asking: Asking, by: Grouping, given: Mapping[str, str]) -> Response:
    asked = _asked(asking, given, marked=by == "campaign")
    form = a.form(request, given)
    if form != "json":
        return _file(form, by, asking, asked)
    with asking.services.database.connection() as connection:
        moment, every = _counted(connection, asking, asked, by)
    some, following = page_of(every, a.limit(given), given.get("cursor"))
    items = [_group(one, by, Naming(asked.directory), moment) for one in some]
    return _view(request, request.query_params, asked, items, following, moment)


def _counted(
    connection: Connection, asking: Asking, asked: Asked, by: Grouping
) -> tuple[Moment, list[Ranked]]:
    """Return all groups in their order; of now, as they were counted when anything last changed."""
    if asked.as_of is not None or asked.known_at is not None or asked.now is None:
        return counted(connection, asked, by)
    filters = tuple(sorted(asked.filters.items()))
    question = Question(
        key=("accountability", by, asked.scope, filters, asking.reference.position),
        now=asked.now,
        follows=ACCOUNTABILITY.follows,
        changes=CHANGES,
    )
    return asking.services.remembered.answer(
        connection, question, lambda: counted(connection, asked, by)
    )


def _group(one: Ranked, by: Grouping, naming: Naming, moment: Moment) -> GroupState:
    state = GroupState(key=one.key, name=group_name(one.key, by, naming), cases=one.cases)
    if by in {"leader", "unit"}:
        state.held = one.held
    if by == "unit":
        state.within = one.within
    post = naming.directory.posts.get(one.key) if by == "leader" else None
    if post is not None:
        state.unit, state.person = post.unit, post.holder_on(day_of(moment.now))
    return state


def _line(case: Mapping[str, Any], cells: tuple[LineCell, ...]) -> LineState:
    return LineState(
        id=str(case["case_id"]),
        number=case["number"],
        kind=case["kind"],
        stage=case["stage"],
        category=case["category"],
        severity=case["severity"],
        lead=case["lead"],
        holder=case["holder"],
        reported_at=shown(case["reported_at"]),
        ended_at=shown_or_none(case["ended_at"]),
        cells=[_cell(one) for one in cells],
    )


def _cell(cell: LineCell) -> LineCellState:
    return LineCellState(
        part=cell.part,
        title=cell.title,
        required=cell.required,
        status=cell.status,
        who=[_who(one) for one in cell.who],
        since=shown_or_none(cell.since),
        due=shown_or_none(cell.due),
        vacant=cell.vacant,
        done=cell.done,
        total=cell.total,
        breached_at=shown_or_none(cell.breached_at),
        answered=[_who(one) for one in cell.frozen],
    )


def _who(who: Who) -> AnsweringState:
    return AnsweringState(who.post, who.person, who.unit)


def _file(form: str, by: Grouping | None, asking: Asking, asked: Asked) -> Response:
    """Return every line or group as a file, written before it is sent.

    Persons have their names where the caller may see texts, else their ids.
    """
    names = names_of(asking.services.engine) if asking.sees_texts else {}
    naming, district = Naming(asked.directory, names), asking.services.id
    target = cast("BinaryIO", tempfile.SpooledTemporaryFile(MEMORY_BYTES))  # noqa: SIM115 - read later
    with asking.services.database.connection() as connection:
        if by is None:
            moment = write_cases(target, form, connection, asked, naming, district)
        else:
            moment = write_groups(target, form, connection, asked, by, naming, district)
    target.seek(0)
    name = f"accountability-{by or 'case'}s-{district}-{moment.position}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(chunks(target), headers=headers, media_type=TYPES[form])
