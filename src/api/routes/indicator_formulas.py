"""考核指标的公式: versions, checking, publishing, activating, retiring."""

from typing import Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.access import Administrator, Asking, Reader
from api.answers import Listing, answer
from api.body import tree_of, typed
from api.defining import (
    CheckDocument,
    DefinitionState,
    SourceBody,
    VersionBody,
    bad,
    good,
    indicator_source,
)
from api.idempotency import again, caller_of, recall, sent
from api.openapi import command, returns
from domain.definitions import INDICATOR
from projections.indicators import office
from projections.indicators.formula import BadFormula, read_formula
from workflows.definitions import activate_definition, publish_definition, retire_definition

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/indicators"
ONE: Final = BASE + "/{indicator}"


class IndicatorVersion(Struct, kw_only=True):
    """A published version of an indicator."""

    name: str
    version: str
    title: str
    hash: str
    state: str
    published_by: str
    position: int
    source: str


@router.get(
    ONE + "/versions",
    summary="考核指标的各个版本",
    tags=["考核指标"],
    responses=returns(IndicatorVersion, "各个版本（items），附定义原文"),
)
def read_versions(asking: Reader, district: str, indicator: str) -> Response:
    """Return every version that was published, the latest last, with its source."""
    del district
    found = office.versions(asking.reference.definitions, indicator)
    items = [
        IndicatorVersion(
            name=one.formula.name,
            version=one.formula.version,
            title=one.formula.title,
            hash=one.formula.hash,
            state=one.state,
            published_by=one.definition.by,
            position=one.definition.position,
            source=one.definition.source,
        )
        for one in found
    ]
    return answer(Listing(items=items, position=asking.reference.position))


@router.post(
    BASE + "/check",
    summary="检查指标定义，不写入",
    tags=["考核指标"],
    responses=returns(CheckDocument, "逐行列出的问题"),
    openapi_extra=command(SourceBody),
)
async def check_indicator(request: Request, asking: Administrator, district: str) -> Response:
    """Look at a formula; writes nothing, and the answer lists every problem with its line."""
    del asking, district
    body = typed(await tree_of(request), SourceBody)
    try:
        formula = read_formula(body.source)
    except BadFormula as problem:
        return answer(bad(problem.found, body.source))
    return answer(good(formula))


@router.post(
    BASE,
    status_code=201,
    summary="发布考核指标的新版本",
    tags=["考核指标"],
    responses=returns(DefinitionState, "已发布；activate 为 true 时即启用", status=201),
    openapi_extra=command(SourceBody),
)
async def publish_indicator(request: Request, asking: Administrator, district: str) -> Response:
    """Publish a version; older ones can still be asked for, and count until it is activated."""
    del district
    caller, body = await sent(request, asking, SourceBody)
    engine = asking.services.engine
    await run_in_threadpool(recall, asking, caller)
    source = indicator_source(body.source)
    await engine.refresh()
    await publish_definition(engine, source, caller=caller)
    if body.activate:
        await engine.refresh()
        await activate_definition(engine, INDICATOR, source.name, source.hash, caller=again(caller))
    return answer(await _state(asking, source.name, source.hash), 201)


@router.post(
    ONE + "/activate",
    summary="启用指标的已发布版本",
    tags=["考核指标"],
    responses=returns(DefinitionState, "此后不写 formula 时用这一版"),
    openapi_extra=command(VersionBody),
)
async def activate_indicator(
    request: Request, asking: Administrator, district: str, indicator: str
) -> Response:
    """Let a published version count from now on."""
    del district
    caller, body = await sent(request, asking, VersionBody)
    engine = asking.services.engine
    found = office.chosen((await engine.refresh()).definitions, indicator, body.version)
    if await run_in_threadpool(recall, asking, caller) is None:
        digest = found.formula.hash
        await activate_definition(engine, INDICATOR, indicator, digest, caller=caller)
    return answer(await _state(asking, indicator, found.formula.hash))


@router.post(
    ONE + "/retire",
    summary="停用考核指标",
    tags=["考核指标"],
    responses=returns(DefinitionState, "不再列出；各版本仍可按 formula 查询"),
    openapi_extra=command(None),
)
async def retire_indicator(
    request: Request, asking: Administrator, district: str, indicator: str
) -> Response:
    """Take an indicator out of use; its versions can still be asked for."""
    del district
    caller = caller_of(request, asking, {})
    engine = asking.services.engine
    await engine.refresh()
    if await run_in_threadpool(recall, asking, caller) is None:
        await retire_definition(engine, INDICATOR, indicator, caller=caller)
    return answer(await _state(asking, indicator, None))


async def _state(asking: Asking, name: str, digest: str | None) -> DefinitionState:
    reference = await asking.services.engine.refresh()
    published = office.versions(reference.definitions, name)
    found = next((one for one in published if one.formula.hash == digest), None)
    return DefinitionState(
        name=name,
        version=found.formula.version if found else None,
        hash=digest,
        state=found.state if found else "retired",
        position=reference.position,
    )
