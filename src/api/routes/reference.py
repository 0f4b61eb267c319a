"""事项类型、工作日历: what decisions look up, as this district has it now."""

from typing import Any, Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.responses import Response

from api.access import Reader
from api.answers import Listing, answer
from api.openapi import returns
from domain.calendar import Calendar
from domain.kind import Kind, json_schema

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}"


class StageDocument(Struct):
    """A stage of a kind."""

    stage: str
    title: str
    phase: str
    initial: bool
    ending: bool


class ActionDocument(Struct):
    """An action of a kind: in which stages, by which roles, with which form."""

    action: str
    title: str
    stages: list[str]
    roles: list[str]
    to: str | None
    schema: dict[str, Any]


class KindDocument(Struct, kw_only=True):
    """A kind of case that new cases may follow."""

    name: str
    version: str
    hash: str
    title: str
    report_schema: dict[str, Any]
    stages: list[StageDocument]
    actions: list[ActionDocument]


class CalendarDocument(Struct, kw_only=True):
    """A working calendar: hours of the day, and the days that differ from the week."""

    name: str
    version: str
    hours: list[list[str]]
    covered_from: str
    covered_to: str
    days: dict[str, bool]


@router.get(
    BASE + "/kinds",
    summary="事项类型",
    tags=["基础数据"],
    responses=returns(KindDocument, "启用的类型（items）"),
)
def read_kinds(asking: Reader, district: str) -> Response:
    """Return the kinds that new cases may follow, with their forms."""
    del district
    reference = asking.reference
    items = [_kind(reference.kinds[digest]) for digest in reference.active.values()]
    return answer(Listing(items=items, position=reference.position))


@router.get(
    BASE + "/calendars",
    summary="工作日历",
    tags=["基础数据"],
    responses=returns(CalendarDocument, "日历（items）"),
)
def read_calendars(asking: Reader, district: str) -> Response:
    """Return the working calendars that clocks count by."""
    del district
    items = [_calendar(one.newest) for one in asking.reference.calendars.values()]
    return answer(Listing(items=items, position=asking.reference.position))


def _kind(kind: Kind) -> KindDocument:
    return KindDocument(
        name=kind.name,
        version=kind.version,
        hash=kind.hash,
        title=kind.title,
        report_schema=json_schema(kind.report.form),
        stages=[
            StageDocument(one.name, one.title, one.phase, one.initial, one.ending)
            for one in kind.stages.values()
        ],
        actions=[
            ActionDocument(
                action.name,
                action.title,
                [stage for stage in kind.stages if stage in action.stages],
                sorted({role.value for rule in action.by for role in rule.held_by}),
                action.to,
                json_schema(action.form),
            )
            for action in kind.actions.values()
            if action.by
        ],
    )


def _calendar(calendar: Calendar) -> CalendarDocument:
    return CalendarDocument(
        name=calendar.name,
        version=calendar.version,
        hours=[[_of_day(second) for second in span] for span in calendar.hours],
        covered_from=calendar.covered_from.isoformat(),
        covered_to=calendar.covered_to.isoformat(),
        days={day.isoformat(): works for day, works in sorted(calendar.days.items())},
    )


def _of_day(second: int) -> str:
    minutes, seconds = divmod(second, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}" + (f":{seconds:02d}" if seconds else "")
