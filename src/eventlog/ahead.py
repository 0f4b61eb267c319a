"""Reading ahead: ranges of the log for whoever follows it, each read and decoded once.

The log never changes, so a range may be read on a connection of its own, outside the follower's
transaction; and while one range is decoded and folded, the database gathers the next.
"""

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import psycopg

from eventlog.batch import Batch
from eventlog.database import Connection, Database
from eventlog.reader import Range, fetch_requests
from eventlog.records import decode_followed

KEPT: Final = 2
"""Ranges kept for followers that come to them a little later."""
COMING: Final = 2
"""Ranges asked for that nobody has come to yet."""

Place = tuple[int, int]
"""After which position, and how many facts at most."""


class Ahead:
    """Ranges of whole requests, by place; used by many threads."""

    def __init__(self, database: Database) -> None:
        """Connect when first asked."""
        self._database = database
        self._connection: Connection | None = None
        self._hand = ThreadPoolExecutor(1, "ahead")
        self._coming: OrderedDict[Place, Future[Range]] = OrderedDict()
        self._read: OrderedDict[Place, Batch] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, after: int, limit: int) -> Batch:
        """Return whole requests after a position: up to `limit` records, but at least one request.

        Raises:
            psycopg.OperationalError: the server is away; the next call connects again.
            UnknownFact, msgspec.ValidationError: the range cannot be read.
        """
        place = (after, limit)
        with self._lock:
            known = self._read.get(place)
            if known is not None:
                return known
            coming = self._coming.pop(place, None) or self._ask(place)
            found = coming.result()
            if found.more:
                self._ask_ahead((found.through, limit))
            batch = Batch(decode_followed(found.groups))
            if batch:
                self._read[place] = batch
                while len(self._read) > KEPT:
                    self._read.popitem(last=False)
            return batch

    def close(self) -> None:
        """Give the connection back; the next read would open another."""
        self._hand.submit(self._disconnect).result()
        with self._lock:
            self._coming.clear()
            self._read.clear()

    def end(self) -> None:
        """Close, and let the thread end."""
        self.close()
        self._hand.shutdown()

    def _ask_ahead(self, place: Place) -> None:
        if place not in self._coming:
            self._coming[place] = self._ask(place)
        while len(self._coming) > COMING:
            _, forgotten = self._coming.popitem(last=False)
            forgotten.cancel()

    def _ask(self, place: Place) -> "Future[Range]":
        return self._hand.submit(self._fetch, place)

    def _fetch(self, place: Place) -> Range:
        """Gather a range; runs on the one thread that owns the connection."""
        if self._connection is None:
            self._connection = self._database.connect()
        try:
            return fetch_requests(self._connection, *place)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
