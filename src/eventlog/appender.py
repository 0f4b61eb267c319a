"""Group commit: concurrent requests of a process drain into one transaction, each gets its answer.

One appender per process and district, a thread with a connection of its own. A batch is one call
of the SQL function `append`; a database error in it makes the batch run again one by one, so that
a bad request harms only itself. A connection lost while committing is resolved by asking the
`command` table what was stored, never by inserting again blindly.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import psycopg
from msgspec import Struct

from eventlog.database import Connection, Database

MAX_BATCH: Final = 256
RECONNECT_SECONDS: Final = 0.2
GIVE_UP_SECONDS: Final = 30.0


class SealedText(Struct, frozen=True):
    """A ciphertext on its way into the vault's table."""

    field: str
    key: str
    ciphertext: bytes


class NewEvent(Struct, frozen=True):
    """A fact, encoded and hashed, waiting for its position."""

    stream: str
    version: int
    event: str
    stream_type: str
    type: str
    schema: int
    occurred_at: datetime
    body: bytes
    sealed: tuple[SealedText, ...] = ()


class Request(Struct, frozen=True):
    """What one command wants stored, all of it or nothing; (client, key) makes it repeatable."""

    client: str
    key: str
    digest: bytes
    command: str
    at: datetime
    events: tuple[NewEvent, ...]


class Answer(Struct, frozen=True):
    """What became of a request.

    `stored` and `replayed` carry positions and time; `conflict` the stream's current version in
    `last`; `reused` means that the key stands for another request.
    """

    outcome: Literal["stored", "conflict", "replayed", "reused"]
    first: int
    last: int
    recorded_at: datetime | None
    reference_head: int


class LogClosed(Exception):
    """日志正在关闭，这次没有写入。请稍后用同一个 Idempotency-Key 重试。"""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(type(self).__doc__)


class LogUnavailable(Exception):
    """暂时无法写入日志（数据库不可用）。请稍后用同一个 Idempotency-Key 重试。"""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(type(self).__doc__)


Waiting = tuple[Request, "Future[Answer]"]

APPEND: Final = """
    SELECT outcome, coalesce(first_position, 0), coalesce(last_position, 0), recorded_at,
           reference_head
    FROM append(%b::text[], %b::text[], %b::bytea[], %b::uuid[], %b::timestamptz[],
                %b::int[], %b::uuid[], %b::int[], %b::uuid[], %b::text[],
                %b::text[], %b::smallint[], %b::timestamptz[], %b::bytea[],
                %b::int[], %b::text[], %b::uuid[], %b::bytea[])
"""
# After a lost connection: what did the server keep of this request?
RECALL: Final = """
    SELECT CASE WHEN c.request = %s THEN 'replayed' ELSE 'reused' END, c.first_position,
           c.last_position, c.recorded_at, l.reference_head
    FROM command c, ledger l WHERE c.client = %s AND c.key = %s
"""


class Appender:
    """The thread that writes; `submit` from anywhere."""

    def __init__(
        self, database: Database, *, committed: Callable[[int], None] | None = None
    ) -> None:
        """Start the thread; `committed` hears the last position after each batch."""
        self._database = database
        self._committed = committed
        self._waiting: deque[Waiting] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="appender", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> "Future[Answer]":
        """Queue a request; the future holds its answer once it is durable.

        A future cancelled before its request is taken up leaves nothing; later it cannot be.

        Raises (in the future):
            LogUnavailable: the database stayed away; whether it was stored is not known.
            psycopg.Error: the database refused this request alone.
        """
        future: Future[Answer] = Future()
        with self._wake:
            if self._closing:
                raise LogClosed
            if not request.events:
                raise ValueError("a request without facts")
            self._waiting.append((request, future))
            self._wake.notify()
        return future

    def close(self) -> None:
        """Write what is queued, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            # From here on nobody can cancel: an answer always finds its future open.
            wanted = [waiting for waiting in batch if waiting[1].set_running_or_notify_cancel()]
            if wanted:
                self._settle(wanted)
        if self._connection is not None:
            self._connection.close()

    def _next_batch(self) -> list[Waiting]:
        """Wait for work; take at most one request per stream and per key, in order."""
        with self._wake:
            while not self._waiting and not self._closing:
                self._wake.wait()
            batch: list[Waiting] = []
            later: list[Waiting] = []
            taken: set[object] = set()
            while self._waiting and len(batch) < MAX_BATCH:
                waiting = self._waiting.popleft()
                marks = _marks(waiting[0])
                (later if marks & taken else batch).append(waiting)
                taken |= marks
            self._waiting.extendleft(reversed(later))
            return batch

    def _settle(self, batch: Sequence[Waiting]) -> None:
        try:
            answers = self._append([request for request, _ in batch])
        except psycopg.OperationalError:
            self._disconnect()
            self._recall(batch)
        except Exception as error:  # noqa: BLE001 - nobody may wait for ever
            # From the database, or from values that do not even fit into the call.
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            for waiting in batch:
                self._settle([waiting])
        else:
            self._announce(answers)
            for (_, future), answer in zip(batch, answers, strict=True):
                future.set_result(answer)

    def _announce(self, answers: Sequence[Answer]) -> None:
        stored = [answer.last for answer in answers if answer.outcome == "stored"]
        if self._committed and stored:
            # A hint: who misses it polls, and its failure must not stop the writing.
            with suppress(Exception):
                self._committed(max(stored))

    def _recall(self, batch: Sequence[Waiting]) -> None:
        """After a lost connection: answer what was stored, write again what was not."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        for waiting in batch:
            self._recall_one(waiting, deadline)

    def _recall_one(self, waiting: Waiting, deadline: float) -> None:
        request, future = waiting
        while True:
            try:
                row = (
                    self._connected()
                    .execute(RECALL, (request.digest, request.client, request.key))
                    .fetchone()
                )
                answer = Answer(*row) if row else self._append([request])[0]
            except psycopg.OperationalError:
                self._disconnect()
                if self._closing or time.monotonic() > deadline:
                    future.set_exception(LogUnavailable())
                    return
                time.sleep(RECONNECT_SECONDS)
            except Exception as error:  # noqa: BLE001 - nobody may wait for ever
                future.set_exception(error)
                return
            else:
                future.set_result(answer)
                return

    def _append(self, requests: Sequence[Request]) -> list[Answer]:
        return append_batch(self._connected(), requests)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.connect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def append_batch(connection: Connection, requests: Sequence[Request]) -> list[Answer]:
    """Append requests in one transaction, or in the one that is open; no two of one key or stream.

    Raises:
        psycopg.Error: the database refused one of them, so none is stored.
    """
    rows = connection.execute(APPEND, _arguments(requests)).fetchall()
    return [Answer(*row) for row in rows]


def _marks(request: Request) -> set[object]:
    """Return what two requests of one batch may not share: their key, their streams."""
    return {(request.client, request.key), *(event.stream for event in request.events)}


def _arguments(requests: Sequence[Request]) -> list[list[object]]:
    """Spread a batch over the parallel arrays that the SQL function takes."""
    owned = [(n, event) for n, request in enumerate(requests, 1) for event in request.events]
    texts = [(n, text) for n, (_, event) in enumerate(owned, 1) for text in event.sealed]
    return [
        [request.client for request in requests],
        [request.key for request in requests],
        [request.digest for request in requests],
        [UUID(request.command) for request in requests],
        [request.at for request in requests],
        [n for n, _ in owned],
        [UUID(event.stream) for _, event in owned],
        [event.version for _, event in owned],
        [UUID(event.event) for _, event in owned],
        [event.stream_type for _, event in owned],
        [event.type for _, event in owned],
        [event.schema for _, event in owned],
        [event.occurred_at for _, event in owned],
        [event.body for _, event in owned],
        [n for n, _ in texts],
        [text.field for _, text in texts],
        [UUID(text.key) for _, text in texts],
        [text.ciphertext for _, text in texts],
    ]
