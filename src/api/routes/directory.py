"""组织目录: the tree as of a date, a unit with its posts and relations, vacancies, 待划归."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from msgspec import Struct
from starlette.responses import Response

from api.access import Asking, Reader
from api.answers import Listing, answer
from api.openapi import returns
from domain import facts as f
from domain.directory import Directory, Post, UnitEntry, fold_directory
from domain.due import SHANGHAI
from domain.errors import BadInput
from domain.relations import Relation
from eventlog.reader import read_stream
from eventlog.streams import stream_id
from workflows.calendar_office import today_of
from workflows.sight import visible

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/directory"

AsOf = Annotated[str, Query(description="某日的目录，如 2026-10-12；默认现在")]


class UnitDocument(Struct):
    """A unit and its place in the tree, from the root down to itself."""

    id: str
    code: str
    name: str
    level: str
    parent: str | None
    path: list[str]
    dissolved: str | None = None
    """From this day on it is no more; then `successors` has what it had."""
    successors: list[str] = []


class PostDocument(Struct):
    """A post, who holds it on the day, and who answers while nobody does (缺位)."""

    post: str
    unit: str
    title: str
    role: str
    holder: str | None
    deputy: str | None


class RelationDocument(Struct):
    """A relation between two units that holds on the day."""

    sort: str
    unit: str
    other: str
    person: str | None
    since: str
    until: str | None


class UnitDetails(Struct, kw_only=True):
    """A unit with what hangs on it; people by their ids, never by name."""

    unit: UnitDocument
    posts: list[PostDocument]
    relations: list[RelationDocument]
    position: int


class UnallottedCase(Struct):
    """A case that a re-division left to be allotted by hand."""

    case: str
    number: str
    holder: str | None


@router.get(
    BASE,
    summary="组织目录",
    tags=["基础数据"],
    responses=returns(UnitDocument, "单元（items）；已撤销的也在其中"),
)
def read_directory(asking: Reader, district: str, as_of: AsOf = "") -> Response:
    """Return all units of the district, as of a day."""
    del district
    known, _ = _known(asking, as_of)
    items = [_unit(one) for one in sorted(known.units.values(), key=lambda one: one.path)]
    return answer(Listing(items=items, position=asking.reference.position))


@router.get(
    BASE + "/vacancies",
    summary="缺位的岗位",
    tags=["基础数据"],
    responses=returns(PostDocument, "无人任职的岗位（items）"),
)
def read_vacancies(asking: Reader, district: str, as_of: AsOf = "") -> Response:
    """Return the posts that nobody holds on a day."""
    del district
    known, day = _known(asking, as_of)
    items = [_post(one, known, day) for one in known.vacancies(day)]
    return answer(Listing(items=items, position=asking.reference.position))


@router.get(
    BASE + "/unallotted",
    summary="待划归的事项",
    tags=["基础数据"],
    responses=returns(UnallottedCase, "区划调整后分不清归谁的事项（items）"),
)
def read_unallotted(asking: Reader, district: str) -> Response:
    """Return the cases in the caller's scope that wait to be allotted."""
    del district
    cases = asking.services.unallotted.cases(asking.services.engine)
    items = [
        UnallottedCase(one.id, one.number, one.holder.id if one.holder else None)
        for one in cases
        if visible(one, asking.actor)
    ]
    return answer(Listing(items=items, position=asking.reference.position))


@router.get(
    BASE + "/units/{unit}",
    summary="一个单元",
    tags=["基础数据"],
    responses=returns(UnitDetails, "单元及其岗位、关系"),
)
def read_unit(asking: Reader, district: str, unit: str, as_of: AsOf = "") -> Response:
    """Return a unit, by code or id, with its posts and relations on a day."""
    del district
    known, day = _known(asking, as_of)
    entry = known.units[known.by_code.get(unit) or known.find(unit).id]
    details = UnitDetails(
        unit=_unit(entry),
        posts=[_post(one, known, day) for one in known.posts.values() if one.unit == entry.id],
        relations=[
            _relation(one) for one in known.relations.on(day) if entry.id in {one.unit, one.other}
        ],
        position=asking.reference.position,
    )
    return answer(details)


def _known(asking: Asking, as_of: str) -> tuple[Directory, date]:
    """Return the directory as of a day, and the day; without one as it is now.

    Raises:
        BadInput: it is no date.
    """
    if not as_of:
        return asking.reference.directory, today_of(asking.services.engine)
    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        raise BadInput(detail="日期应写作 2026-10-12", pointer="as_of") from None
    return fold_directory(Directory(), _until(asking, day)), day


def _until(asking: Asking, day: date) -> Iterator[f.Fact]:
    end = datetime.combine(day, time(), SHANGHAI) + timedelta(days=1)
    stream = stream_id(asking.services.engine.district, f.DIRECTORY)
    with asking.services.database.connection() as connection:
        records = read_stream(connection, stream)
    yield from (record.fact for record in records if record.occurred_at < end)


def _unit(unit: UnitEntry) -> UnitDocument:
    return UnitDocument(
        unit.id,
        unit.code,
        unit.name,
        unit.level,
        unit.parent,
        list(unit.path),
        unit.dissolved.isoformat() if unit.dissolved else None,
        list(unit.successors),
    )


def _post(post: Post, known: Directory, day: date) -> PostDocument:
    deputy = known.relations.deputy_on(post.id, day)
    holder = post.holder_on(day)
    return PostDocument(post.id, post.unit, post.title, post.role, holder, deputy)


def _relation(one: Relation) -> RelationDocument:
    until = one.until.isoformat() if one.until else None
    return RelationDocument(one.sort, one.unit, one.other, one.person, one.since.isoformat(), until)
