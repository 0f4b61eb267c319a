"""A cheap HTTP/1.1 load generator: a process of its own, keep-alive connections, raw sockets.

`python -m benchmarks.load` reads a plan (JSON) on stdin and prints what happened as JSON. It does
little per request, so that what is measured is the server.
"""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop
from msgspec import Struct
from msgspec.structs import replace

OK: Final = 200


class Plan(Struct, frozen=True, kw_only=True):
    """What to send: connection n takes every n-th path, round and round or once."""

    port: int
    connections: int
    seconds: float
    paths: list[str]
    bodies: list[str]
    headers: dict[str, str] = {}
    once: bool = False
    """Stop a connection when it has sent each of its paths."""
    keys: str = ""
    """Begin of the Idempotency-Key, which is new for each request; empty: send none."""


class Outcome(Struct, frozen=True):
    """How many answers came in how many seconds, and how long they took (ms)."""

    answers: int
    seconds: float
    p50: float
    p99: float
    statuses: dict[str, int]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds


def run(plan: Plan) -> Outcome:
    """Send from a process of its own.

    Raises:
        AssertionError: an answer was not 200.
    """
    command = [sys.executable, "-m", "benchmarks.load"]
    sent = msgspec.json.encode(plan)
    folder = Path(__file__).parents[1]
    done = subprocess.run(command, input=sent, check=True, capture_output=True, cwd=folder)
    outcome = msgspec.json.decode(done.stdout, type=Outcome)
    assert set(outcome.statuses) == {str(OK)}, outcome.statuses
    return outcome


def once(plan: Plan) -> Plan:
    """Return the plan with each path sent one time."""
    return replace(plan, once=True)


class _Client(asyncio.Protocol):
    """One connection: sends the next request when the last was answered."""

    def __init__(self, plan: Plan, number: int, until: float, done: "asyncio.Future[None]") -> None:
        self.latencies: list[float] = []
        self.statuses: dict[str, int] = {}
        self._until = until
        self._done = done
        self._plan = plan
        self._heads = [_head(plan, path) for path in plan.paths[number :: plan.connections]]
        self._bodies = [_body(body) for body in plan.bodies]
        self._key = f"{plan.keys}-{number}-"
        self._sent = 0
        self._buffer = b""
        self._began = 0.0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = buffer.lower().find(b"content-length:", 0, end)
        length = int(buffer[at + 15 : buffer.index(b"\r\n", at)])
        if len(buffer) < end + 4 + length:
            return
        now = time.perf_counter()
        self.latencies.append(now - self._began)
        status = buffer[9:12].decode()
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status != str(OK) and self.statuses[status] == 1:
            print(buffer.decode(errors="replace"), file=sys.stderr)
        self._buffer = b""
        if now < self._until and not (self._plan.once and self._sent >= len(self._heads)):
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # what was answered is counted; what was not, ends the connection
        if not self._done.done():
            self._done.set_result(None)

    def _send(self) -> None:
        number = self._sent
        head = self._heads[number % len(self._heads)]
        if self._plan.keys:
            head += f"Idempotency-Key: {self._key}{number}\r\n".encode()
        self._sent += 1
        self._began = time.perf_counter()
        self._transport.write(head + self._bodies[number % len(self._bodies)])


def _head(plan: Plan, path: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in plan.headers.items()]
    return ("\r\n".join(lines) + "\r\n").encode()


def _body(body: str) -> bytes:
    encoded = body.encode()
    return f"Content-Length: {len(encoded)}\r\n\r\n".encode() + encoded


async def _send_all(plan: Plan) -> Outcome:
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    clients: list[_Client] = []
    ends: list[asyncio.Future[None]] = []
    for number in range(plan.connections):
        done = loop.create_future()
        client = _Client(plan, number, start + plan.seconds, done)
        clients.append(client)
        ends.append(done)
        await loop.create_connection(lambda client=client: client, "127.0.0.1", plan.port)  # type: ignore[misc]
    await asyncio.gather(*ends)
    seconds = time.perf_counter() - start
    latencies = sorted(each for client in clients for each in client.latencies)
    statuses: dict[str, int] = {}
    for client in clients:
        for status, count in client.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    count = len(latencies)
    p50, p99 = (latencies[min(count - 1, int(count * share))] * 1000 for share in (0.5, 0.99))
    return Outcome(count, seconds, p50, p99, statuses)


if __name__ == "__main__":
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    print(json.dumps(msgspec.to_builtins(uvloop.run(_send_all(wanted)))))
