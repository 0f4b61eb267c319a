"""Races on the log, stepped by hand on several connections, each with the break that it catches.

Nothing here hopes for luck in timing: a step waits until the server says that a backend is blocked.
"""

from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import psycopg
import pytest

from eventlog import appender as appender_module
from eventlog.appender import Answer, Appender, LogUnavailable, Request, append_batch
from eventlog.database import Database
from eventlog.reader import read_head, read_range
from tests.support.log import (
    LOCK_AFTER_CHECKS,
    NO_LOCK,
    NO_REPLAY,
    SEQUENCE,
    await_blocked,
    break_append,
    held_ledger,
    new_event,
    new_id,
    note,
    request_of,
)
from tests.support.proxy import Proxy, proxy_before

pytestmark = pytest.mark.storage


@contextmanager
def appending(database: Database, request: Request) -> Generator[Answer]:
    """Append in a transaction that commits when the block ends."""
    with database.connect() as connection, connection.transaction():
        yield append_batch(connection, [request])[0]


def in_background(
    pool: ThreadPoolExecutor, database: Database, request: Request
) -> "Future[Answer]":
    """Append on a connection of its own, in another thread."""

    def run() -> Answer:
        with database.connect() as connection:
            return append_batch(connection, [request])[0]

    return pool.submit(run)


class Seen(NamedTuple):
    """What a reader saw while A had its position and had not committed, and what came of B."""

    meanwhile: list[int]
    after: list[int]
    b: Answer


def overtake(database: Database) -> Seen:
    """A takes a position and waits; B comes; a reader looks; A commits; the reader looks again."""
    with database.connect() as reader, ThreadPoolExecutor(1) as pool:
        with appending(database, note()):
            b = in_background(pool, database, note())
            await_blocked_or_done(database, b)
            meanwhile = [record.position for record in read_range(reader, 0, 10)]
        outcome = b.result(20)
        return Seen(meanwhile, [r.position for r in read_range(reader, 0, 10)], outcome)


def await_blocked_or_done(database: Database, future: "Future[Answer]") -> None:
    """Wait until B stands behind A; a broken append may also have let it pass."""
    while not future.done():
        try:
            await_blocked(database, seconds=0.1)
        except AssertionError:
            continue
        return


def test_a_reader_never_sees_the_second_without_the_first(district: Database) -> None:
    seen = overtake(district)
    assert seen.meanwhile == []
    assert seen.after == [1, 2]
    assert (seen.b.outcome, seen.b.first) == ("stored", 2)


def test_without_the_lock_the_second_would_fail(district: Database) -> None:
    break_append(district, NO_LOCK)
    with pytest.raises(psycopg.errors.UniqueViolation):
        overtake(district)


def test_with_a_sequence_instead_of_the_lock_the_reader_would_miss_the_first(
    district: Database,
) -> None:
    break_append(district, *SEQUENCE)
    assert overtake(district).meanwhile == [2]


def compete(database: Database, stream: str, writers: int) -> list[Answer]:
    """Let writers with one expected version queue behind one who has it."""
    with ThreadPoolExecutor(writers) as pool:
        with appending(database, note(stream)) as first:
            rest = [in_background(pool, database, note(stream)) for _ in range(writers)]
            await_blocked(database, waiters=writers)
        return [first, *(future.result(20) for future in rest)]


def test_of_many_writers_with_one_expected_version_exactly_one_succeeds(
    district: Database,
) -> None:
    first, *rest = compete(district, new_id(), 5)
    assert first.outcome == "stored"
    assert rest == [Answer("conflict", 0, 1, None, 0)] * 5


def test_checks_before_the_lock_would_be_stale(district: Database) -> None:
    break_append(district, *LOCK_AFTER_CHECKS)
    with pytest.raises(psycopg.errors.UniqueViolation):
        compete(district, new_id(), 2)


def meet_twin(database: Database) -> tuple[Answer, Answer]:
    """Send one request twice at once, as after a time-out that was too short."""
    twin = note()
    with ThreadPoolExecutor(1) as pool:
        with appending(database, twin) as first:
            second = in_background(pool, database, twin)
            await_blocked(database)
        return first, second.result(20)


def test_concurrent_twins_get_the_same_answer(district: Database) -> None:
    first, second = meet_twin(district)
    assert (first.outcome, second.outcome) == ("stored", "replayed")
    assert (first.first, first.recorded_at) == (second.first, second.recorded_at)


def test_a_look_at_the_keys_before_the_lock_would_miss_the_twin(district: Database) -> None:
    break_append(district, *LOCK_AFTER_CHECKS)
    with pytest.raises(psycopg.errors.UniqueViolation):
        meet_twin(district)


@pytest.fixture
def proxy(district: Database) -> Generator[Proxy]:
    with proxy_before(district.dsn) as proxy:
        yield proxy


def lose_reply(district: Database, proxy: Proxy) -> tuple[Request, Answer]:
    """Cut the connection after COMMIT, let the case move on, then let the appender ask again."""
    stream = new_id()
    request = note(stream)
    appender = Appender(Database(proxy.dsn, district.schema))
    try:
        appender.submit(note()).result(20)
        proxy.lose_next_reply()
        future = appender.submit(request)
        assert proxy.lost.wait(20)
        with district.connect() as connection:
            assert append_batch(connection, [note(stream, 2)])[0].first == 3
        assert not future.done()
        proxy.mend()
        return request, future.result(20)
    finally:
        proxy.mend()
        appender.close()


def test_a_reply_lost_after_commit_is_found_again_though_the_case_moved_on(
    district: Database, proxy: Proxy
) -> None:
    request, found = lose_reply(district, proxy)
    assert (found.outcome, found.first, found.last) == ("replayed", 2, 2)
    with district.connect() as connection:
        assert append_batch(connection, [request])[0].first == 2
        assert [r.position for r in read_range(connection, 0, 10)] == [1, 2, 3]


def test_without_the_keys_a_lost_reply_would_become_a_conflict(
    district: Database, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appender_module, "RECALL", appender_module.RECALL + " AND false")
    break_append(district, *NO_REPLAY)
    assert lose_reply(district, proxy)[1].outcome == "conflict"


def test_a_backend_ended_before_commit_leaves_nothing_and_the_retry_stores_once(
    district: Database,
) -> None:
    appender = Appender(district)
    with held_ledger(district) as holder:
        future = appender.submit(note())
        (waiting,) = await_blocked(district)
        holder.execute("SELECT pg_terminate_backend(%s)", (waiting,))
        await_blocked(district, other_than=waiting)
    assert future.result(20).first == 1
    appender.close()
    with district.connect() as connection:
        assert read_head(connection).position == 1


def test_a_database_that_stays_away_is_said_to_be_so(
    district: Database, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appender_module, "GIVE_UP_SECONDS", 0.0)
    appender = Appender(Database(proxy.dsn, district.schema))
    appender.submit(note()).result(20)
    proxy.lose_next_reply()
    future = appender.submit(note())
    assert proxy.lost.wait(20)
    # It knocks again before we leave: who stands at the door then must not slip in.
    assert proxy.waiting.wait(20)
    proxy.close()
    with pytest.raises(LogUnavailable, match="同一个 Idempotency-Key"):
        future.result(20)
    appender.close()


def append_beside_idle(district: Database, statement: str) -> list[int]:
    """Append, vacuum and read while a transaction that wrote something stays open."""
    with district.connect() as idle, district.connect() as worker:
        worker.execute("SET lock_timeout = '300ms'")
        with idle.transaction():
            idle.execute(statement)
            append_batch(worker, [note()])
            for table in ("event", "ledger", "command"):
                worker.execute(f"VACUUM {table}")
            append_batch(worker, [note()])
            return [record.position for record in read_range(worker, 0, 10)]


def test_an_idle_write_transaction_and_a_vacuum_delay_nobody(district: Database) -> None:
    statement = "INSERT INTO number_block (year) VALUES (2026)"
    assert append_beside_idle(district, statement) == [1, 2]


def test_an_idle_transaction_on_the_ledger_row_would_be_noticed(district: Database) -> None:
    with pytest.raises(psycopg.errors.LockNotAvailable):
        append_beside_idle(district, "SELECT 1 FROM ledger FOR UPDATE")


def test_many_threads_on_two_appenders_leave_no_gap_and_no_double(district: Database) -> None:
    appenders = [Appender(district), Appender(district)]
    streams = [new_id() for _ in range(8)]

    def work(number: int) -> int:
        stored = 0
        for version in range(1, 11):
            request = request_of(new_event(streams[number % 8], version))
            future = appenders[number // 8].submit(request)
            stored += future.result(30).outcome == "stored"
        return stored

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(work, range(16))) == 80
    for appender in appenders:
        appender.close()
    with district.connect() as connection:
        records = read_range(connection, 0, 200)
    assert [record.position for record in records] == list(range(1, 81))
    assert len({(record.stream, record.version) for record in records}) == 80
