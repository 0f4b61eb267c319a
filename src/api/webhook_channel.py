"""The webhook channel: one signed POST a notice, after Standard Webhooks (version 1 signatures).

Whoever receives it checks the signature and the time, and takes a repeated id for the same notice.
Redirects are not followed: a notice goes to the configured address or nowhere.
"""

import asyncio
import base64
import hmac
import re
import ssl
from datetime import datetime
from functools import cache
from http import HTTPStatus
from typing import Final

import certifi
import httpx
import msgspec
from msgspec import Struct

from workflows.notices.channel import Target
from workflows.notices.message import Failed, Message, Taken

TIMEOUT_SECONDS: Final = 10.0
"""For the whole exchange, however slowly the other side speaks."""
LONGEST_ANSWER: Final = 16_384
"""Bytes of an answer that are looked at."""
KEPT_SECONDS: Final = 5.0
"""For how long a connection is kept for the next notice."""
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_AWAY: Final = (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError)


class Answer(Struct):
    """What we read of an answer: the receiver's own number for the notice."""

    receipt: str | None = None


class WebhookChannel:
    """Sends notices over HTTP; connections open with the first message."""

    def __init__(self, *, timeout: float = TIMEOUT_SECONDS) -> None:
        """Keep how long an exchange may take."""
        self._timeout = timeout
        self._client: httpx.AsyncClient | None = None

    async def send(self, target: Target, message: Message, at: datetime) -> Taken | Failed:
        """Send a message once; `at` is when, for the signature."""
        client = await self._connected()
        try:
            async with asyncio.timeout(self._timeout):
                status, body = await _post(client, target, message, at)
        except _AWAY as error:
            return Failed(_told(error))
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return Taken(_receipt(status, body))
        # Gone (410): the receiver wants nothing more at this address.
        return Failed(f"http-{status}", final=status == HTTPStatus.GONE)

    async def close(self) -> None:
        """Give back connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            # Reading the certificates takes a quarter of a second: not on the loop.
            trust = await asyncio.to_thread(_trust)
            self._client = self._client or httpx.AsyncClient(
                verify=trust,
                timeout=self._timeout,
                follow_redirects=False,
                # No proxy and no password that the environment happens to name.
                trust_env=False,
                limits=httpx.Limits(keepalive_expiry=KEPT_SECONDS),
            )
        return self._client


async def _post(
    client: httpx.AsyncClient, target: Target, message: Message, at: datetime
) -> tuple[int, bytes]:
    """Return the status and the beginning of the answer."""
    headers = {
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        "User-Agent": "bihuan",
        "Accept-Encoding": "identity",
        **signed(target.key, message, at),
    }
    content, body = message.body, b""
    async with client.stream("POST", target.url, content=content, headers=headers) as response:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > LONGEST_ANSWER:
                break
        return response.status_code, body


def signed(key: bytes, message: Message, at: datetime) -> dict[str, str]:
    """Return the headers by which a receiver knows that a message is ours, whole and of now."""
    stamp = str(int(at.timestamp()))
    content = b".".join((message.id.encode(), stamp.encode(), message.body))
    signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return {
        "webhook-id": message.id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }


def _told(error: BaseException) -> str:
    """Return what an operator may read of a failure: a code, no message of somebody else."""
    match error:
        case TimeoutError() | httpx.TimeoutException():
            return "timeout"
        case httpx.ConnectError():
            return "bad-certificate" if _about_trust(error) else "unreachable"
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | UnicodeError():
            return "bad-address"
        case _:
            return "broken-off"


def _about_trust(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


@cache
def _trust() -> ssl.SSLContext:
    """Return what the system trusts (a district's own authority too), and what browsers do."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _receipt(status: int, body: bytes) -> str:
    """Return what the receiver answered, if it is a code; else the status it answered with."""
    try:
        receipt = msgspec.json.decode(body, type=Answer).receipt
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        receipt = None
    return receipt if receipt and _CODE.fullmatch(receipt) else f"http-{status}"
