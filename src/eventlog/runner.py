"""The runner: whatever follows the log (ledgers, timers) is carried forward range by range.

One transaction a range and follower: lock its checkpoint (the lock is the lease), read, apply,
advance, commit. Ranges end where requests end, so nobody ever sees half a request. Followers that
stand at the same position share what was read; each has a connection of its own, so that one
folds while the database writes another's rows.
"""

import gc
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Final, Literal, Protocol

import psycopg
from msgspec import Struct

from eventlog.ahead import Ahead
from eventlog.database import Connection, Database
from eventlog.records import Followed

BATCH: Final = 8000
POLL_SECONDS: Final = 0.2
LEASE_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 1.0
REST_SECONDS: Final = 0.1
"""Between small ranges: a round costs the same for one fact as for a hundred."""

Policy = Literal["halt", "quarantine"]


class Follower(Protocol):
    """What the runner carries forward."""

    @property
    def name(self) -> str:
        """Its checkpoint, for example `cases@1`."""
        ...

    @property
    def fingerprint(self) -> str:
        """What its rows depend on; another fingerprint under the same name needs a rebuild."""
        ...

    @property
    def policy(self) -> Policy:
        """What a fact that cannot be applied does: stop all, or set its case aside."""
        ...

    def apply(self, connection: Connection, records: Sequence[Followed]) -> None:
        """Fold whole requests and write the rows, in the caller's transaction."""
        ...


class Lag(Struct, frozen=True):
    """How far a follower is behind, and whether it still moves."""

    name: str
    position: int
    head: int
    behind: int
    state: str
    detail: str


LAG: Final = """
    SELECT c.name, c.position, l.position, l.position - c.position, c.state, c.detail
    FROM checkpoint c, ledger l ORDER BY c.name
"""
LEASE: Final = "SELECT set_config('idle_in_transaction_session_timeout', %s, false)"
# Rows and position are lost or kept together, and the log has them still: no need to wait for
# the disk at every range. The log's own commits are another matter.
RELAXED: Final = "SET synchronous_commit = off"
# Known from the first connection on, so that lag is visible before the first range.
REGISTER: Final = """
    INSERT INTO checkpoint (name, fingerprint) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING
"""
# Rows folded by other code must not be continued by this one.
DISOWN: Final = """
    UPDATE checkpoint SET state = 'halted', detail = 'the ledger has changed: rebuild it',
                          updated_at = now()
    WHERE name = %s AND fingerprint <> %s AND state <> 'halted'
"""
# Without a lock: who has anything to do at all? Runs at every poll.
WAITING: Final = """
    SELECT c.name FROM checkpoint c, ledger l
    WHERE c.name = ANY(%s) AND c.position < l.position AND c.state IN ('live', 'building')
"""
# The lease. Whoever comes second goes on to another follower instead of queueing.
LOCK: Final = """
    SELECT position FROM checkpoint
    WHERE name = %s AND state IN ('live', 'building') FOR UPDATE SKIP LOCKED
"""
ADVANCE: Final = "UPDATE checkpoint SET position = %s, updated_at = now() WHERE name = %s"
HALT: Final = """
    UPDATE checkpoint SET state = 'halted', detail = %s, updated_at = now()
    WHERE name = %s AND position = %s
"""
# A request that cannot be applied: which facts of which streams it wrote.
REQUEST: Final = """
    SELECT e.position, e.stream_id FROM event e
    WHERE e.recorded_at = (SELECT recorded_at FROM event WHERE position = %s) ORDER BY e.position
"""
SET_ASIDE: Final = """
    INSERT INTO quarantine (name, stream_id, position, error) VALUES (%s, %s, %s, %s)
    ON CONFLICT (name, stream_id) DO NOTHING
"""
ASIDE: Final = "SELECT stream_id::text FROM quarantine WHERE name = %s"
ASIDE_DETAIL: Final = """
    UPDATE checkpoint SET updated_at = now(), detail = (
        SELECT format('%%s quarantined, last at position %%s', count(*), max(q.position))
        FROM quarantine q WHERE q.name = checkpoint.name)
    WHERE name = %s
"""


class Runner:
    """Carries followers forward; any number of runners, in any processes, share the work.

    One runner belongs to one thread.
    """

    def __init__(
        self,
        database: Database,
        followers: Sequence[Follower],
        *,
        batch: int = BATCH,
        poll: float = POLL_SECONDS,
        lease: float = LEASE_SECONDS,
        wake: threading.Event | None = None,
    ) -> None:
        """`wake` ends a wait early; `lease` is how long a sleeping transaction keeps its lock."""
        self._database = database
        self._followers = {follower.name: follower for follower in followers}
        self._batch = batch
        self._limits = dict.fromkeys(self._followers, batch)
        self._poll = poll
        self._lease = lease
        self._wake = wake or threading.Event()
        self._connections: dict[str, Connection] = {}
        self._ahead = Ahead(database)
        self._hands = ThreadPoolExecutor(max(1, len(followers)), "follower")

    def wake(self) -> None:
        """Look at once: something was appended."""
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Follow the log until told to stop; a lost server is waited for."""
        try:
            while not stop.is_set():
                self._wake.clear()
                try:
                    taken = self.run_once()
                except psycopg.Error:
                    self._disconnect()
                    stop.wait(RETRY_SECONDS)
                    continue
                if taken == 0:
                    self._wake.wait(self._poll)
                elif taken < self._batch:
                    stop.wait(REST_SECONDS)
        finally:
            self.close()

    def run_until(self, position: int) -> None:
        """Carry every follower to a position, or until none can move any more."""
        while self.run_once():
            standing = [lag for lag in self.lags() if lag.name in self._followers]
            if all(lag.position >= position for lag in standing):
                return

    def run_once(self) -> int:
        """Advance every follower by one range; return how many facts they took in together.

        Raises:
            psycopg.OperationalError: the server is away or ended our transaction; nothing of the
                range was kept, and the next call starts anew.
        """
        try:
            waiting = self._connected().execute(WAITING, (list(self._followers),)).fetchall()
            names = [str(name) for (name,) in waiting]
            with _collector_paused():
                work = [self._hands.submit(self._advance, name) for name in names]
                wait(work)
            return sum(one.result() for one in work)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self._disconnect()
            raise

    def lags(self) -> list[Lag]:
        """Return where all followers of the district stand."""
        return lag(self._connected())

    def close(self) -> None:
        """Give the connections back and let the threads end; the runner is of no more use."""
        self._disconnect()
        self._ahead.end()
        self._hands.shutdown()

    def _disconnect(self) -> None:
        """Give the connections back; a range in progress is undone."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        self._ahead.close()

    def _advance(self, name: str) -> int:
        """Take one range; if it fails take ever less, until the request at fault stands alone."""
        follower, connection = self._followers[name], self._connected(name)
        while True:
            limit = self._limits[name]
            try:
                with connection.transaction():
                    taken = _take_range(connection, follower, limit, self._ahead)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                raise
            except Exception as error:  # noqa: BLE001 - any error may be a poisonous fact
                if limit == 1:
                    return self._give_up(connection, follower, error)
                self._limits[name] = max(1, limit // 8)
            else:
                self._limits[name] = min(self._batch, limit * 2)
                return taken

    def _give_up(self, connection: Connection, follower: Follower, error: Exception) -> int:
        """Halt before the request that cannot be applied, or set its cases aside."""
        with connection.transaction():
            row = connection.execute(LOCK, (follower.name,)).fetchone()
            if row is None:
                return 0
            position, reason = int(row[0]), type(error).__name__
            if follower.policy == "halt":
                detail = f"position {position + 1}: {reason}"
                connection.execute(HALT, (detail, follower.name, position))
                return 0
            request = connection.execute(REQUEST, (position + 1,)).fetchall()
            for at, stream in request:
                connection.execute(SET_ASIDE, (follower.name, stream, at, reason))
            connection.execute(ADVANCE, (request[-1][0], follower.name))
            connection.execute(ASIDE_DETAIL, (follower.name,))
            return len(request)

    def _connected(self, name: str = "") -> Connection:
        """Return the connection of a follower, or the one that asks for all of them."""
        connection = self._connections.get(name)
        if connection is None:
            connection = self._database.connect()
            try:
                self._introduce(connection)
            except BaseException:
                connection.close()
                raise
            self._connections[name] = connection
        return connection

    def _introduce(self, connection: Connection) -> None:
        """Make the lease end by itself, and the followers known."""
        connection.execute(LEASE, (str(int(self._lease * 1000)),))
        connection.execute(RELAXED)
        for follower in self._followers.values():
            connection.execute(REGISTER, (follower.name, follower.fingerprint))
            connection.execute(DISOWN, (follower.name, follower.fingerprint))


def lag(connection: Connection) -> list[Lag]:
    """Return where every follower stands, by name."""
    return [Lag(*row) for row in connection.execute(LAG).fetchall()]


def _take_range(
    connection: Connection,
    follower: Follower,
    limit: int,
    ahead: Ahead,
) -> int:
    """Apply one range in the caller's transaction; 0 if another runner holds the lease."""
    row = connection.execute(LOCK, (follower.name,)).fetchone()
    if row is None:
        return 0
    position = int(row[0])
    records = ahead.read(position, limit)
    if not records:
        return 0
    follower.apply(connection, _without_quarantined(connection, follower, records))
    connection.execute(ADVANCE, (records[-1].position, follower.name))
    return len(records)


def _without_quarantined(
    connection: Connection, follower: Follower, records: Sequence[Followed]
) -> Sequence[Followed]:
    if follower.policy == "halt":
        return records
    aside = {stream for (stream,) in connection.execute(ASIDE, (follower.name,)).fetchall()}
    return [record for record in records if record.stream not in aside] if aside else records


@contextmanager
def _collector_paused() -> Generator[None]:
    """Keep the collector from walking a whole batch of live objects again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
