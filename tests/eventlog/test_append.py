"""Appending: what is stored, under which positions, and what each request is told."""

from collections.abc import Generator
from concurrent.futures import Future
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from app import embedded
from eventlog.appender import Answer, Appender, NewEvent, Request, SealedText, append_batch
from eventlog.database import Connection, Database, UnsafeServer, assert_durable
from eventlog.promises import Promise, tell
from eventlog.reader import (
    position_at,
    read_command,
    read_head,
    read_range,
    read_reference,
    read_stream,
    read_tails,
)
from eventlog.records import NO_PREVIOUS, body_hash, chain_hash, leaf_hash
from tests.support.log import (
    FREE_PLANS,
    NO_REPLAY,
    NOON,
    PERSON,
    await_blocked,
    break_append,
    held_ledger,
    later,
    new_event,
    new_id,
    note,
    request_of,
)
from tests.support.servers import durable_server

pytestmark = pytest.mark.storage


@pytest.fixture
def connection(district: Database) -> Generator[Connection]:
    with district.connect() as connection:
        yield connection


@pytest.fixture
def appender(district: Database) -> Generator[Appender]:
    appender = Appender(district)
    yield appender
    appender.close()


def answer(future: "Future[Answer]") -> Answer:
    return future.result(timeout=20)


def in_one_batch(
    district: Database, appender: Appender, requests: list[Request]
) -> list["Future[Answer]"]:
    """Submit while the appender waits with an earlier request, so that all form its next batch."""
    with held_ledger(district):
        plug = appender.submit(note())
        await_blocked(district)
        futures = [appender.submit(request) for request in requests]
    assert answer(plug).outcome == "stored"
    return futures


def test_a_request_is_stored_and_told_its_positions_and_time(
    appender: Appender, connection: Connection
) -> None:
    stream = new_id()
    request = request_of(new_event(stream, 1), new_event(stream, 2), key="k")
    assert answer(appender.submit(request)) == Answer("stored", 1, 2, NOON, 0)
    records = read_stream(connection, stream)
    assert [(r.position, r.version, r.recorded_at) for r in records] == [(1, 1, NOON), (2, 2, NOON)]
    stored = read_command(connection, "test", "k")
    assert stored
    assert (stored.request, stored.first, stored.last) == (request.digest, 1, 2)


def test_every_column_comes_from_the_request(connection: Connection) -> None:
    event = new_event(new_id(), fact=PERSON, at=later(-5.25))
    request = request_of(event)
    append_batch(connection, [request])
    row = connection.execute(
        "SELECT stream_id::text, stream_version, event_id::text, command_id::text, stream_type,"
        " type, schema_version, occurred_at, body FROM event"
    ).fetchone()
    assert row == (
        *(event.stream, 1, event.event, request.command, "directory"),
        *("person-registered", 1, event.occurred_at, event.body),
    )


def test_another_expected_version_is_a_conflict_and_names_the_current_one(
    connection: Connection,
) -> None:
    stream = new_id()
    append_batch(connection, [request_of(new_event(stream, 1), new_event(stream, 2))])
    for wrong in (1, 2, 4):
        refused = append_batch(connection, [note(stream, wrong)])
        assert refused == [Answer("conflict", 0, 2, None, 0)]
    assert read_head(connection).position == 2


def test_several_streams_in_one_request_are_stored_together_or_not_at_all(
    connection: Connection,
) -> None:
    known, other = new_id(), new_id()
    append_batch(connection, [note(known)])
    both = request_of(new_event(other), new_event(known, 1))
    assert append_batch(connection, [both])[0].outcome == "conflict"
    assert read_tails(connection, [other]) == {other: ([], NO_PREVIOUS)}
    again = request_of(new_event(other), new_event(known, 2))
    assert append_batch(connection, [again])[0].outcome == "stored"
    tails = read_tails(connection, [other, known])
    assert [len(records) for records, _ in tails.values()] == [1, 2]
    assert tails[other][1] == body_hash(again.events[0].body)


def test_the_same_request_is_answered_with_its_first_positions_though_the_case_moved_on(
    connection: Connection,
) -> None:
    stream = new_id()
    request = note(stream)
    (first,) = append_batch(connection, [request])
    append_batch(connection, [note(stream, 2)])
    (repeated,) = append_batch(connection, [request])
    assert repeated == Answer("replayed", first.first, first.last, first.recorded_at, 0)
    assert read_head(connection).position == 2


def test_without_the_look_at_the_keys_a_repeat_would_be_a_conflict(
    district: Database, connection: Connection
) -> None:
    break_append(district, *NO_REPLAY)
    request = note()
    append_batch(connection, [request])
    assert append_batch(connection, [request])[0].outcome == "conflict"


def test_a_key_stands_for_one_request_of_one_client(connection: Connection) -> None:
    append_batch(connection, [note(key="k")])
    other = request_of(new_event(new_id()), key="k", digest=b"other")
    assert append_batch(connection, [other])[0].outcome == "reused"
    elsewhere = request_of(new_event(new_id()), key="k", client="another")
    assert append_batch(connection, [elsewhere])[0].outcome == "stored"
    assert read_head(connection).position == 2


def test_twins_in_the_queue_get_the_same_answer(district: Database, appender: Appender) -> None:
    twin = note()
    first, second = (answer(future) for future in in_one_batch(district, appender, [twin, twin]))
    assert (first.outcome, second.outcome) == ("stored", "replayed")
    assert (first.first, first.recorded_at) == (second.first, second.recorded_at)


def bad_requests() -> list[Request]:
    taken = new_id()
    return [
        request_of(new_event(new_id(), event=taken), new_event(new_id(), event=taken)),
        request_of(new_event(new_id()), client="nul\x00"),
        Request("test", new_id(), b"", "no uuid", NOON, (new_event(new_id()),)),
    ]


def test_a_bad_request_in_a_batch_harms_only_itself(
    district: Database, appender: Appender, connection: Connection
) -> None:
    stream = new_id()
    duplicate, nul, no_uuid = bad_requests()
    batch = [note(stream), duplicate, nul, no_uuid, note(), note(stream, 2)]
    futures = in_one_batch(district, appender, batch)
    assert isinstance(futures[1].exception(20), psycopg.errors.UniqueViolation)
    assert isinstance(futures[2].exception(20), psycopg.DataError)
    assert isinstance(futures[3].exception(20), ValueError)
    assert [answer(futures[n]).first for n in (0, 4, 5)] == [2, 3, 4]
    assert [record.position for record in read_range(connection, 0, 10)] == [1, 2, 3, 4]


class AllOrNothing(Appender):
    """A broken appender: an error in a batch is everybody's error."""

    def _append(self, requests: "list[Request]") -> list[Answer]:  # type: ignore[override]
        try:
            return super()._append(requests)
        except psycopg.DataError as error:
            raise psycopg.OperationalError from error

    def _recall(self, batch: "list[tuple[Request, Promise[Answer]]]") -> None:  # type: ignore[override]
        tell((promise, psycopg.OperationalError()) for _, promise in batch)


def test_without_the_second_try_one_by_one_a_bad_request_would_harm_the_others(
    district: Database,
) -> None:
    broken = AllOrNothing(district)
    good, _ = in_one_batch(district, broken, [note(), bad_requests()[1]])
    assert good.exception(20)
    broken.close()


def test_more_requests_than_a_batch_holds_are_all_stored_in_order(
    district: Database, appender: Appender, connection: Connection
) -> None:
    futures = in_one_batch(district, appender, [note() for _ in range(600)])
    assert [answer(future).first for future in futures] == list(range(2, 602))
    assert [r.position for r in read_range(connection, 0, 1000)] == list(range(1, 602))


def test_one_request_may_carry_more_facts_than_a_batch_has_requests(
    connection: Connection,
) -> None:
    stream = new_id()
    request = request_of(*(new_event(stream, n) for n in range(1, 401)))
    assert append_batch(connection, [request])[0].last == 400
    assert [r.version for r in read_stream(connection, stream, after=398)] == [399, 400]


def test_the_time_of_recording_grows_strictly_though_the_clock_goes_back(
    connection: Connection,
) -> None:
    clocks = [NOON, later(-3600), NOON, NOON, later(1)]
    answers = [append_batch(connection, [request_of(new_event(new_id()), at=c)]) for c in clocks]
    times = [found.recorded_at for (found,) in answers if found.recorded_at]
    micro = timedelta(microseconds=1)
    assert times == [NOON, NOON + micro, NOON + 2 * micro, NOON + 3 * micro, later(1)]


def test_leaves_and_chain_are_what_a_stranger_recomputes(connection: Connection) -> None:
    odd = datetime.fromisoformat("2026-03-02T12:00:00.123457+08:00")
    for at in (odd, odd, later(9)):
        events = (new_event(new_id()), new_event(new_id(), fact=PERSON))
        append_batch(connection, [request_of(*events, at=at), note()])
    chain = bytes(32)
    rows = connection.execute(
        "SELECT position, recorded_at, body, leaf FROM event ORDER BY position"
    ).fetchall()
    for position, recorded_at, body, leaf in rows:
        assert leaf == leaf_hash(position, recorded_at, body)
        chain = chain_hash(chain, leaf)
    assert len(rows) == 9
    assert read_head(connection).chain == chain


def test_the_reference_head_moves_only_with_facts_that_are_not_a_cases(
    connection: Connection,
) -> None:
    heads = [
        append_batch(connection, [request_of(event)])[0].reference_head
        for event in (
            new_event(new_id()),
            new_event(new_id(), fact=PERSON),
            new_event(new_id()),
            new_event(new_id(), fact=PERSON),
        )
    ]
    assert heads == [0, 2, 2, 4]
    assert read_head(connection).reference_head == 4
    assert [record.position for record in read_reference(connection, 0, 3)] == [2]


def test_sealed_texts_are_stored_under_their_facts_position(connection: Connection) -> None:
    key = new_id()
    text = SealedText("description", key, b"\x00cipher")

    def sealed_event() -> NewEvent:
        return new_event(new_id(), sealed=(text,))

    conflicting = request_of(new_event(new_id(), 7, sealed=(text,)))
    append_batch(connection, [note(), conflicting, request_of(sealed_event(), sealed_event())])
    rows = connection.execute(
        "SELECT position, field, key_id::text, ciphertext FROM personal ORDER BY 1"
    )
    expected = ("description", key, b"\x00cipher")
    assert rows.fetchall() == [(2, *expected), (3, *expected)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE event SET type = 'x'",
        "DELETE FROM event",
        "TRUNCATE event",
        "DELETE FROM event WHERE false",
    ],
)
def test_facts_cannot_be_changed_or_removed(connection: Connection, change: str) -> None:
    append_batch(connection, [note()])
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="insert only"):
        connection.execute(change)
    assert len(read_range(connection, 0, 10)) == 1


def rows_read(connection: Connection) -> int:
    """Append once more with the plans this connection has; return how many rows that read."""
    query = """
        SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables
        WHERE schemaname = current_schema() AND relname IN ('event', 'command')
    """
    with connection.transaction():
        append_batch(connection, [note()])
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def fill(connection: Connection) -> None:
    """Make plans while the tables are small, then let them grow."""
    for _ in range(10):
        append_batch(connection, [note()])
    append_batch(connection, [note() for _ in range(500)])


def test_an_old_connection_does_not_read_whole_tables_to_append(
    fresh_district: Database,
) -> None:
    with fresh_district.connect() as connection:
        fill(connection)
        assert rows_read(connection) < 10


def test_without_its_settings_the_function_would_read_whole_tables(
    fresh_district: Database,
) -> None:
    break_append(fresh_district, *FREE_PLANS)
    with fresh_district.connect() as connection:
        fill(connection)
        assert rows_read(connection) > 500


def test_a_moment_is_the_last_position_recorded_until_then(connection: Connection) -> None:
    for seconds in (0, 10, 20):
        append_batch(connection, [request_of(new_event(new_id()), at=later(seconds))])
    asked = [later(-1), NOON, later(10), later(19.9), later(99)]
    assert [position_at(connection, moment) for moment in asked] == [0, 1, 2, 2, 3]


def test_a_cancelled_request_is_not_written_and_the_others_are(
    district: Database, appender: Appender, connection: Connection
) -> None:
    with held_ledger(district):
        first = appender.submit(note())
        await_blocked(district)
        assert not first.cancel()
        cancelled, last = appender.submit(note()), appender.submit(note())
        assert cancelled.cancel()
    assert (answer(first).first, answer(last).first) == (1, 2)
    assert read_head(connection).position == 2


def test_a_hint_that_fails_does_not_stop_the_writing(district: Database) -> None:
    heard: list[int] = []

    def hear(position: int) -> None:
        heard.append(position)
        raise RuntimeError

    appender = Appender(district, committed=hear)
    assert [answer(appender.submit(note())).first for _ in range(2)] == [1, 2]
    appender.close()
    assert heard == [1, 2]


def test_what_was_submitted_before_the_closing_is_written(
    district: Database, connection: Connection
) -> None:
    appender = Appender(district)
    futures = [appender.submit(note()) for _ in range(5)]
    appender.close()
    assert all(future.done() for future in futures)
    assert read_head(connection).position == 5


def test_a_connection_that_forgets_is_refused(server: str, tmp_path: Path) -> None:
    with (
        durable_server(server, tmp_path / "data") as durable,
        psycopg.connect(durable) as connection,
    ):
        assert_durable(connection)
        connection.execute("SET synchronous_commit = off")
        with pytest.raises(UnsafeServer, match="synchronous_commit 为 off"):
            assert_durable(connection)


def test_a_server_that_forgets_is_refused(tmp_path: Path) -> None:
    with (
        embedded.start(tmp_path / "data", options={"fsync": "off"}) as server,
        psycopg.connect(server.dsn) as forgetful,
        pytest.raises(UnsafeServer, match="fsync 为 off"),
    ):
        assert_durable(forgetful)
