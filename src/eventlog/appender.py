"""Group commit: concurrent requests of a process drain into one transaction, each gets its answer.

One appender per process and district, a thread with a connection of its own. A batch is one call
of the SQL function `append`; a database error in it makes the batch run again one by one, so that
a bad request harms only itself. A connection lost while committing is resolved by asking the
`command` table what was stored, never by inserting again blindly.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from typing import Final, Literal
from weakref import WeakSet

import psycopg
from msgspec import Struct
from psycopg.adapt import Transformer

from eventlog.binary import (
    ARRAY_OF,
    BINARY,
    blobs,
    ints,
    smallints,
    texts,
    times,
    uuids,
)
from eventlog.database import Connection, Database
from eventlog.direct import check
from eventlog.promises import Promise, tell

MAX_BATCH: Final = 256
RECONNECT_SECONDS: Final = 0.2
GIVE_UP_SECONDS: Final = 30.0


class SealedText(Struct, frozen=True, gc=False):
    """A ciphertext on its way into the vault's table."""

    field: str
    key: str
    ciphertext: bytes


class NewEvent(Struct, frozen=True, gc=False):
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


class Request(Struct, frozen=True, gc=False):
    """What one command wants stored, all of it or nothing; (client, key) makes it repeatable."""

    client: str
    key: str
    digest: bytes
    command: str
    at: datetime
    events: tuple[NewEvent, ...]


class Answer(Struct, frozen=True, gc=False):
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


Waiting = tuple[Request, Promise[Answer]]

# The arrays that the SQL function takes, in its order, by the type of their elements.
ARRAYS: Final = (
    *("text", "text", "bytea", "uuid", "timestamptz"),
    *("int", "uuid", "int", "uuid", "text", "text", "smallint", "timestamptz", "bytea"),
    *("int", "text", "uuid", "bytea"),
)
APPEND: Final = f"""
    SELECT outcome, coalesce(first_position, 0), coalesce(last_position, 0), recorded_at,
           reference_head
    FROM append({", ".join(f"${n}" for n in range(1, len(ARRAYS) + 1))})
"""  # noqa: S608 - numbers of parameters only
APPEND_NAME: Final = b"bihuan_append"
TYPES: Final = [ARRAY_OF[element] for element in ARRAYS]
_prepared: Final[WeakSet[Connection]] = WeakSet()
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
        promise: Promise[Answer] = Promise()
        self._queue(request, promise)
        return promise.future  # type: ignore[return-value] # it was made for a thread

    def submit_here(self, request: Request) -> "asyncio.Future[Answer]":
        """Queue a request from a task of the running event loop; otherwise as `submit`."""
        promise: Promise[Answer] = Promise(asyncio.get_running_loop())
        self._queue(request, promise)
        return promise.awaiting  # type: ignore[return-value] # it was made for a loop

    def _queue(self, request: Request, promise: Promise[Answer]) -> None:
        if not request.events:
            raise ValueError("a request without facts")
        with self._wake:
            if self._closing:
                raise LogClosed
            self._waiting.append((request, promise))
            self._wake.notify()

    def close(self) -> None:
        """Write what is queued, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            # From here on a cancellation comes too late: it will be stored.
            wanted = [waiting for waiting in batch if waiting[1].taken_up()]
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
                tell([(batch[0][1], error)])
                return
            for waiting in batch:
                self._settle([waiting])
        else:
            self._announce(answers)
            tell(zip([promise for _, promise in batch], answers, strict=True))

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
        request, promise = waiting
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
                    tell([(promise, LogUnavailable())])
                    return
                time.sleep(RECONNECT_SECONDS)
            except Exception as error:  # noqa: BLE001 - nobody may wait for ever
                tell([(promise, error)])
                return
            else:
                tell([(promise, answer)])
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

    The connection is one of autocommit. One call of libpq, which waits without the GIL, and values
    in binary: through psycopg's cursor the same took some ten turns at the GIL a batch.

    Raises:
        psycopg.Error: the database refused one of them, so none is stored.
    """
    values = arguments(requests)
    with connection.lock:
        server = connection.pgconn
        if connection not in _prepared:
            check(connection, server.prepare(APPEND_NAME, APPEND.encode(), TYPES))
            _prepared.add(connection)
        result = server.exec_prepared(APPEND_NAME, values, [BINARY] * len(values), BINARY)
    check(connection, result)
    reader = Transformer(connection)
    reader.set_pgresult(result)
    return [Answer(*row) for row in reader.load_rows(0, result.ntuples, tuple)]


def _marks(request: Request) -> set[object]:
    """Return what two requests of one batch may not share: their key, their streams."""
    return {(request.client, request.key), *(event.stream for event in request.events)}


def arguments(requests: Sequence[Request]) -> list[bytes]:
    """Spread a batch over the parallel arrays that the SQL function takes."""
    owned = [(n, event) for n, request in enumerate(requests, 1) for event in request.events]
    events = [event for _, event in owned]
    sealed = [(n, text) for n, event in enumerate(events, 1) for text in event.sealed]
    return [
        texts([request.client for request in requests]),
        texts([request.key for request in requests]),
        blobs([request.digest for request in requests]),
        uuids([request.command for request in requests]),
        times([request.at for request in requests]),
        ints([n for n, _ in owned]),
        uuids([event.stream for event in events]),
        ints([event.version for event in events]),
        uuids([event.event for event in events]),
        texts([event.stream_type for event in events]),
        texts([event.type for event in events]),
        smallints([event.schema for event in events]),
        times([event.occurred_at for event in events]),
        blobs([event.body for event in events]),
        ints([n for n, _ in sealed]),
        texts([text.field for _, text in sealed]),
        uuids([text.key for _, text in sealed]),
        blobs([text.ciphertext for _, text in sealed]),
    ]
