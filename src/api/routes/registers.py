"""自定台账的管理: versions, checking, previewing, publishing, activating, retiring registers."""

import asyncio
from typing import Any, Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.access import Administrator, Asking, Reader
from api.answers import Listing, answer, plain
from api.body import tree_of, typed
from api.defining import CheckDocument, SourceBody, VersionBody, bad, good
from api.errors import RegisterHalted
from api.exporting import listed
from api.idempotency import again, caller_of, recall, sent
from api.logs import logger, where
from api.openapi import command, returns
from api.registers import (
    RegisterState,
    activate,
    look_at,
    publish,
    retire,
    state_of,
    version_of,
    versions,
)
from domain.definitions import REGISTER, Definition
from eventlog.runner import lag
from projections.rebuild import RebuildHalted
from projections.registers.language import BadRegister, Register, published_register
from projections.registers.previewing import preview
from workflows.engine import Caller

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/registers"
ONE: Final = BASE + "/{name}"
PATIENCE: Final = 10.0
"""Seconds that a request waits for a register to be built; it is built all the same."""
ROWS: Final = 20
_under_way: Final[dict[tuple[str, str], asyncio.Task[int]]] = {}


class PreviewedRegister(Struct, kw_only=True):
    """The first rows and the counts of a definition, of the latest `cases` cases."""

    items: list[dict[str, Any]]
    summary: dict[str, Any]
    cases: int
    whole: bool


class RegisterStanding(Struct, kw_only=True):
    """A version, and how far its rows are; `building` until it answers."""

    name: str
    version: str
    title: str
    hash: str
    state: str
    published_by: str
    position: int
    built: int | None = None
    """Up to which position it is built, where it is."""


@router.get(
    BASE,
    summary="自定台账的各个版本",
    tags=["管理"],
    responses=returns(RegisterStanding, "各个版本（items）"),
)
def read_registers(asking: Reader, district: str) -> Response:
    """Return every version that was published, and how far those are built that have rows."""
    del district
    reference = asking.reference
    with asking.services.database.connection() as connection:
        standing = {one.name: (one.position, one.state) for one in lag(connection)}
    items = [
        _standing(one, reference.definitions.published[REGISTER, one.hash], standing)
        for one in versions(reference.definitions)
    ]
    return answer(Listing(items=items, position=reference.position))


@router.post(
    BASE + "/check",
    summary="检查台账定义，不写入",
    tags=["管理"],
    responses=returns(CheckDocument, "逐行列出的问题"),
    openapi_extra=command(SourceBody),
)
async def check_register(request: Request, asking: Administrator, district: str) -> Response:
    """Look at a definition; writes nothing, and the answer lists every problem with its line."""
    del district
    body = typed(await tree_of(request), SourceBody)
    try:
        found = await run_in_threadpool(look_at, body.source, asking.reference)
    except BadRegister as problem:
        return answer(bad(problem.found, body.source))
    return answer(good(found))


@router.post(
    BASE + "/preview",
    summary="预览台账的前几行和合计，不写入",
    tags=["管理"],
    responses=returns(PreviewedRegister, "最近的事项会怎样列出"),
    openapi_extra=command(SourceBody),
)
async def preview_register(request: Request, asking: Administrator, district: str) -> Response:
    """Fold a definition from the log and show what it lists; nothing of it is kept."""
    del district
    body = typed(await tree_of(request), SourceBody)
    found = await run_in_threadpool(look_at, body.source, asking.reference)
    return answer(plain(await run_in_threadpool(_previewed, asking, found)))


@router.post(
    BASE,
    status_code=201,
    summary="发布台账的新版本",
    tags=["管理"],
    responses=returns(RegisterStanding, "已发布；activate 为 true 时即启用", status=201),
    openapi_extra=command(SourceBody),
)
async def publish_register(request: Request, asking: Administrator, district: str) -> Response:
    """Publish a version; what is in use stays in use unless it is activated."""
    del district
    caller, body = await sent(request, asking, SourceBody)
    engine = asking.services.engine
    await run_in_threadpool(recall, asking, caller)
    found = await run_in_threadpool(look_at, body.source, await engine.refresh())
    await publish(asking.services, found, caller=caller)
    known = version_of((await engine.refresh()).definitions, found.name, found.version)
    if body.activate:
        return await _activated(asking, known, again(caller), 201)
    return answer(await _now(asking, known), 201)


@router.post(
    ONE + "/activate",
    summary="启用台账的一个版本",
    tags=["管理"],
    responses=returns(RegisterStanding, "已启用；202 为仍在建，其间原来的照常可读"),
    openapi_extra=command(VersionBody),
)
async def activate_register(
    request: Request, asking: Administrator, district: str, name: str
) -> Response:
    """Build a version beside the one that answers, then turn to it."""
    del district
    caller, body = await sent(request, asking, VersionBody)
    engine = asking.services.engine
    known = version_of((await engine.refresh()).definitions, name, body.version)
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is not None:
        return answer(await _now(asking, known))
    return await _activated(asking, known, caller, 200)


@router.post(
    ONE + "/retire",
    summary="停用台账",
    tags=["管理"],
    responses=returns(RegisterStanding, "不再更新和查询；再次启用用 activate"),
    openapi_extra=command(None),
)
async def retire_register(
    request: Request, asking: Administrator, district: str, name: str
) -> Response:
    """Keep a register no more; its facts stay in the log."""
    del district
    caller = caller_of(request, asking, {})
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is None:
        await retire(asking.services, name, caller=caller)
    definitions = (await asking.services.engine.refresh()).definitions
    return answer(await _now(asking, definitions.versions(REGISTER, name)[-1]))


async def _activated(asking: Asking, known: Definition, caller: Caller, status: int) -> Response:
    """Wait a while for the building, which goes on by itself; whoever asks again joins it.

    Raises:
        RegisterHalted: it cannot be built.
    """
    place = (asking.services.id, known.hash)
    task = _under_way.get(place)
    if task is None:
        task = asyncio.create_task(activate(asking.services, known, caller=caller))
        _under_way[place] = task
        task.add_done_callback(lambda done: _ended(place, done))
    done, _ = await asyncio.wait([task], timeout=PATIENCE)
    if not done:
        return answer(await _now(asking, known), 202)
    try:
        task.result()
    except RebuildHalted as halted:
        raise RegisterHalted(register=known.name, detail=str(halted)) from None
    return answer(await _now(asking, known), status)


def _ended(place: tuple[str, str], task: asyncio.Task[int]) -> None:
    _under_way.pop(place, None)
    error = None if task.cancelled() else task.exception()
    if error is not None:
        name = type(error).__name__
        logger().warning("register", district=place[0], error=name, at=where(error))


def _previewed(asking: Asking, register: Register) -> PreviewedRegister:
    found = preview(
        asking.services.database,
        register,
        scope=asking.scope,
        now=asking.services.engine.now(),
        rows=ROWS,
    )
    names = ["id", *(column.name for column in listed(register.ledger))]
    items = [{name: item[name] for name in names} for item in found.items]
    return PreviewedRegister(
        items=items, summary=found.summary, cases=found.cases, whole=found.whole
    )


async def _now(asking: Asking, known: Definition) -> RegisterStanding:
    definitions = (await asking.services.engine.refresh()).definitions
    return await run_in_threadpool(
        _stands, asking, state_of(definitions, known.name, known.hash), known
    )


def _stands(asking: Asking, state: RegisterState, known: Definition) -> RegisterStanding:
    with asking.services.database.connection() as connection:
        standing = {one.name: (one.position, one.state) for one in lag(connection)}
    return _standing(state, known, standing)


def _standing(
    state: RegisterState, known: Definition, standing: dict[str, tuple[int, str]]
) -> RegisterStanding:
    try:
        name = published_register(known.source).ledger.tables.name
    except BadRegister:
        name = ""
    built, how = standing.get(name, (None, ""))
    building = how == "building" and state.state != "active"
    return RegisterStanding(
        name=state.name,
        version=state.version,
        title=state.title,
        hash=state.hash,
        state="building" if building else state.state,
        published_by=state.published_by,
        position=state.position,
        built=built,
    )
