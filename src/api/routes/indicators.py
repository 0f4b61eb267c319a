"""考核指标: values now and as of any moment, by group, down to the cases."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from msgspec import Struct, structs
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api import asked as a
from api.access import Asking, Reader
from api.answers import Listing, answer, plain
from api.exporting import TYPES, chunks
from api.indicating import IndicatorDocument, document_of, file_of, question_of
from api.openapi import returns
from api.times import shown_or_none
from domain.directory import LEVELS
from domain.errors import BadInput
from eventlog.database import Connection
from projections import remembered
from projections.indicators import office
from projections.indicators.answers import Answer, Question
from projections.indicators.answers import answer as answered
from projections.indicators.columns import CHANGES
from projections.indicators.drilling import Drilled, drill
from projections.indicators.formula import UNITS, Formula
from projections.indicators.periods import Period, read_days, read_period
from projections.ledgers.measures import MEASURES

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/indicators"
ONE: Final = BASE + "/{indicator}"
MOST: Final = 200
_FACETS: Final = {"source": "source_system", "category": "category", "kind": "kind"}

Group = Literal["unit", "grid", "source", "category", "kind", "severity", "month"]
Version = Annotated[str | None, Query(max_length=32, description="公式版本；默认启用的一版")]
Span = Annotated[
    str | None, Query(alias="period", max_length=10, description="2026-10 或 2026；默认本期")
]
Day = Annotated[str | None, Query(alias="from", max_length=10, description="起始日（北京时间）")]
Last = Annotated[str | None, Query(alias="to", max_length=10, description="截止日（不含）")]
Unit = Annotated[str | None, Query(max_length=100, description="只看这个单元及其下级")]
Levels = Annotated[
    str | None, Query(max_length=100, description=f"比较哪些层级：{'、'.join(LEVELS)}")
]
Facet = Annotated[str | None, Query(max_length=200, description="只看这一项；空为未填")]


class IndicatorSummary(Struct, kw_only=True):
    """An indicator of the district, in the version that counts."""

    name: str
    version: str
    title: str
    meaning: str
    unit: str
    unit_label: str
    period: str
    levels: list[str]
    parts: dict[str, str]
    """What may be drilled into, with its Chinese name."""


class IndicatorCase(Struct, kw_only=True):
    """A case that a part counts, what it adds, and the facts that decided."""

    id: str
    number: str
    amount: int
    row: dict[str, Any]
    facts: list[dict[str, Any]]
    events: str


@router.get(
    BASE,
    summary="考核指标目录",
    tags=["考核指标"],
    responses=returns(IndicatorSummary, "启用的指标（items）"),
)
def list_indicators(asking: Reader, district: str) -> Response:
    """Return the indicators in use."""
    del district
    items = [_summary(one) for one in office.in_use(asking.reference.definitions)]
    return answer(Listing(items=items, position=asking.reference.position))


def _summary(kept: office.Kept) -> IndicatorSummary:
    formula = kept.formula
    return IndicatorSummary(
        name=formula.name,
        version=formula.version,
        title=formula.title,
        meaning=formula.meaning,
        unit=formula.unit,
        unit_label=UNITS[formula.unit],
        period="natural" if formula.start == 1 else f"{formula.start}-{formula.start - 1}",
        levels=list(formula.levels),
        parts={one.name: one.title for one in formula.parts},
    )


@router.get(
    ONE,
    summary="考核指标",
    tags=["考核指标"],
    responses=returns(IndicatorDocument, "数值、分组（items）、环比同比、下钻链接；或 csv、xlsx"),
)
def read_indicator(  # noqa: PLR0913 - one argument a parameter of the query
    *,
    request: Request,
    asking: Reader,
    district: str,
    indicator: str,
    by: Group | None = None,
    period: Span = None,
    since: Day = None,
    until: Last = None,
    unit: Unit = None,
    levels: Levels = None,
    compare: Annotated[bool, Query(description="附环比、同比")] = False,
    formula: Version = None,
    wanted: a.Wanted,
    form: a.Form = None,
) -> Response:
    """Return an indicator's value, by group if asked, now or as of any moment."""
    del district, form
    media = a.form(request, request.query_params)
    found = office.chosen(asking.reference.definitions, indicator, formula).formula
    question = question_of(
        asking,
        by=by,
        period=_period(found.start, period, since, until),
        unit=unit,
        levels=_levels(levels),
        compare=compare,
        as_of=wanted.as_of,
        known_at=wanted.known_at,
    )
    a.wait_for(asking, MEASURES.follows, MEASURES.title, wanted.at_least)
    with asking.services.database.connection() as connection:
        result = _answered(connection, asking, found, question)
    if media == "json":
        base = f"{request.scope['path']}/cases"
        return answer(plain(document_of(found, question, result, base)))
    asked = {name: value for name, value in request.query_params.items() if name != "format"}
    file = file_of(media, found, result, asking, asked)
    name = f"{found.name}-{asking.services.id}-{result.position}.{media}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(chunks(file), headers=headers, media_type=TYPES[media])


def _answered(
    connection: Connection, asking: Asking, formula: Formula, question: Question
) -> Answer:
    """Answer; of now, as it was counted when anything last changed."""

    def find() -> Answer:
        return answered(connection, formula, question, asking.reference.directory)

    if question.as_of is not None or question.known_at is not None or question.now is None:
        return find()
    asked = structs.replace(question, now=None)
    lasting = remembered.Question(
        key=("indicator", formula.name, formula.version, asked, asking.reference.position),
        now=question.now,
        follows=MEASURES.follows,
        changes=CHANGES,
    )
    return asking.services.remembered.answer(connection, lasting, find)


@router.get(
    ONE + "/cases",
    summary="考核指标下钻到事项",
    tags=["考核指标"],
    responses=returns(IndicatorCase, "计入的事项（items），各带起决定作用的办理记录"),
)
def read_cases(  # noqa: PLR0913 - one argument a parameter of the query
    *,
    request: Request,
    asking: Reader,
    district: str,
    indicator: str,
    part: Annotated[str, Query(max_length=63, description="numerator、denominator 或积分项")],
    period: Span = None,
    since: Day = None,
    until: Last = None,
    unit: Unit = None,
    levels: Annotated[
        str | None, Query(max_length=100, description="这些层级的下级单元另计，不算在内")
    ] = None,
    grid: Annotated[str | None, Query(max_length=100, description="发生地在这个单元")] = None,
    source: Facet = None,
    category: Facet = None,
    kind: Facet = None,
    severity: Facet = None,
    formula: Version = None,
    wanted: a.Wanted,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Return the cases that a part counts, the latest first, with the facts that decided."""
    found = office.chosen(asking.reference.definitions, indicator, formula).formula
    own = _unit(asking, unit, "unit")
    facets = {"source": source, "category": category, "kind": kind, "severity": severity}
    drilled = Drilled(
        scope=asking.scope,
        part=part,
        period=_period(found.start, period, since, until),
        unit=own,
        besides=_besides(asking, own, _levels(levels)) if own else (),
        places=_places(asking, grid),
        facets={_FACETS.get(name, name): one for name, one in facets.items() if one is not None},
        limit=limit,
        cursor=cursor,
        as_of=wanted.as_of,
        known_at=wanted.known_at,
        now=asking.services.engine.now(),
    )
    a.wait_for(asking, MEASURES.follows, MEASURES.title, wanted.at_least)
    with asking.services.database.connection() as connection:
        page = drill(connection, found, drilled)
    items = [
        IndicatorCase(
            id=one.row["id"],
            number=one.row["number"],
            amount=one.amount,
            row={name: value for name, value in one.row.items() if name not in {"id", "number"}},
            facts=[plain(fact) for fact in one.facts],
            events=f"/v1/districts/{district}/cases/{one.row['id']}/events",
        )
        for one in page.items
    ]
    listing = {
        "items": items,
        "next": page.next,
        "as_of": shown_or_none(drilled.as_of),
        "position": page.position,
        "final": page.final,
        "formula": found.label,
        "part": part,
        "period": page.period.label,
    }
    return answer(plain(listing), headers=a.link(request, request.query_params, page.next))


def _besides(asking: Asking, unit: str, levels: tuple[str, ...]) -> tuple[str, ...]:
    units = asking.reference.directory.units.values()
    return tuple(
        one.id for one in units if one.level in levels and one.id != unit and unit in one.path
    )


def _places(asking: Asking, grid: str | None) -> tuple[str, ...] | None:
    found = _unit(asking, grid, "grid")
    if found is None:
        return None
    units = asking.reference.directory.units.values()
    return tuple(one.id for one in units if found in one.path)


def _unit(asking: Asking, text: str | None, pointer: str) -> str | None:
    """Return a unit's id, also of one that was dissolved: its cases stay with it."""
    directory = asking.reference.directory
    if text is None or text in directory.units:
        return text
    return directory.find(text, pointer=pointer).id


def _period(start: int, text: str | None, since: str | None, until: str | None) -> Period | None:
    if text is not None:
        if since is not None or until is not None:
            raise BadInput(detail="period 与 from、to 只能写一种", pointer="period")
        return read_period(start, text)
    if since is None and until is None:
        return None
    if since is None or until is None:
        raise BadInput(detail="from 和 to 须同时写", pointer="from")
    return read_days(since, until)


def _levels(text: str | None) -> tuple[str, ...]:
    levels = tuple(text.split(",")) if text else ()
    if unknown := [one for one in levels if one not in LEVELS]:
        detail = f"没有层级“{'、'.join(unknown)}”；可用：{'、'.join(LEVELS)}"
        raise BadInput(detail=detail, pointer="levels")
    return levels
