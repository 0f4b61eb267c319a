"""大屏: counts by day, unit, kind, category or severity; what stands open; a map of cells."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from msgspec import Struct, structs
from starlette.responses import Response

from api import asked as a
from api.access import Asking, Reader
from api.answers import Listing, answer
from api.openapi import returns
from api.times import shown_or_none
from domain.actor import Role
from domain.errors import BadInput, UnknownUnit
from eventlog.database import Connection
from projections.counts import DISTRICT, SHANGHAI
from projections.dashboards import Asked, By, count, standing
from projections.ledgers.cases import CASES
from projections.ledgers.deadlines import DEADLINES
from projections.maps import UNITS, Layer, layer
from projections.places import CHECKPOINT as MAPPED
from projections.remembered import UNCHANGED, Question

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/dashboards"
DAYS: Final = 31
"""Without days, the last so many."""
LONGEST: Final = 3660

FINE, MIDDLE, COARSE = 1_000, 10_000, 100_000
COARSENESS: Final = {
    Role.DASHBOARD: COARSE,
    Role.INTEGRATOR: MIDDLE,
    Role.LEADER: MIDDLE,
}
"""How large a cell of the map is at least: some 11 m, 110 m or 1.1 km; FINE for who handles."""

Unit = Annotated[str | None, Query(max_length=100, description="单元编码或名称；默认自己的范围")]
Day = Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}-\d{2}$", description="日期（北京时间）")]
Listed = Annotated[str | None, Query(max_length=2000, description="可多个，用逗号分隔")]


class CountsOf(Struct, kw_only=True):
    """The counts of one group."""

    key: str
    name: str
    received: int
    ended: int
    closed: int
    falling_due: int
    on_time: int
    late: int
    breached: int


@router.get(
    BASE + "/counts",
    summary="大屏计数",
    tags=["大屏"],
    responses=returns(CountsOf, "按组的计数（items）；by=unit 时下级单元逐个列出，没有的为零"),
)
def read_counts(  # noqa: PLR0913 - one argument a parameter of the query
    *,
    asking: Reader,
    district: str,
    by: Literal["day", "month", "unit", "kind", "category", "severity"] = "day",
    unit: Unit = None,
    since: Annotated[Day, Query(alias="from")] = None,
    until: Annotated[Day, Query(alias="to", description="日期（不含）")] = None,
    kind: Listed = None,
    category: Listed = None,
    severity: Listed = None,
    wanted: a.Wanted,
) -> Response:
    """Count what happened from a day to another; by default within the last 31 days.

    Raises:
        UnknownUnit: no such unit in the caller's scope.
        LedgerBehind: the counters have not come to the position asked for.
    """
    del district
    asked = _asked(asking, unit, wanted, kind=kind, category=category, severity=severity)
    if by == "unit":
        asked = structs.replace(asked, units=_below(asking, asked.units[0]))
    first, last = _days(asked.now, since, until)
    a.wait_for(asking, DEADLINES.follows, DEADLINES.title, wanted.at_least)
    with asking.services.database.connection() as connection:
        found = count(connection, asked, by, first, last)
    empty = dict.fromkeys(CountsOf.__struct_fields__[2:], 0)
    keys = asked.units if by == "unit" else found.groups
    items = [
        CountsOf(key=key, name=_name(asking, by, key), **(found.groups.get(key) or empty))
        for key in keys
    ]
    return answer(Listing(items=items, as_of=shown_or_none(asked.as_of), position=found.position))


@router.get(
    BASE + "/standing", summary="大屏在办情况", tags=["大屏"], responses=returns(None, "在办情况")
)
def read_standing(
    *, asking: Reader, district: str, unit: Unit = None, wanted: a.Wanted
) -> Response:
    """Say what stands open: by phase and severity, overdue, due within a day, paused, lights."""
    del district
    asked = _asked(asking, unit, wanted)
    a.wait_for(asking, DEADLINES.follows, DEADLINES.title, wanted.at_least)
    with asking.services.database.connection() as connection:
        found = standing(connection, asked)
    told: dict[str, Any] = {"as_of": shown_or_none(asked.as_of), **structs.asdict(found)}
    return answer(told)


def _layer(
    connection: Connection, asking: Asking, asked: Asked, limits: Mapping[str, object], step: int
) -> Layer:
    """Return the cells; of now, as they were counted when a case last changed."""
    moments = {"as_of": asked.as_of, "known_at": asked.known_at}

    def find() -> Layer:
        return layer(connection, asked.scope, limits, step=step, now=asked.now, **moments)

    if any(moments.values()):
        return find()
    wanted = tuple((name, repr(value)) for name, value in sorted(limits.items()))
    question = Question(
        key=("map", asked.scope, step, wanted),
        now=asked.now,
        follows=[*CASES.follows, MAPPED],
        changes=UNCHANGED,
    )
    return asking.services.remembered.answer(connection, question, find)


@router.get(
    BASE + "/map", summary="地图分布", tags=["大屏"], responses=returns(None, "GeoJSON，每格一点")
)
def read_map(  # noqa: PLR0913 - one argument a parameter of the query
    *,
    asking: Reader,
    district: str,
    unit: Unit = None,
    kind: Listed = None,
    category: Listed = None,
    since: Annotated[Day, Query(alias="from")] = None,
    until: Annotated[Day, Query(alias="to", description="日期（不含）")] = None,
    open_: Annotated[bool | None, Query(alias="open", description="只看在办，或只看已办")] = None,
    step: Annotated[
        int | None, Query(ge=1, le=10_000_000, description="格子边长，1e-7 度；不会小于角色允许的")
    ] = None,
    wanted: a.Wanted,
) -> Response:
    """Return how many cases lie in each cell; the cells are as fine as the caller's role may see.

    Cases whose place nobody gave are not on the map.
    """
    del district
    asked = _asked(asking, unit, wanted, kind=kind, category=category)
    finest = COARSENESS.get(asking.actor.role, FINE)
    limits: dict[str, object] = dict(asked.facets)
    if asked.units != (DISTRICT,):
        limits["unit"] = asked.units[0]
    for name, day in (("since", since), ("until", until)):
        if day is not None:
            limits[name] = datetime.combine(_day(day, name), datetime.min.time(), SHANGHAI)
    if open_ is not None:
        limits["open"] = open_
    a.wait_for(asking, [*CASES.follows, MAPPED], "地图", wanted.at_least)
    with asking.services.database.connection() as connection:
        found = _layer(connection, asking, asked, limits, max(step or finest, finest))
    return answer(
        {
            "type": "FeatureCollection",
            "crs": "wgs84",
            "step": found.step,
            "as_of": shown_or_none(asked.as_of),
            "position": found.position,
            "features": [
                {
                    "type": "Feature",
                    "geometry": {
                        "type": "Point",
                        "coordinates": [cell.longitude / UNITS, cell.latitude / UNITS],
                    },
                    "properties": {"cases": cell.cases, "open": cell.open, "major": cell.major},
                }
                for cell in found.cells
            ],
        }
    )


def _asked(
    asking: Asking,
    unit: str | None,
    wanted: a.Moments,
    **facets: str | None,
) -> Asked:
    return Asked(
        scope=asking.scope,
        units=(_unit(asking, unit),),
        now=asking.services.engine.now(),
        as_of=wanted.as_of,
        known_at=wanted.known_at,
        facets={name: value.split(",") for name, value in facets.items() if value},
    )


def _unit(asking: Asking, text: str | None) -> str:
    """Return whose cases are meant: what was asked for, else all that the caller sees.

    Raises:
        UnknownUnit: it does not lie in the caller's scope.
    """
    own = asking.actor.unit
    if text is None:
        return own or DISTRICT
    found = asking.reference.directory.find(text, pointer="unit")
    if own is not None and own not in found.path:
        raise UnknownUnit(unit=text, candidates=[], pointer="unit")
    return found.id


def _below(asking: Asking, unit: str) -> tuple[str, ...]:
    """Return the units right below one, in the order of their codes; itself, if there are none."""
    directory = asking.reference.directory
    top = unit if unit != DISTRICT else (directory.root.id if directory.root else None)
    found = sorted(
        (one.code, one.id)
        for one in directory.units.values()
        if one.parent == top and one.dissolved is None
    )
    return tuple(unit for _, unit in found) or (unit,)


def _name(asking: Asking, by: By, key: str) -> str:
    if by != "unit":
        return key
    entry = asking.reference.directory.units.get(key)
    return entry.name if entry else key


def _days(now: datetime, since: str | None, until: str | None) -> tuple[date, date]:
    last = _day(until, "to") if until else now.astimezone(SHANGHAI).date() + timedelta(days=1)
    first = _day(since, "from") if since else last - timedelta(days=DAYS)
    if first > last or (last - first).days > LONGEST:
        raise BadInput(detail=f"from 应不晚于 to，且相距不超过 {LONGEST} 天", pointer="from")
    return first, last


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(detail=f"{name} 应为日期，如 2026-10-01", pointer=name) from None
