"""The runner with two ledgers and with all, against the library's ProjectionRunner.

`python -m benchmarks runner` fills a district of its own; `python -m benchmarks.follow DATA` takes
the one in an existing data directory (a copy of it: its ledgers are emptied and folded anew).
"""

import gc
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import psycopg
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL, Identifier

from app import embedded
from app.migrate import districts, upgrade
from benchmarks import district as d
from benchmarks import stock
from benchmarks.fill import fill
from benchmarks.measure import Result, Watch, rounds
from eventlog.ahead import Ahead
from eventlog.database import Database
from eventlog.runner import BATCH, Follower, Runner
from projections.ledgers import LEDGERS
from projections.places import PlaceTable
from workflows.notices.table import DeliveryTable
from workflows.timers.table import TimerTable

DISTRICT: Final = "610327"
TWO: Final = ("cases", "deadlines")
METHOD: Final = (
    "Cases of ten facts (closed-loop) and of five (public-reply), written by the engine's own "
    "decisions. Ours: `cases` and `deadlines`, then everything that follows the log, from position "
    "0, rows, history, counters and positions. Peer: the stock "
    "ProjectionRunner, one view that counts events by type, caught up from the beginning of as "
    "many of its own events as it does in some seconds."
)
COUNTS: Final = "count_by_type"


def run(*, quick: bool) -> Result:
    """Measure."""
    result = Result("runner", METHOD, quick)
    facts, theirs = (20_000, 1_000) if quick else (200_000, 10_000)
    with d.server() as dsn, d.new_district(dsn, DISTRICT) as database:
        head = fill(database, DISTRICT, facts)
        with stock.tickets(dsn, threads=4) as app:
            stock.seed(app, theirs // 10, 10)
        ours: list[float] = []
        everything: list[float] = []
        peers: list[float] = []
        read: list[float] = []
        for _ in range(rounds(quick=quick)):
            peers.append(theirs / stock_seconds(dsn, theirs))
            ours.append(head / our_seconds(database, head, TWO))
            everything.append(head / our_seconds(database, head, list(LEDGERS)))
            read.append(head / read_seconds(database))
        stock.drop(dsn)
    result.figure("our runner, both ledgers", "facts/s", ours)
    result.figure("our runner, all ledgers", "facts/s", everything)
    result.figure("stock runner, one trivial view", "events/s", peers)
    result.claim(result.ratio("our runner against the stock runner", ours, peers), "≥", 15)
    result.claim(result.ratio("all ledgers against the stock runner", everything, peers), "≥", 5)
    result.claim(result.figure("log read and decoded", "facts/s", read), "≥", 100_000)
    return result


def our_seconds(database: Database, head: int, names: Sequence[str]) -> float:
    """Carry these ledgers from nothing to the end; if they are all, whatever else follows too."""
    followers: list[Follower] = [LEDGERS[name].tables for name in names]
    if len(names) == len(LEDGERS):
        followers += [TimerTable(), DeliveryTable(), PlaceTable()]
    with database.connect() as connection:
        for name in names:
            for table in LEDGERS[name].tables.names.values():
                connection.execute(f"TRUNCATE {table}".encode())
        connection.execute("DELETE FROM checkpoint")
        connection.execute("CHECKPOINT")
    runner = Runner(database, followers)
    watch = Watch()
    try:
        with watch.timed():
            runner.run_until(head)
        assert all(lag.behind == 0 for lag in runner.lags()), runner.lags()
    finally:
        runner.close()
    return watch.seconds


def read_seconds(database: Database) -> float:
    """Read and decode the whole log, as the runner reads it."""
    watch, ahead = Watch(), Ahead(database)
    gc.disable()
    try:
        with watch.timed():
            position = 0
            while records := ahead.read(position, BATCH):
                position = records[-1].position
    finally:
        gc.enable()
        ahead.end()
    return watch.seconds


class Counts(PostgresTrackingRecorder):
    """The trivial view: how many events of each type, in PostgreSQL with its tracking."""

    def __init__(self, datastore: Any, **options: Any) -> None:  # noqa: ANN401 - the library's
        super().__init__(datastore, **options)
        self.table = Identifier(COUNTS)
        statement = "CREATE TABLE IF NOT EXISTS {}.{} (type text PRIMARY KEY, count bigint)"
        schema = Identifier(datastore.schema)
        self.sql_create_statements.append(SQL(statement).format(schema, self.table))
        self.add = SQL(
            "INSERT INTO {0}.{1} VALUES (%s, 1) "
            "ON CONFLICT (type) DO UPDATE SET count = {1}.count + 1"
        ).format(schema, self.table)

    def count(self, name: str, tracking: Tracking) -> None:
        """Count one event."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(self.add, (name,), prepare=True)


class CountEvents(Projection[Counts]):
    """The trivial projection, as the library's documentation has it."""

    name = "counts"

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:  # noqa: ANN401 - the library's
        """Count it by its type."""
        self.view.count(type(domain_event).__name__, tracking)


def stock_seconds(dsn: str, events: int) -> float:
    """Let the stock runner follow all its application's events from the first."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for table in (COUNTS, "counts_tracking"):
            connection.execute(f"DROP TABLE IF EXISTS {stock.SCHEMA}.{table}".encode())
    watch = Watch()
    with (
        watch.timed(),
        ProjectionRunner(
            application_class=stock.Tickets,
            projection_class=CountEvents,
            view_class=Counts,
            env=stock.environment(dsn, threads=4),
        ) as runner,
    ):
        runner.wait(notification_id=events, timeout=600)
    return watch.seconds


def on_data(data: Path) -> None:
    """Measure on the district of a data directory, and say what it took."""
    with embedded.start(data) as server:
        upgrade(server.dsn)
        database = Database(server.dsn, districts(server.dsn)[DISTRICT])
        head = d.position(database)
        print(f"{head} facts; read and decoded: {head / read_seconds(database):,.0f} facts/s")
        for names in (TWO, list(LEDGERS)):
            begun = time.process_time()
            pace = head / our_seconds(database, head, names)
            busy = (time.process_time() - begun) / head * 1e6
            print(f"{len(names)} ledgers: {pace:,.0f} facts/s, {busy:.0f} µs of Python a fact")
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"at most {memory} MB of memory")
        database.close()


if __name__ == "__main__":
    on_data(Path(sys.argv[1]))
