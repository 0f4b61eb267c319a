"""A few hands: threads that carry followers, each piece of work with a connection to itself.

Bounded, however many followers there are: while one hand waits for the database, another folds.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from eventlog.database import Connection

HANDS: Final = 3


class Hands:
    """Threads with connections that are kept between two pieces of work."""

    def __init__(self, connect: Callable[[], Connection], count: int = HANDS) -> None:
        """Connect when first needed."""
        self._connect = connect
        self._pool = ThreadPoolExecutor(max(1, count), "follower")
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    def do(self, work: Callable[[Connection], int]) -> "Future[int]":
        """Begin a piece of work as soon as a hand is free."""
        return self._pool.submit(self._work, work)

    def disconnect(self) -> None:
        """Give the connections back that nobody is using."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def end(self) -> None:
        """Let the threads end, and give the connections back."""
        self._pool.shutdown()
        self.disconnect()

    def _work(self, work: Callable[[Connection], int]) -> int:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or self._connect()
        try:
            done = work(connection)
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)
        return done
