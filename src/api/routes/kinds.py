"""事项类型的管理: versions, checking, publishing, activating, retiring, migrating open cases."""

from collections import deque
from typing import Any, Final

from fastapi import APIRouter
from msgspec import Struct, structs
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.access import Administrator, Asking, Reader
from api.answers import Listing, answer
from api.body import tree_of, typed
from api.defining import (
    CheckDocument,
    DefinitionState,
    ProblemDocument,
    SourceBody,
    VersionBody,
    bad,
    good,
    problem_documents,
)
from api.idempotency import again, caller_of, recall, sent
from api.openapi import command, returns
from domain.errors import NotFound
from domain.kind import Kind
from workflows.administration import activate_kind, publish_kind
from workflows.kind_office import retire_kind
from workflows.kind_pages import mermaid
from workflows.kind_report import Checked, check
from workflows.language import read_source
from workflows.migrating import (
    MigrationPreview,
    Passage,
    PassageCounts,
    PlannedMigration,
    approve_migration,
    plan,
    version,
)
from workflows.reference import Reference

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/kinds"
ONE: Final = BASE + "/{name}"
SHOWN: Final = 200
"""So many refused cases are named; the counts are of all."""


class MigrationBody(Struct, forbid_unknown_fields=True, rename={"since": "from"}):
    """From which version to which; `plan` is the digest that the preview showed."""

    since: str
    to: str
    plan: str = ""


class KindVersion(Struct, kw_only=True):
    """A published version of a kind."""

    name: str
    version: str
    title: str
    hash: str
    state: str
    """`active`, `published`, or `retired` with its whole kind."""
    published_by: str
    position: int


class KindDetail(KindVersion, kw_only=True):
    """A version with its source, and with what it says as people read it."""

    source: str
    mermaid: str
    tables: list[dict[str, Any]]


class CheckedKind(CheckDocument, kw_only=True):
    """What a look at a kind found, and what is only to be looked at."""

    warnings: list[ProblemDocument]


class RefusedPassage(Struct, kw_only=True):
    """An open case that cannot pass."""

    case: str
    number: str
    stage: str
    why: str
    detail: str


class MigrationDocument(Struct, kw_only=True, rename={"since": "from"}):
    """What a migration would do to open cases; `plan` is what is approved."""

    name: str
    since: str
    to: str
    plan: str
    approved: bool
    open: int
    passing: int
    refused: int
    stages: dict[str, dict[str, int]]
    clocks: dict[str, dict[str, int]]
    reasons: dict[str, int]
    cases: list[RefusedPassage]


@router.get(
    BASE + "/versions",
    summary="事项类型的各个版本",
    tags=["管理"],
    responses=returns(KindVersion, "各个版本（items）"),
)
def read_versions(asking: Reader, district: str) -> Response:
    """Return every version that was published, the latest last."""
    del district
    reference = asking.reference
    items = [_version(one, reference) for one in reference.kinds.values()]
    return answer(Listing(items=items, position=reference.position))


@router.get(
    ONE + "/versions/{number}",
    summary="事项类型的一个版本",
    tags=["管理"],
    responses=returns(KindDetail, "定义原文和说明"),
)
def read_version(asking: Reader, district: str, name: str, number: str) -> Response:
    """Return a version with its source, diagram and tables."""
    del district
    reference = asking.reference
    kind = version(reference, name, number)
    shown = _version(kind, reference)
    checked = Checked("", kind=kind)
    tables = [
        {"title": one.title, "headings": one.headings, "rows": one.rows} for one in checked.tables
    ]
    return answer(
        KindDetail(
            **{field: getattr(shown, field) for field in shown.__struct_fields__},
            source=reference.publications[kind.hash].fact.source,
            mermaid=mermaid(kind),
            tables=tables,
        )
    )


@router.post(
    BASE + "/check",
    summary="检查事项类型定义，不写入",
    tags=["管理"],
    responses=returns(CheckedKind, "逐行列出的问题"),
    openapi_extra=command(SourceBody),
)
async def check_source(request: Request, asking: Administrator, district: str) -> Response:
    """Look at a definition; writes nothing, and the answer lists every problem with its line."""
    del asking, district
    body = typed(await tree_of(request), SourceBody)
    checked = await run_in_threadpool(check, body.source)
    found = good(checked.kind) if checked.kind else bad(checked.problems, body.source)
    warnings = problem_documents(checked.warnings, body.source)
    return answer(CheckedKind(**structs.asdict(found), warnings=warnings))


@router.post(
    BASE,
    status_code=201,
    summary="发布事项类型的新版本",
    tags=["管理"],
    responses=returns(DefinitionState, "已发布；activate 为 true 时即启用", status=201),
    openapi_extra=command(SourceBody),
)
async def publish_source(request: Request, asking: Administrator, district: str) -> Response:
    """Publish a version; open cases keep theirs, and so do new ones unless it is activated."""
    del district
    caller, body = await sent(request, asking, SourceBody)
    engine = asking.services.engine
    await run_in_threadpool(recall, asking, caller)
    source = await run_in_threadpool(read_source, body.source)
    await engine.refresh()
    await publish_kind(engine, source, caller=caller)
    if body.activate:
        await activate_kind(engine, source.name, source.hash, caller=again(caller))
    return answer(_state(engine.reference, source.name, source.hash), 201)


@router.post(
    ONE + "/activate",
    summary="启用已发布的版本",
    tags=["管理"],
    responses=returns(DefinitionState, "新事项此后用这一版"),
    openapi_extra=command(VersionBody),
)
async def activate_version(
    request: Request, asking: Administrator, district: str, name: str
) -> Response:
    """Let new cases follow a published version."""
    del district
    caller, body = await sent(request, asking, VersionBody)
    engine = asking.services.engine
    found = version(await engine.refresh(), name, body.version)
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is None:
        await activate_kind(engine, name, found.hash, caller=caller)
    return answer(_state(engine.reference, name, found.hash))


@router.post(
    ONE + "/retire",
    summary="停用事项类型",
    tags=["管理"],
    responses=returns(DefinitionState, "不再受理新的；未办结的照常办理"),
    openapi_extra=command(None),
)
async def retire(request: Request, asking: Administrator, district: str, name: str) -> Response:
    """Take in no new cases of a kind."""
    del district
    caller = caller_of(request, asking, {})
    engine = asking.services.engine
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is None:
        await retire_kind(engine, name, caller=caller)
    return answer(_state(await engine.refresh(), name, None))


@router.post(
    ONE + "/migrations/preview",
    summary="预览未办结事项的迁移，不写入",
    tags=["管理"],
    responses=returns(MigrationDocument, "各环节件数、不能迁移的事项、每个时限怎样"),
    openapi_extra=command(MigrationBody),
)
async def preview_migration(
    request: Request, asking: Administrator, district: str, name: str
) -> Response:
    """Return what a migration would do to every open case; writes nothing."""
    del district
    body = typed(await tree_of(request), MigrationBody)
    planned = plan(await asking.services.engine.refresh(), name, body.since, body.to)
    return answer(await run_in_threadpool(_previewed, asking, planned))


@router.post(
    ONE + "/migrations/approve",
    summary="批准迁移，须由新版发布人以外的人",
    tags=["管理"],
    responses=returns(MigrationDocument, "已批准；用 bihuan kinds migrate --apply 迁移"),
    openapi_extra=command(MigrationBody),
)
async def approve(request: Request, asking: Administrator, district: str, name: str) -> Response:
    """Approve the plan that a preview showed; applying is left to the command line."""
    del district
    caller, body = await sent(request, asking, MigrationBody)
    engine = asking.services.engine
    planned = plan(await engine.refresh(), name, body.since, body.to)
    if body.plan != planned.rule.digest:
        raise NotFound(what="预览所示的迁移规则（plan）")
    shown = await run_in_threadpool(_previewed, asking, planned)
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is None:
        counts = PassageCounts(passing=shown.passing, refused=shown.refused)
        await approve_migration(engine, planned, counts, caller)
    shown.approved = True
    return answer(shown)


def _previewed(asking: Asking, planned: PlannedMigration) -> MigrationDocument:
    preview = MigrationPreview(asking.services.engine, planned)
    refused: deque[Passage] = deque((one for one in preview if one.why), maxlen=SHOWN)
    counts = preview.counts
    return MigrationDocument(
        name=planned.new.name,
        since=planned.old.version,
        to=planned.new.version,
        plan=planned.rule.digest,
        approved=planned.pair in asking.services.engine.reference.migrations,
        open=counts.open,
        passing=counts.passing,
        refused=counts.refused,
        stages=counts.stages,
        clocks=counts.clocks,
        reasons=counts.reasons,
        cases=[
            RefusedPassage(
                case=one.case, number=one.number, stage=one.stage, why=one.why, detail=one.detail
            )
            for one in refused
        ],
    )


def _version(kind: Kind, reference: Reference) -> KindVersion:
    publication = reference.publications[kind.hash]
    return KindVersion(
        name=kind.name,
        version=kind.version,
        title=kind.title,
        hash=kind.hash,
        state=_word(kind.name, kind.hash, reference),
        published_by=publication.by,
        position=publication.position,
    )


def _word(name: str, digest: str | None, reference: Reference) -> str:
    if name in reference.retired:
        return "retired"
    return "active" if digest and reference.active.get(name) == digest else "published"


def _state(reference: Reference, name: str, digest: str | None) -> DefinitionState:
    kind = reference.kinds.get(digest or "")
    return DefinitionState(
        name=name,
        version=kind.version if kind else None,
        hash=digest,
        state=_word(name, digest, reference),
        position=reference.position,
    )
