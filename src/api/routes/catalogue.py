"""事项目录、类别对照表: items with their conditions, community items, others' codes; versions."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.access import Administrator, Asking, Reader
from api.answers import Listing, answer
from api.idempotency import recall, sent
from api.openapi import command, returns
from domain import facts as f
from domain.budget import parse_budget
from domain.catalogue import Catalogue, Item, catalogue_of
from domain.errors import NotFound
from eventlog.reader import read_positions
from projections.categories import unmapped
from workflows.calendar_office import today_of
from workflows.catalogues import (
    ConditionRow,
    Difference,
    difference,
    known_codes,
    plan_catalogue,
    publish_catalogue,
    publish_codes,
)

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}"

Short = Annotated[str, Meta(min_length=1, max_length=100)]
Long = Annotated[str, Meta(max_length=2000)]


class ConditionDocument(Struct):
    """立案条件 with its own limit and 结案条件."""

    number: int
    condition: str
    closing: str
    limit: str


class ItemDocument(Struct, kw_only=True):
    """An item of a catalogue."""

    catalogue: str
    version: str
    code: str
    sort: str
    major: str
    minor: str
    conditions: list[ConditionDocument]


class VersionDocument(Struct):
    """A version of a catalogue."""

    name: str
    version: str
    hash: str
    items: int


class AdmittedDocument(Struct, kw_only=True):
    """A community item (社区工作事项) that may be handed down today, with what follows it."""

    item: str
    title: str
    department: str | None
    people: int
    money: int
    since: str


class ConditionBody(Struct, forbid_unknown_fields=True):
    """One filing condition of an item; the limit is a budget: `4wh`, `2nh`, `3wd`."""

    code: Short
    sort: Short
    major: Short
    minor: Short
    number: Annotated[int, Meta(ge=1, le=999)]
    condition: Long
    closing: Long
    limit: Short


class CatalogueBody(Struct, forbid_unknown_fields=True):
    """A whole new version; with `preview` nothing is written."""

    conditions: Annotated[list[ConditionBody], Meta(min_length=1, max_length=5000)]
    preview: bool = False


class CataloguePlanned(Struct, kw_only=True):
    """A version, and how it differs from the one before."""

    name: str
    version: str
    previous_version: str | None
    added: list[str]
    changed: list[str]
    removed: list[str]
    position: int | None = None
    """Where it stands in the log; absent for a preview."""


class TableDocument(Struct, kw_only=True):
    """The newest table of a system: from its codes to our categories."""

    system: str
    version: str
    versions: int
    codes: dict[str, str]


class CodesBody(Struct, forbid_unknown_fields=True):
    """A whole new version of a system's table."""

    codes: Annotated[dict[str, str], Meta(min_length=1, max_length=20_000)]


class CodesPublished(Struct):
    """A table as it stands in the log."""

    system: str
    version: str
    codes: int


class UnmappedCode(Struct):
    """A code that no table translates, of how many cases, one of them by its number."""

    system: str
    code: str
    cases: int
    latest: str


@router.get(
    BASE + "/catalogue",
    summary="事项目录",
    tags=["基础数据"],
    responses=returns(ItemDocument, "目录项及其立案条件（items）"),
)
def read_catalogue(
    asking: Reader,
    district: str,
    name: Annotated[str, Query(description="目录名称，默认全部")] = "",
    version: Annotated[str, Query(description="版本，默认最新")] = "",
) -> Response:
    """Return the items of the newest version of every catalogue, or of the one asked for."""
    del district
    published = asking.reference.catalogues.published
    found = [
        one
        for known, versions in published.items()
        for one in (versions if version else versions[-1:])
        if name in {"", known} and version in {"", one.version}
    ]
    if (name or version) and not found:
        raise NotFound(what=f"事项目录“{name}”第 {version or '—'} 版")
    items = [_item(catalogue, item) for catalogue in found for item in catalogue.items.values()]
    return answer(Listing(items=items, position=asking.reference.position))


@router.get(
    BASE + "/catalogue/versions",
    summary="事项目录的各个版本",
    tags=["基础数据"],
    responses=returns(VersionDocument, "各个版本（items），最新的在最后"),
)
def read_versions(asking: Reader, district: str) -> Response:
    """Return every version of every catalogue."""
    del district
    items = [
        VersionDocument(one.name, one.version, one.hash, len(one.items))
        for versions in asking.reference.catalogues.published.values()
        for one in versions
    ]
    return answer(Listing(items=items, position=asking.reference.position))


@router.get(
    BASE + "/catalogue/admitted",
    summary="准入的社区工作事项",
    tags=["基础数据"],
    responses=returns(AdmittedDocument, "今天可以下交社区的事项（items）"),
)
def read_admitted(asking: Reader, district: str) -> Response:
    """Return what departments may hand down to communities today."""
    del district
    known, today = asking.reference.catalogues, today_of(asking.services.engine)
    items = [
        AdmittedDocument(
            item=one.item,
            title=one.title,
            department=one.department,
            people=one.people,
            money=one.money,
            since=one.since.isoformat(),
        )
        for item in known.admitted
        if (one := known.admitted_on(item, today)) is not None
    ]
    return answer(Listing(items=items, position=asking.reference.position))


@router.post(
    BASE + "/catalogue/{name}/versions",
    summary="发布事项目录的新版，或预览其不同",
    tags=["管理"],
    responses=returns(CataloguePlanned, "已发布；preview 为 true 时没有写入"),
    openapi_extra=command(CatalogueBody),
)
async def publish_version(
    request: Request, asking: Administrator, district: str, name: str
) -> Response:
    """Publish a version, whole; older ones stay."""
    del district
    caller, body = await sent(request, asking, CatalogueBody)
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is not None:
        return answer(await run_in_threadpool(_published, asking, stored.last))
    rows = [_row(one) for one in body.conditions]
    engine = asking.services.engine
    planned = plan_catalogue(await engine.refresh(), rows, name=name)
    position: int | None = None
    if not body.preview:
        position = engine.reference.position
        if not planned.unchanged:
            position = await publish_catalogue(engine, planned, caller=caller)
    return answer(_told(planned.fact, planned.base, planned.difference, position))


def _published(asking: Asking, position: int) -> CataloguePlanned:
    """Answer again what was answered first, whatever was published since."""
    fact = _fact_at(asking, position)
    assert isinstance(fact, f.CataloguePublished)  # noqa: S101 - the key stands for this request
    versions = asking.services.engine.reference.catalogues.published.get(fact.name, ())
    older = [one for one in versions if int(one.version) < int(fact.version)]
    base = older[-1] if older else None
    differs = difference(base, catalogue_of(fact))
    return _told(fact, base.version if base else None, differs, position)


def _fact_at(asking: Asking, position: int) -> f.Fact:
    with asking.services.database.connection() as connection:
        (record,) = read_positions(connection, [position])
    return record.fact


def _told(
    fact: f.CataloguePublished, base: str | None, differs: Difference, position: int | None
) -> CataloguePlanned:
    return CataloguePlanned(
        name=fact.name,
        version=fact.version,
        previous_version=base,
        added=list(differs.added),
        changed=list(differs.changed),
        removed=list(differs.removed),
        position=position,
    )


@router.get(
    BASE + "/code-tables",
    summary="类别对照表",
    tags=["基础数据"],
    responses=returns(TableDocument, "各来源系统的对照表（items）"),
)
def read_tables(asking: Reader, district: str) -> Response:
    """Return the newest table of every system."""
    del district
    items = [
        TableDocument(
            system=system,
            version=versions[-1].version,
            versions=len(versions),
            codes=versions[-1].codes,
        )
        for system, versions in asking.reference.catalogues.tables.items()
    ]
    return answer(Listing(items=items, position=asking.reference.position))


@router.get(
    BASE + "/code-tables/unmapped",
    summary="对照表里没有的来源编码",
    tags=["基础数据"],
    responses=returns(UnmappedCode, "编码、件数（items）；一件也没有因此被拒绝"),
)
def read_unmapped(asking: Administrator, district: str) -> Response:
    """Return the codes of cases that no table translates, most cases first."""
    del district
    with asking.services.database.connection() as connection:
        rows = unmapped(connection, known_codes(asking.reference))
    items = [UnmappedCode(row.system, row.code, row.cases, row.latest) for row in rows]
    return answer(Listing(items=items, position=asking.reference.position))


@router.post(
    BASE + "/code-tables/{system}/versions",
    summary="发布一个来源系统的类别对照表",
    tags=["管理"],
    responses=returns(CodesPublished, "已发布，此后的上报按它对照"),
    openapi_extra=command(CodesBody),
)
async def publish_table(
    request: Request, asking: Administrator, district: str, system: str
) -> Response:
    """Publish a table, whole; the same again changes nothing."""
    del district
    caller, body = await sent(request, asking, CodesBody)
    stored = await run_in_threadpool(recall, asking, caller)
    fact: f.Fact
    if stored is None:
        fact = await publish_codes(asking.services.engine, system, body.codes, caller=caller)
    else:
        fact = await run_in_threadpool(_fact_at, asking, stored.last)
    assert isinstance(fact, f.CodeTablePublished)  # noqa: S101 - the key stands for this request
    return answer(CodesPublished(fact.system, fact.version, len(fact.codes)))


def _row(one: ConditionBody) -> ConditionRow:
    parse_budget(one.limit)
    return ConditionRow(
        code=one.code,
        sort=one.sort,
        major=one.major,
        minor=one.minor,
        number=one.number,
        condition=one.condition,
        closing=one.closing,
        limit=one.limit,
    )


def _item(catalogue: Catalogue, item: Item) -> ItemDocument:
    return ItemDocument(
        catalogue=catalogue.name,
        version=catalogue.version,
        code=item.code,
        sort=item.sort,
        major=item.major,
        minor=item.minor,
        conditions=[
            ConditionDocument(one.number, one.condition, one.closing, one.limit)
            for one in item.conditions
        ],
    )
