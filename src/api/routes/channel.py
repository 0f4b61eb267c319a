"""通知渠道: where notices are sent, when not; the signing secret is shown once, when it is made."""

from typing import Annotated, Final

from fastapi import APIRouter
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.access import Administrator, Asking
from api.answers import answer
from api.idempotency import caller_of, recall, sent
from api.openapi import command, returns
from api.times import shown_or_none
from workflows.engine import Caller
from workflows.notices.channel import (
    LONGEST_URL,
    SECRET_BYTES,
    ChannelSet,
    close_channel,
    new_secret,
    secret_at,
    set_channel,
    shown_quiet,
)
from workflows.notices.claims import standing

router: Final = APIRouter()
PATH: Final = "/v1/districts/{district}/channel"


class ChannelBody(Struct, forbid_unknown_fields=True):
    """Where to send; without quiet hours at any time, without a secret signed as before."""

    url: Annotated[str, Meta(max_length=LONGEST_URL)]
    quiet: Annotated[str, Meta(max_length=20)] | None = None
    secret: Annotated[str, Meta(max_length=200)] | None = None


class ConfiguredChannel(Struct, kw_only=True):
    """The channel as it was configured; the secret only if it was made just then."""

    url: str
    quiet: str | None
    secret: str | None
    position: int


class ClosedChannel(Struct, kw_only=True):
    """Nothing is sent any more."""

    position: int


class ChannelDocument(Struct, kw_only=True):
    """The channel as it is, without its secret, and the notices that wait for it."""

    url: str | None
    quiet: str | None
    waiting: int
    oldest: str | None
    failing: int
    last_error: str | None


@router.get(PATH, summary="通知渠道", tags=["管理"], responses=returns(ChannelDocument, "通知渠道"))
def read_channel(asking: Administrator, district: str) -> Response:
    """Return where notices are sent, and how many wait."""
    del district
    channel = asking.reference.channel
    with asking.services.database.connection() as connection:
        stand = standing(connection)
    document = ChannelDocument(
        url=(channel.url or None) if channel else None,
        quiet=shown_quiet(channel) if channel else None,
        waiting=stand.waiting,
        oldest=shown_or_none(stand.oldest),
        failing=stand.failing,
        last_error=stand.last_error or None,
    )
    return answer(document)


@router.put(
    PATH,
    summary="设置通知渠道",
    tags=["管理"],
    responses=returns(ConfiguredChannel, "已设置；secret 只在新生成时出现"),
    openapi_extra=command(ChannelBody),
)
async def configure(request: Request, asking: Administrator, district: str) -> Response:
    """Set where notices are sent.

    A new secret follows from the request and our master key, so that a repeated request gets the
    same answer.
    """
    del district
    caller, body = await sent(request, asking, ChannelBody)
    fresh = _derived(asking, caller)
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is None:
        done = await set_channel(
            asking.services.engine,
            body.url,
            quiet=body.quiet,
            secret=body.secret,
            fresh=fresh,
            caller=caller,
        )
    else:
        signed = await run_in_threadpool(secret_at, asking.services.engine, stored.last)
        secret = fresh if signed == fresh else None
        done = ChannelSet(
            url=body.url, quiet=body.quiet or None, secret=secret, position=stored.last
        )
    return answer(
        ConfiguredChannel(
            url=done.url, quiet=done.quiet, secret=done.secret, position=done.position
        )
    )


@router.delete(
    PATH,
    summary="停用通知渠道",
    tags=["管理"],
    responses=returns(ClosedChannel, "已停用"),
    openapi_extra=command(None),
)
async def close(request: Request, asking: Administrator, district: str) -> Response:
    """Send nothing any more; notices are recorded all the same."""
    del district
    caller = caller_of(request, asking, {})
    stored = await run_in_threadpool(recall, asking, caller)
    if stored is not None:
        return answer(ClosedChannel(position=stored.last))
    return answer(
        ClosedChannel(position=await close_channel(asking.services.engine, caller=caller))
    )


def _derived(asking: Asking, caller: Caller) -> str:
    """Return the secret that a request makes; only who has the master key can make it."""
    vault = asking.services.vault
    request = b"\0".join((caller.client.encode(), caller.key.encode(), caller.digest))
    return new_secret(vault.digest(b"channel-secret\0" + request)[:SECRET_BYTES])
