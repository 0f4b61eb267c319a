"""Requests to the log for tests, and the log's own function in broken variants."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from uuid import UUID

from app.migrate import migrations_folder
from domain.facts import CaseFact, Fact, NoteRecorded, PersonRegistered, Stage
from eventlog.appender import NewEvent, Request, SealedText
from eventlog.database import Connection, Database
from eventlog.records import NO_PREVIOUS, PROFILE, Body, Who, encode

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
NOBODY = Who(role="importer", unit=None, post=None, person=None, on_behalf_of=None)
NOTE = NoteRecorded(action="note", stage=Stage("accept", "accept", "discovery"), holder=None)
PERSON = PersonRegistered(person="p1")
WAIT_SECONDS = 20.0
_numbers = count(1)


def new_id() -> str:
    """Return an id that no other of this process equals."""
    return str(UUID(int=next(_numbers)))


def new_event(
    stream: str,
    version: int = 1,
    *,
    fact: Fact = NOTE,
    at: datetime = NOON,
    event: str = "",
    sealed: tuple[SealedText, ...] = (),
) -> NewEvent:
    """Return a fact ready to be stored."""
    event = event or new_id()
    stream_type = "case" if isinstance(fact, CaseFact) else fact.STREAM
    body: Body[Fact] = Body(
        profile=PROFILE,
        district="610327",
        stream_type=stream_type,
        stream=stream,
        version=version,
        event=event,
        command=event,
        type=fact.TYPE,
        schema=fact.SCHEMA,
        occurred_at=at,
        actor=NOBODY,
        client="test",
        kind=None,
        reference_position=0,
        data=fact,
        sealed=(),
        prev=NO_PREVIOUS,
    )
    kind = (stream_type, fact.TYPE, fact.SCHEMA)
    return NewEvent(stream, version, event, *kind, at, encode(body), sealed)


def request_of(
    *events: NewEvent,
    key: str = "",
    client: str = "test",
    digest: bytes = b"",
    at: datetime = NOON,
) -> Request:
    """Return a request under a key of its own, or under the given one."""
    key = key or new_id()
    return Request(client, key, digest or sha256(key.encode()).digest(), new_id(), at, events)


def note(stream: str = "", version: int = 1, *, key: str = "") -> Request:
    """Return a request for one fact, on a stream of its own unless given."""
    return request_of(new_event(stream or new_id(), version), key=key)


@contextmanager
def held_ledger(database: Database) -> Generator[Connection]:
    """Hold the ledger row, as an append does between its lock and its COMMIT."""
    with database.connect() as connection, connection.transaction():
        connection.execute("SELECT 1 FROM ledger FOR UPDATE")
        yield connection


def await_blocked(
    database: Database,
    *,
    waiters: int = 1,
    other_than: int = 0,
    seconds: float = WAIT_SECONDS,
) -> list[int]:
    """Wait until so many backends of this test's database wait for a lock; return their ids."""
    query = """
        SELECT pid FROM pg_stat_activity WHERE datname = current_database()
        AND cardinality(pg_blocking_pids(pid)) > 0 AND pid <> %s
    """
    deadline = time.monotonic() + seconds
    with database.connect() as connection:
        while time.monotonic() < deadline:
            pids = [int(row[0]) for row in connection.execute(query, (other_than,)).fetchall()]
            if len(pids) >= waiters:
                return pids
            time.sleep(0.005)
    raise AssertionError("nobody waits")


# Breaking the function on purpose: (what stands in the SQL, what stands there instead).
LOCK = "SELECT * INTO head FROM ledger FOR UPDATE;"
LOOP = "FOR i IN 1 .. events LOOP"
NO_LOCK = (LOCK, "SELECT * INTO head FROM ledger;")
LOCK_AFTER_CHECKS = ((LOCK, ""), (LOOP, f"{LOCK}\n{LOOP}"))
POSITION = "head.position := head.position + 1;"
SEQUENCE = (
    NO_LOCK,
    (POSITION, "head.position := nextval('loose_position');"),
    ("UPDATE ledger SET position = head.position", "UPDATE ledger SET position = 0"),
    ("reference_head = head.reference_head;\n", "reference_head = 0 WHERE false;\n"),
)
FREE_PLANS = (
    ("SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off", ""),
)
NO_REPLAY = (("ON c.client = w.client AND c.key = w.key", "ON false"),)


def break_append(database: Database, *changes: tuple[str, str]) -> None:
    """Replace the schema's append function by a broken variant."""
    source = (migrations_folder() / "sql/district_0001_log.sql").read_text(encoding="utf-8")
    source = source[source.index("CREATE FUNCTION append(") :]
    for right, wrong in changes:
        assert source.count(right) == 1, right
        source = source.replace(right, wrong)
    with database.connect() as connection:
        connection.execute("CREATE SEQUENCE loose_position")
        connection.execute(
            source.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1).encode()
        )


def later(seconds: float) -> datetime:
    """Return a moment after noon."""
    return NOON + timedelta(seconds=seconds)
