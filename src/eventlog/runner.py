"""The runner: whatever follows the log (ledgers, timers) is carried forward range by range.

One transaction a range and follower: lock its checkpoint (the lock is the lease), apply, advance,
commit. Ranges end where requests end, so nobody ever sees half a request. Followers that stand at
the same position share one reading of the log; those that a range does not concern are moved past
it together, by one statement. A few hands carry all of them, however many there are.
"""

import gc
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Final

import psycopg

from eventlog.ahead import Ahead
from eventlog.batch import Batch
from eventlog.checkpoints import (
    Follower,
    Lag,
    Policy,
    Selective,
    advance,
    aside,
    halt,
    lag,
    pass_by,
    register,
    set_aside,
    take_lease,
    waiting,
)
from eventlog.database import Connection, Database
from eventlog.hands import HANDS, Hands

__all__ = ["BATCH", "Follower", "Lag", "Policy", "Runner", "Selective", "lag"]

BATCH: Final = 4_000
"""Facts of a range: the more, the fewer rows are written twice; memory allows this many."""
POLL_SECONDS: Final = 0.2
LEASE_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 1.0
REST_SECONDS: Final = 0.1
"""Between small ranges: a round costs the same for one fact as for a hundred."""
MEASURABLE: Final = 100
"""From so many facts on, the time that a range took tells the pace."""

LEASE: Final = "SELECT set_config('idle_in_transaction_session_timeout', %s, false)"
# Rows and position are lost or kept together, and the log has them still: no need to wait for
# the disk at every range. The log's own commits are another matter.
RELAXED: Final = "SET synchronous_commit = off"

Place = tuple[int, int]
"""After which position, and how many facts at most."""


class Runner:
    """Carries followers forward; any number of runners, in any processes, share the work.

    One runner belongs to one thread; only `wake` and `follow` may be called from others.
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
        hands: int = HANDS,
    ) -> None:
        """`wake` ends a wait early; `lease` is how long a sleeping transaction keeps its lock."""
        self._database = database
        self._followers = {follower.name: follower for follower in followers}
        self._known: Mapping[str, Follower] = {}
        self._batch = batch
        self._limits: dict[str, int] = {}
        self._poll = poll
        self._lease = lease
        self._wake = wake or threading.Event()
        self._asker: Connection | None = None
        self._ahead = Ahead(database)
        self._hands = Hands(self._connect, hands)

    def wake(self) -> None:
        """Look at once: something was appended."""
        self._wake.set()

    def follow(self, followers: Sequence[Follower]) -> None:
        """Carry these from the next range on, and nobody else; safe from any thread.

        Whoever drops the tables of a follower deletes its checkpoint in the same transaction:
        that waits for a range under way, in whatever process, and lets none begin.
        """
        self._followers = {follower.name: follower for follower in followers}
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
        """Advance every follower by one range; return the facts of the longest one taken.

        Raises:
            psycopg.OperationalError: the server is away or ended our transaction; nothing of the
                range was kept, and the next call starts anew.
        """
        followers = self._followers
        try:
            asker = self._introduced(followers)
            places = self._places(waiting(asker, list(followers)))
            with _collector_paused():
                return max((self._round(asker, followers, *one) for one in places), default=0)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self._disconnect()
            raise

    def lags(self) -> list[Lag]:
        """Return where all followers of the district stand."""
        return lag(self._introduced(self._followers))

    def close(self) -> None:
        """Give the connections back and let the threads end; the runner is of no more use."""
        self._disconnect()
        self._ahead.end()
        self._hands.end()

    def _disconnect(self) -> None:
        """Give the connections back; a range in progress is undone."""
        if self._asker is not None:
            self._asker.close()
            self._asker = None
        self._known = {}
        self._hands.disconnect()
        self._ahead.close()

    def _places(self, positions: Mapping[str, int]) -> list[tuple[Place, list[str]]]:
        """Return who stands where, those that are furthest on first: they are read most.

        Whoever comes after others reads up to where they are, to be among them from then on.
        """
        places: dict[Place, list[str]] = {}
        for name, position in sorted(positions.items(), key=lambda one: (-one[1], one[0])):
            limit = self._limits.get(name, self._batch)
            ahead = [place[0] for place in places if 0 < place[0] - position < limit]
            place = (position, min(ahead, default=position + limit) - position)
            places.setdefault(place, []).append(name)
        return list(places.items())

    def _round(
        self,
        asker: Connection,
        followers: Mapping[str, Follower],
        place: Place,
        names: Sequence[str],
    ) -> int:
        """Take one range for all who stand before it."""
        position, limit = place
        try:
            batch = self._ahead.read(position, limit)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception:  # noqa: BLE001 - a fact that cannot be read; each finds it by itself
            return self._finish([self._alone(followers[name], limit) for name in names])
        if not batch:
            return 0
        touched = [name for name in names if _concerns(batch, followers[name])]
        others = [name for name in names if name not in touched]
        work = [self._carry(followers[name], position, batch) for name in touched]
        moved = bool(others) and pass_by(asker, others, position, batch[-1].position) > 0
        return max(self._finish(work), len(batch) if moved else 0)

    def _finish(self, work: "Sequence[Future[int]]") -> int:
        """Wait for all hands, then say the most that one took, or what went wrong."""
        wait(work)
        return max((one.result() for one in work), default=0)

    def _carry(self, follower: Follower, start: int, batch: Batch) -> "Future[int]":
        """Let a hand apply a range that was read for several."""

        def carry(connection: Connection) -> int:
            try:
                with connection.transaction():
                    taken = _apply(connection, follower, start, batch)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                raise
            except Exception:  # noqa: BLE001 - any error may be a poisonous fact
                return self._bisect(connection, follower, len(batch))
            self._grow(follower)
            return taken

        return self._hands.do(carry)

    def _alone(self, follower: Follower, limit: int) -> "Future[int]":
        """Let a hand look for the request that cannot be read."""
        return self._hands.do(lambda connection: self._bisect(connection, follower, limit))

    def _bisect(self, connection: Connection, follower: Follower, failed: int) -> int:
        """Take ever less than what failed, until the request at fault stands alone."""
        limit = max(1, failed // 8)
        while True:
            self._limits[follower.name] = limit
            try:
                with connection.transaction():
                    taken = self._take(connection, follower, limit)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                raise
            except Exception as error:  # noqa: BLE001 - as above
                if limit == 1:
                    return _give_up(connection, follower, error)
                limit = max(1, limit // 8)
            else:
                self._grow(follower)
                return taken

    def _take(self, connection: Connection, follower: Follower, limit: int) -> int:
        """Read and apply one range in the caller's transaction."""
        position = take_lease(connection, follower.name)
        if position is None:
            return 0
        return _apply(connection, follower, position, self._ahead.read(position, limit))

    def _grow(self, follower: Follower) -> None:
        """Let a follower that stumbled take twice as much again."""
        limit = self._limits.get(follower.name)
        if limit is not None and limit * 2 >= self._batch:
            del self._limits[follower.name]
        elif limit is not None:
            self._limits[follower.name] = limit * 2

    def _introduced(self, followers: Mapping[str, Follower]) -> Connection:
        """Return the connection that asks for all of them, all of them being known."""
        if self._asker is None:
            self._asker = self._connect()
        if self._known is not followers:
            register(self._asker, list(followers.values()))
            self._known = followers
        return self._asker

    def _connect(self) -> Connection:
        """Open a connection whose lease ends by itself."""
        connection = self._database.connect()
        try:
            connection.execute(LEASE, (str(int(self._lease * 1000)),))
            connection.execute(RELAXED)
        except BaseException:
            connection.close()
            raise
        return connection


def _concerns(batch: Batch, follower: Follower) -> bool:
    return not isinstance(follower, Selective) or not follower.facts.isdisjoint(batch.facts)


def _apply(connection: Connection, follower: Follower, start: int, batch: Batch) -> int:
    """Apply a range in the caller's transaction; 0 if another runner has it, or had it."""
    if not batch or take_lease(connection, follower.name) != start:
        return 0
    begun = time.perf_counter()
    if follower.policy == "quarantine":
        follower.apply(connection, batch.without(aside(connection, follower.name)))
    else:
        follower.apply(connection, batch)
    pace = None
    if len(batch) >= MEASURABLE:
        pace = int(len(batch) / max(time.perf_counter() - begun, 1e-6))
    advance(connection, follower.name, batch[-1].position, pace=pace)
    return len(batch)


def _give_up(connection: Connection, follower: Follower, error: Exception) -> int:
    """Halt before the request that cannot be applied, or set its cases aside."""
    with connection.transaction():
        position = take_lease(connection, follower.name)
        if position is None:
            return 0
        reason = type(error).__name__
        if follower.policy == "halt":
            halt(connection, follower.name, position, reason)
            return 0
        return set_aside(connection, follower.name, position, reason)


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
