"""附件: uploaded on their own, referred to by actions, read in the case's scope and on record.

Neither way holds more than a few MB in memory (`eventlog/sealed_pieces.py`).
"""

import asyncio
import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.access import READING, WITHOUT_TEXTS, Asking, Guard, Reader, Writer
from api.answers import Listing, answer
from api.errors import AttachmentErased, RangeOutside
from api.idempotency import key_of
from api.logs import logger
from api.media import EXTENSIONS, Sniffer
from api.openapi import command, returns
from api.past import REPORTER, hides_reporter, records_of
from api.problems import response_to
from api.times import shown
from api.traces import trace_of
from api.uploading import OnePart, body_chunks, boundary_of
from domain.errors import BadInput, NotFound, RoleForbidden, TooLarge
from domain.facts import EvidenceAttached
from eventlog.attachments import KEPT, Arriving, Kept, Reading
from eventlog.records import Record
from eventlog.sealed_pieces import PIECE

router: Final = APIRouter()
DISTRICT: Final = "/v1/districts/{district}"
CASE: Final = DISTRICT + "/cases/{case_id}/attachments"
LIMIT: Final = 20 * 1024 * 1024
"""Bytes of one file (interface.md: 20 MB)."""
AROUND: Final = 65_536
"""Bytes of a form around its file."""
SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-store",
    "Accept-Ranges": "bytes",
}
"""A file comes from anybody: no browser may run or guess at it, or keep it."""
_RANGE: Final = re.compile(r"bytes=([0-9]{0,12})-([0-9]{0,12})")
TextReader = Annotated[Asking, Depends(Guard(READING - WITHOUT_TEXTS))]


class UploadedAttachment(Struct, kw_only=True):
    """A file that has arrived. Whoever refers to it in time makes it part of a case."""

    id: str
    sha256: str
    size: int
    media_type: str
    expires_at: str
    """When it is deleted if no case refers to it by then."""


class AttachmentDocument(Struct, kw_only=True):
    """A file that a case refers to."""

    id: str
    name: str
    sha256: str
    size: int
    media_type: str
    action: str
    attached_at: str
    version: int
    position: int
    """Where the fact stands that refers to it."""


def _described() -> dict[str, Any]:
    """Describe the request: the file itself, or a form with one file."""
    file: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
    form: dict[str, Any] = {
        "schema": {
            "type": "object",
            "properties": {"file": {"type": "string", "format": "binary"}},
            "required": ["file"],
        }
    }
    content = dict[str, Any]()
    for name in (*EXTENSIONS, "application/octet-stream"):
        content[name] = file
    content["multipart/form-data"] = form
    return command(None) | {"requestBody": {"required": True, "content": content}}


@router.post(
    DISTRICT + "/attachments",
    status_code=201,
    summary="上传附件",
    tags=["附件"],
    responses=returns(UploadedAttachment, "已上传；24 小时内未被引用即删除", status=201),
    openapi_extra=_described(),
)
async def upload(request: Request, asking: Writer, district: str) -> Response:
    """Take in a file as it streams; its type is told by its bytes."""
    del district
    key = key_of(request)
    boundary = boundary_of(request.headers.get("content-type", ""))
    engine = asking.services.engine
    store = engine.uploads.store
    arriving = await run_in_threadpool(store.begin, asking.client, engine.real(), key)
    try:
        media_type = await _receive(request, boundary, arriving)
        kept = await run_in_threadpool(arriving.finish, media_type, key)
    except BaseException:
        # Also where the sender hung up: nothing may stay behind.
        await asyncio.shield(asyncio.to_thread(arriving.discard))
        raise
    return answer(_uploaded(kept), 201)


@router.get(
    CASE,
    summary="事项的附件",
    tags=["附件"],
    responses=returns(AttachmentDocument, "按次序的全部附件（items）"),
)
def list_attachments(asking: Reader, district: str, case_id: str) -> Response:
    """Return the files that a case refers to."""
    del district
    records = records_of(asking, case_id)
    items = [
        AttachmentDocument(
            id=fact.attachment,
            name=_name(records, n, fact),
            sha256=fact.sha256,
            size=fact.size,
            media_type=fact.media_type,
            action=fact.action,
            attached_at=shown(record.occurred_at),
            version=record.version,
            position=record.position,
        )
        for n, (record, fact) in enumerate(_attached(records), 1)
    ]
    return answer(Listing(items=items, position=records[-1].position))


@router.get(
    CASE + "/{attachment}",
    summary="附件的内容",
    tags=["附件"],
    response_class=Response,
    responses={
        200: {
            "description": "文件；可用 Range 只取一部分（206）",
            "content": {name: {"schema": {"type": "string"}} for name in EXTENSIONS},
        }
    },
)
def read_attachment(
    request: Request, asking: TextReader, district: str, case_id: str, attachment: str
) -> Response:
    """Return a file, or a range of it; that it was read is recorded first."""
    del district
    records = records_of(asking, case_id)
    name, fact = _wanted(records, attachment)
    if fact.subject == REPORTER and hides_reporter(asking, records):
        # What somebody sent along may show who they are.
        role = asking.actor.role.value
        raise RoleForbidden(role=role, action="查阅反映人的附件", allowed="受理人员、回访人员")
    file = asking.services.engine.uploads.store.open(fact.attachment, case_id.lower())
    if file is None:
        raise AttachmentErased
    span = _span(request.headers.get("range"), file.size)
    if span is None:
        headers = {"Content-Range": f"bytes */{file.size}"}
        return response_to(RangeOutside(size=file.size), trace_of(request.scope).id, headers)
    first, last = span
    # The first piece is opened before anything is answered: a damaged one is a plain problem.
    pieces = file.read(first, last)
    begun = next(pieces)
    _record(request, asking, case_id.lower(), fact, span)
    partial = last - first + 1 < file.size
    headers = SAFE | {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(last - first + 1),
    }
    if partial:
        headers["Content-Range"] = f"bytes {first}-{last}/{file.size}"
    status = 206 if partial else 200
    return StreamingResponse(_joined(begun, pieces), status, headers, fact.media_type)


async def _receive(request: Request, boundary: str | None, arriving: Arriving) -> str:
    """Let a file arrive; return its type.

    Raises:
        TooLarge, UnsupportedMedia; BadInput: it is empty, or no form of one file.
    """
    sniffer, waiting = Sniffer(), bytearray()
    form = OnePart(boundary) if boundary else None
    async for chunk in body_chunks(request, LIMIT + (AROUND if form else 0)):
        content = form.feed(chunk) if form else chunk
        if arriving.size + len(waiting) + len(content) > LIMIT:
            raise TooLarge(limit=LIMIT)
        sniffer.feed(content)
        waiting += content
        if len(waiting) >= PIECE:
            await run_in_threadpool(arriving.write, bytes(waiting))
            waiting.clear()
    if form:
        form.close()
    if not arriving.size and not waiting:
        raise BadInput(detail="附件是空的，请选择有内容的文件")
    await run_in_threadpool(arriving.write, bytes(waiting))
    return sniffer.media_type(form.declared if form else request.headers.get("content-type", ""))


def _uploaded(kept: Kept) -> UploadedAttachment:
    return UploadedAttachment(
        id=kept.id,
        sha256=kept.sha256,
        size=kept.size,
        media_type=kept.media_type,
        expires_at=shown(kept.uploaded_at + KEPT),
    )


def _attached(records: list[Record]) -> Iterator[tuple[Record, EvidenceAttached]]:
    """Yield the facts that refer to files, in order."""
    for record in records:
        if isinstance(fact := record.fact, EvidenceAttached):
            yield record, fact


def _wanted(records: list[Record], attachment: str) -> tuple[str, EvidenceAttached]:
    """Return a file of the case and what it is called.

    Raises:
        NotFound: the case refers to none of this id.
    """
    for n, (_, fact) in enumerate(_attached(records), 1):
        if fact.attachment == attachment.lower():
            return _name(records, n, fact), fact
    raise NotFound(what="附件")


def _name(records: list[Record], number: int, fact: EvidenceAttached) -> str:
    """Return a name made of the case's number: what people call their files tells too much."""
    case = getattr(records[0].fact, "number", "") or records[0].stream
    return f"{case}-{number}.{EXTENSIONS.get(fact.media_type, 'bin')}"


def _span(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the bytes asked for, first and last; None for those that are not there.

    Several ranges at once, or what is no range, are answered with the whole file (RFC 9110).
    """
    found = _RANGE.fullmatch((header or "").strip())
    if found is None or found[1] == found[2] == "":
        return 0, size - 1
    if not found[1]:
        length = min(int(found[2]), size)
        return (size - length, size - 1) if length else None
    first, last = int(found[1]), int(found[2] or size - 1)
    if found[2] and last < first:
        return 0, size - 1
    return (first, min(last, size - 1)) if first < size else None


def _record(
    request: Request, asking: Asking, case: str, fact: EvidenceAttached, span: tuple[int, int]
) -> None:
    """Write down who reads what, in the database and as a line of the log; ids only."""
    engine = asking.services.engine
    reading = Reading(
        at=engine.real(),
        attachment=fact.attachment,
        case=case,
        client=asking.client,
        role=asking.actor.role.value,
        unit=asking.actor.unit,
        first=span[0],
        last=span[1],
    )
    engine.uploads.store.record_reading(reading)
    logger().info(
        "attachment-read",
        request_id=trace_of(request.scope).id,
        district=asking.services.id,
        case=case,
        attachment=fact.attachment,
        key=asking.grant.key,
        role=reading.role,
    )


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
