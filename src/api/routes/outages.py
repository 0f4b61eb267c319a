"""停机与补录: times without the system; one declares, another approves."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.access import Asking, Guard, Reader
from api.answers import Listing, answer
from api.body import SentTime
from api.idempotency import caller_of, recall, sent
from api.openapi import command, returns
from api.times import moment, shown
from domain import facts as f
from domain.errors import NotFound
from workflows.outages import DECIDING, approve, declare, declared_at, reasons
from workflows.reference import DeclaredOutage

router: Final = APIRouter()
BASE: Final = "/v1/districts/{district}/outages"
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")

Deciding = Annotated[Asking, Depends(Guard(DECIDING))]


class OutageBody(Struct, forbid_unknown_fields=True, rename={"since": "from"}):
    """A time without the system, which is over."""

    since: SentTime
    until: SentTime
    reason: Annotated[str, Meta(min_length=1, max_length=2000)]


class OutageState(Struct, kw_only=True, rename={"since": "from"}):
    """An outage; until somebody else approves it, nothing is let in because of it."""

    outage: int
    since: str
    until: str
    declared_by: str
    approved_by: str | None
    register_by: str | None
    position: int


class OutageDocument(OutageState, kw_only=True):
    """An outage as it is read; the reason only for those who may see texts."""

    reason: str | None


@router.get(
    BASE,
    summary="停机",
    tags=["管理"],
    responses=returns(OutageDocument, "停机（items）"),
)
def list_outages(asking: Reader, district: str) -> Response:
    """Return the outages that were declared."""
    del district
    outages = list(asking.reference.outages.values())
    told = reasons(asking.services.engine, outages) if asking.sees_texts else {}
    items = [
        OutageDocument(**_fields(one, one.approval), reason=told.get(one.outage)) for one in outages
    ]
    return answer(Listing(items=items, position=asking.reference.position))


@router.post(
    BASE,
    status_code=201,
    summary="宣布停机",
    tags=["管理"],
    responses=returns(OutageState, "已宣布，等待另一人批准", status=201),
    openapi_extra=command(OutageBody),
)
async def declare_outage(request: Request, asking: Deciding, district: str) -> Response:
    """Declare a time without the system."""
    del district
    caller, body = await sent(request, asking, OutageBody)
    since, until = moment(body.since, "/from"), moment(body.until, "/until")
    engine = asking.services.engine
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is None:
        declared = await declare(engine, since, until, body.reason, caller)
    else:
        declared = declared_at(await engine.refresh(), stored.last)
    # As it was then: an approval that came since would change a repeated answer.
    return answer(OutageState(**_fields(declared, None)), 201)


@router.post(
    BASE + "/{outage}/approve",
    summary="批准停机补录",
    tags=["管理"],
    responses=returns(OutageState, "已批准；register_by 以前可以补录"),
    openapi_extra=command(None),
)
async def approve_outage(
    request: Request, asking: Deciding, district: str, outage: str
) -> Response:
    """Approve an outage that somebody else declared."""
    del district
    caller = caller_of(request, asking, {})
    engine = asking.services.engine
    number = _number(outage)
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is None:
        approved = await approve(engine, number, caller)
    else:
        approved = (await engine.refresh()).outages[number]
    return answer(OutageState(**_fields(approved, approved.approval)))


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise NotFound(what=f"第 {text[:20]} 号停机")
    return int(text)


def _fields(one: DeclaredOutage, approval: f.OutageApproved | None) -> dict[str, Any]:
    return {
        "outage": one.outage,
        "since": shown(one.since),
        "until": shown(one.until),
        "declared_by": one.by,
        "approved_by": approval.by if approval else None,
        "register_by": shown(approval.register_by) if approval else None,
        "position": one.approved_position if approval else one.position,
    }
