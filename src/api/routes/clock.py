"""试运行时钟: in a trial district the clock can be set forward; in a real one never."""

from typing import Final

from fastapi import APIRouter
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.access import Administrator
from api.answers import answer
from api.body import SentTime
from api.idempotency import recall, sent
from api.openapi import command, returns
from api.times import moment, shown
from workflows.administration import set_trial_clock

router: Final = APIRouter()


class ClockBody(Struct, forbid_unknown_fields=True):
    """The time that it is to be from now on."""

    now: SentTime


class ClockSet(Struct, kw_only=True):
    """The time that it is in the district."""

    now: str
    position: int


@router.post(
    "/v1/districts/{district}/clock",
    summary="设置试运行时钟",
    tags=["管理"],
    responses=returns(ClockSet, "已设置"),
    openapi_extra=command(ClockBody),
)
async def set_clock(request: Request, asking: Administrator, district: str) -> Response:
    """Set the clock of a trial district forward."""
    del district
    caller, body = await sent(request, asking, ClockBody)
    now = moment(body.now, "/now")
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is not None:
        return answer(ClockSet(now=shown(now), position=stored.last))
    position = await set_trial_clock(asking.services.engine, now, caller=caller)
    return answer(ClockSet(now=shown(now), position=position))
