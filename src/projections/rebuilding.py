"""Rebuilds in the background of a server: asked for, begun by themselves, taken up after a kill.

What is to be rebuilt stands in the checkpoints (`cases@1__build`), so whoever starts next goes on.
Several processes may do so at once: they share the work range by range, and one of them ends it.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import psycopg
from msgspec import Struct

from eventlog.checkpoints import Lag, lag
from eventlog.database import Connection, Database
from projections.comparing import Comparison
from projections.ledger import Ledger
from projections.rebuild import Outcome, Pair, go_on, last_comparison, outdated, pair_of, prepare
from projections.tables import BUILD

BATCH: Final = 2000
"""Small ranges and one hand: the server has other things to do."""
LOOK_SECONDS: Final = 5.0
"""How often checkpoints are looked at without being asked."""

UNDER_WAY: Final = "SELECT name FROM checkpoint WHERE name = ANY(%s) AND state = 'building'"

Ledgers = Mapping[str, Ledger[Any, Any]]
Trouble = Callable[[BaseException], None]
Done = Callable[[Outcome], None]


class Standing(Struct, frozen=True, kw_only=True):
    """How a ledger stands, and its rebuild, if one is under way."""

    live: Lag | None
    build: Lag | None
    compared: Comparison | None
    """What the last rebuild found."""


class Rebuilder:
    """Carries the rebuilds of a district to their end, in a thread of its own once started."""

    def __init__(
        self,
        database: Database,
        ledgers: Ledgers,
        *,
        trouble: Trouble | None = None,
        done: Done | None = None,
    ) -> None:
        """`done` hears every rebuild that ended or halted, `trouble` what went wrong otherwise."""
        self._database = database
        self._ledgers = ledgers
        self._trouble = trouble
        self._done = done
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._automatic = False
        self._thread: threading.Thread | None = None

    def start(self, *, automatic: bool) -> None:
        """Go on with what was begun; `automatic` also begins what changed code has halted."""
        self._automatic = automatic
        self._thread = threading.Thread(target=self._run, name="rebuilder", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the range under way; the next start goes on there."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def request(self, ledger: Ledger[Any, Any]) -> None:
        """Begin the rebuild of a ledger, or take up the one that was interrupted."""
        with self._database.connection() as connection:
            _begin(connection, pair_of(ledger))
        self._wake.set()

    def look(self) -> list[Outcome]:
        """Begin what is outdated, and bring all that was begun to its end."""
        pairs = [pair_of(ledger) for ledger in self._ledgers.values()]
        with self._database.connection() as connection:
            if self._automatic:
                names = outdated(connection, [pair.live for pair in pairs])
                for pair in pairs:
                    if pair.live.name in names:
                        _begin(connection, pair, anew=False)
            wanted = [pair.build.name for pair in pairs]
            begun = {name for (name,) in connection.execute(UNDER_WAY, (wanted,)).fetchall()}
        mine = [pair for pair in pairs if pair.build.name in begun]
        if not mine:
            return []
        return go_on(self._database, mine, batch=BATCH, hands=1, stop=self._stop)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                for outcome in self.look():
                    if self._done is not None:
                        self._done(outcome)
            except Exception as error:  # noqa: BLE001 - the next look goes on where it stands
                if self._trouble is not None:
                    self._trouble(error)
                self._stop.wait(LOOK_SECONDS)
            self._wake.wait(LOOK_SECONDS)


def standing_of(connection: Connection, ledger: Ledger[Any, Any]) -> Standing:
    """Return how a ledger and its rebuild stand."""
    known = {one.name: one for one in lag(connection)}
    name = ledger.tables.name
    found = last_comparison(connection, name)
    return Standing(live=known.get(name), build=known.get(name + BUILD), compared=found)


def _begin(connection: Connection, pair: Pair, *, anew: bool = True) -> None:
    """Mark a rebuild as begun; one that halted by itself is tried again only when asked for."""
    try:
        with connection.transaction():
            if anew or not _halted(connection, pair):
                prepare(connection, pair.live, pair.build)
    except (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable):
        return  # another process has just begun it


def _halted(connection: Connection, pair: Pair) -> bool:
    query = "SELECT fingerprint FROM checkpoint WHERE name = %s AND state = 'halted'"
    row = connection.execute(query, (pair.build.name,)).fetchone()
    return row is not None and row[0] == pair.build.fingerprint
