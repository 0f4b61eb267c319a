"""Whoever receives notices: a real HTTP server, and the receiver's half of Standard Webhooks."""

import base64
import binascii
import hmac
import json
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

TOLERANCE: Final = 300
"""Seconds by which the sender's clock may differ (Standard Webhooks)."""


class NotVerified(Exception):
    """The message is not the sender's, not whole, or not of now."""


def key_of(secret: str) -> bytes:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    if not key:
        raise ValueError("a secret is not empty")
    return key


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Check a message as the standard says; raises NotVerified."""
    key = key_of(secret)
    try:
        name, stamp, signatures = (
            headers[f"webhook-{one}"] for one in ("id", "timestamp", "signature")
        )
        sent = int(stamp)
    except (KeyError, ValueError) as error:
        raise NotVerified from error
    if abs(now - sent) > TOLERANCE:
        raise NotVerified
    content = f"{name}.{sent}.".encode() + body
    expected = hmac.digest(key, content, "sha256")
    for signature in signatures.split(" "):
        version, _, text = signature.partition(",")
        with suppress(binascii.Error):
            if version == "v1" and hmac.compare_digest(base64.b64decode(text), expected):
                return
    raise NotVerified


@dataclass(frozen=True)
class Reply:
    """How the receiver answers; `hangs` seconds before, `drips` a header every so many seconds."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    hangs: float = 0.0
    drips: float = 0.0


@dataclass(frozen=True)
class Got:
    """A message as it arrived."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Receiver:
    """Keeps what arrives; answers with the replies in their order, the last one for ever."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.got: list[Got] = []
        self.replies: list[Reply] = [Reply()]
        self._lock = threading.Lock()

    def take(self, got: Got) -> Reply:
        with self._lock:
            self.got.append(got)
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def receiving() -> Generator[Receiver]:
    """Serve a receiver on a loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = receiver.take(Got(headers, self.rfile.read(length)))
            with suppress(OSError):  # the sender has gone
                _answer(self, reply)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}/notices")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def _answer(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    time.sleep(reply.hangs)
    handler.send_response(reply.status)
    for number in range(20 if reply.drips else 0):
        handler.send_header(f"x-{number}", "1")
        handler.flush_headers()
        time.sleep(reply.drips)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.send_header("content-length", str(len(reply.body)))
    handler.end_headers()
    handler.wfile.write(reply.body)
