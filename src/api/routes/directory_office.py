"""组织目录的管理: the workbook in and out, re-division previewed, decreed and carried out."""

import tempfile
from collections.abc import Generator
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.access import Administrator, Asking, Reader
from api.answers import Listing, answer
from api.exporting import XLSX, chunks
from api.idempotency import caller_of, recall, sent
from api.openapi import command, returns
from api.uploading import OnePart, body_chunks, boundary_of
from domain import facts as f
from domain.directory import Directory
from domain.errors import BadInput, NotFound
from eventlog.reader import read_range
from workflows.calendar_office import today_of
from workflows.directory_office import (
    Book,
    BookChange,
    book_of,
    change_of,
    import_book,
    names_of,
    plan_book,
)
from workflows.division_plans import Plan, PlannedMove, PlannedUnit, decree_of
from workflows.divisions import Passage, Redivided, carry_out, decree, planned, preview
from workflows.engine import Caller

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/directory"
LIMIT: Final = 20 * 1024 * 1024
"""Bytes of a workbook."""
AROUND: Final = 65_536
"""Bytes of a form around its file."""
SHOWN: Final = 1000
"""How many cases a preview lists one by one; it counts all."""
FILE: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}

Preview = Annotated[bool, Query(description="只检查、不写入")]
Short = Annotated[str, Meta(min_length=1, max_length=100)]


class DirectoryImported(Struct, kw_only=True):
    """What a workbook changed, in facts by what they are about; none is no change."""

    preview: bool
    read: int
    """Units in the file."""
    units: int
    posts: int
    persons: int
    terms: int
    relations: int
    notes: list[str]
    """What of the file was not used."""
    position: int | None = None
    """Up to where it stands in the log; absent where nothing was written."""


class NewUnitBody(Struct, forbid_unknown_fields=True):
    """A unit that is new; `parent` is a code, perhaps of another new one."""

    code: Short
    name: Short
    level: Short
    parent: Short


class MoveBody(Struct, forbid_unknown_fields=True):
    """What becomes of a unit, by codes: another `parent`, or dissolved `into` others."""

    unit: Short
    parent: Annotated[str, Meta(max_length=100)] | None = None
    into: Annotated[list[Short], Meta(max_length=200)] = []


class DivisionBody(Struct, forbid_unknown_fields=True):
    """A re-division from a day on; with `preview` nothing is written."""

    division: Short
    on: date
    units: Annotated[list[NewUnitBody], Meta(max_length=5000)] = []
    moves: Annotated[list[MoveBody], Meta(max_length=5000)] = []
    preview: bool = False


class PassageDocument(Struct):
    """What becomes of an open case: who holds it, who will; units by id."""

    case: str
    number: str
    before: str | None
    after: str | None
    to_allot: bool


class DivisionDocument(Struct, kw_only=True):
    """A re-division and how far it is."""

    division: str
    on: str
    state: str
    """`preview`, `decreed` (its day has not come), `in_force` (its units stand, open cases are
    still being asked), `carried_out`."""
    cases: int | None = None
    """Open cases that follow, or followed; null while nobody has counted."""
    to_allot: int | None = None
    """Those of them on the list 待划归."""
    passages: list[PassageDocument] = []
    """Of a preview: up to 1000 cases."""
    failures: list[str] = []
    """Cases that could not follow, each with its id and why."""
    position: int | None = None


@router.post(
    BASE + "/imports",
    summary="导入组织目录工作簿，或只检查",
    tags=["管理"],
    responses=returns(DirectoryImported, "已导入；有一行不对则整份不导入，逐行列在 errors 中"),
    openapi_extra=command(None)
    | {"requestBody": {"required": True, "content": {XLSX: FILE, "text/csv": FILE}}},
)
async def import_directory_file(
    request: Request,
    asking: Administrator,
    district: str,
    preview: Preview = False,  # noqa: FBT002 - a query parameter
) -> Response:
    """Import a workbook, or a table of units, whole; the same file again changes nothing."""
    del district
    with tempfile.TemporaryDirectory(prefix="bihuan-") as folder:
        path = Path(folder) / "directory"
        digest = await _receive(request, path)
        caller = caller_of(request, asking, {"sha256": digest, "preview": preview})
        known = (await asking.services.engine.refresh()).directory
        book, notes = await run_in_threadpool(asking.services.books.read, path, known)
    told = await _import(asking, book, caller, preview=preview)
    stored = await run_in_threadpool(recall, asking, caller)
    position = stored.last if stored is not None else None
    return answer(_imported(told, book, notes, preview=preview, position=position))


async def _import(asking: Asking, book: Book, caller: Caller, *, preview: bool) -> BookChange:
    engine = asking.services.engine
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is not None:
        return await run_in_threadpool(_first_answer, asking, stored.first, stored.last)
    if preview:
        return await plan_book(engine, book)
    return await import_book(engine, book, caller=caller)


def _first_answer(asking: Asking, first: int, last: int) -> BookChange:
    """Answer again what was answered first, whatever was imported since."""
    with asking.services.database.connection() as connection:
        records = read_range(connection, first - 1, last - first + 1)
    return change_of([record.fact for record in records])


def _imported(
    told: BookChange, book: Book, notes: tuple[str, ...], *, preview: bool, position: int | None
) -> DirectoryImported:
    return DirectoryImported(
        preview=preview,
        read=len(book.units),
        units=told.units,
        posts=told.posts,
        persons=told.persons,
        terms=told.terms,
        relations=told.relations,
        notes=list(notes),
        position=position,
    )


async def _receive(request: Request, path: Path) -> str:
    """Let a file arrive, the body itself or the one part of a form; return its SHA-256.

    Raises:
        TooLarge; BadInput: it is empty, or no form of one file.
    """
    boundary = boundary_of(request.headers.get("content-type", ""))
    form, size, digest = OnePart(boundary) if boundary else None, 0, sha256()
    with path.open("wb") as file:
        async for chunk in body_chunks(request, LIMIT + (AROUND if form else 0)):
            content = form.feed(chunk) if form else chunk
            digest.update(content)
            size += len(content)
            await run_in_threadpool(file.write, content)
    if form:
        form.close()
    if not size:
        raise BadInput(detail="文件是空的，请选择组织目录工作簿")
    return digest.hexdigest()


@router.get(
    BASE + "/export",
    summary="导出组织目录工作簿",
    tags=["管理"],
    response_class=Response,
    responses={200: {"description": "工作簿，含姓名；改后可再导入", "content": {XLSX: FILE}}},
)
def export_directory(asking: Administrator, district: str) -> Response:
    """Return the directory as a workbook that imports as it stands; it contains names."""
    engine, reference = asking.services.engine, asking.reference
    today = today_of(engine)
    book = book_of(reference, names_of(engine), today)
    notes = {"区县": district, "日期": today.isoformat(), "位点": str(reference.position)}
    headers = {
        "Content-Disposition": f'attachment; filename="directory-{district}-{today}.xlsx"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(_written(asking, book, notes), headers=headers, media_type=XLSX)


def _written(asking: Asking, book: Book, notes: dict[str, str]) -> Generator[bytes]:
    with tempfile.TemporaryDirectory(prefix="bihuan-") as folder:
        path = Path(folder) / "directory.xlsx"
        asking.services.books.write(path, book, notes)
        yield from chunks(path.open("rb"))


@router.get(
    BASE + "/divisions",
    summary="区划调整",
    tags=["基础数据"],
    responses=returns(DivisionDocument, "已登记的区划调整（items），按登记的先后"),
)
def read_divisions(asking: Reader, district: str) -> Response:
    """Return every re-division that was decreed, and how far each is."""
    del district
    known, today = asking.reference.directory, today_of(asking.services.engine)
    items = [_division(one, known, today) for one in known.divisions.values()]
    return answer(Listing(items=items, position=asking.reference.position))


@router.post(
    BASE + "/divisions",
    summary="登记区划调整，或预览其影响",
    tags=["管理"],
    responses=returns(DivisionDocument, "已登记，到日自行划归；preview 为 true 时没有写入"),
    openapi_extra=command(DivisionBody),
)
async def decree_division(request: Request, asking: Administrator, district: str) -> Response:
    """Decree a re-division, whole; on its day its units stand, and open cases follow."""
    del district
    caller, body = await sent(request, asking, DivisionBody)
    await run_in_threadpool(recall, asking, caller)  # the same again is the same decree
    engine = asking.services.engine
    wanted = await _wanted(asking, body)
    if body.preview:
        planned(wanted, engine.reference)
        return answer(await run_in_threadpool(_previewed, asking, wanted))
    await decree(engine, wanted, caller=caller)
    told = _division(wanted, engine.reference.directory, today_of(engine))
    told.position = engine.reference.position
    return answer(told)


async def _wanted(asking: Asking, body: DivisionBody) -> f.DivisionDecreed:
    """Return the decree asked for, with the ids of the units that it names by their codes."""
    directory = (await asking.services.engine.refresh()).directory
    plan = Plan(
        division=body.division,
        on=body.on,
        units=tuple(
            PlannedUnit(code=one.code, name=one.name, level=one.level, parent=one.parent)
            for one in body.units
        ),
        moves=tuple(
            PlannedMove(unit=one.unit, parent=one.parent, into=tuple(one.into))
            for one in body.moves
        ),
    )
    return decree_of(plan, directory)


def _previewed(asking: Asking, wanted: f.DivisionDecreed) -> DivisionDocument:
    passages: list[Passage] = []
    cases = to_allot = 0
    for one in preview(asking.services.engine, wanted):
        cases, to_allot = cases + 1, to_allot + one.to_allot
        if len(passages) < SHOWN:
            passages.append(one)
    return DivisionDocument(
        division=wanted.division,
        on=wanted.on.isoformat(),
        state="preview",
        cases=cases,
        to_allot=to_allot,
        passages=[
            PassageDocument(one.case, one.number, one.before, one.after, one.to_allot)
            for one in passages
        ],
    )


@router.post(
    BASE + "/divisions/{division}/apply",
    summary="立即执行已到日的区划调整",
    tags=["管理"],
    responses=returns(DivisionDocument, "已执行；failures 是未能划归的事项"),
    openapi_extra=command(None),
)
async def apply_division(
    request: Request, asking: Administrator, district: str, division: str
) -> Response:
    """Let every open case follow now, and do not wait for the process that does so by itself."""
    del district
    caller_of(request, asking, {})  # what is carried out stays so under any key
    engine = asking.services.engine
    wanted = (await engine.refresh()).directory.divisions.get(division)
    if wanted is None:
        raise NotFound(what=f"区划调整“{division}”")
    if wanted.on > today_of(engine):
        raise BadInput(detail=f"区划调整“{division}”{wanted.on} 起生效，到日自行划归，现在不能执行")
    done = Redivided()
    if division not in engine.reference.directory.carried_out:
        await decree(engine, wanted)
        done = await carry_out(engine, division)
    told = _division(wanted, (await engine.refresh()).directory, today_of(engine))
    told.failures = [f"{one.case} {one.problem}" for one in done.failures]
    told.position = engine.reference.position
    return answer(told)


def _division(one: f.DivisionDecreed, known: Directory, today: date) -> DivisionDocument:
    done = known.carried_out.get(one.division)
    state = "carried_out" if done else "in_force" if one.on <= today else "decreed"
    return DivisionDocument(
        division=one.division,
        on=one.on.isoformat(),
        state=state,
        cases=done.cases if done else None,
        to_allot=done.to_allot if done else None,
    )
