"""Ranges of the log: whole at every border, also where the server gathers them in pieces."""

from collections.abc import Generator

import pytest

from eventlog.appender import Appender
from eventlog.database import Connection, Database
from eventlog.reader import fetch_requests, read_range, read_requests
from tests.support.log import new_event, new_id, request_of

pytestmark = pytest.mark.storage
MANY = 4_003
"""Facts of one request: more than the server joins at once."""


@pytest.fixture
def connection(district: Database) -> Generator[Connection]:
    appender = Appender(district)
    stream = new_id()
    events = [new_event(stream, version) for version in range(1, MANY + 1)]
    appender.submit(request_of(*events)).result(timeout=30)
    appender.submit(request_of(new_event(new_id(), 1))).result(timeout=30)
    appender.close()
    with district.connect() as connection:
        yield connection


def test_a_range_of_several_pieces_is_complete_and_in_order(connection: Connection) -> None:
    found = read_range(connection, 0, 10_000)
    assert [record.position for record in found] == list(range(1, MANY + 2))
    assert [record.body.version for record in found] == [*range(1, MANY + 1), 1]
    pieces = [record.position for record in read_range(connection, 1, 4_001)]
    assert pieces == list(range(2, 4_003))


def test_a_request_is_never_cut_and_the_head_ends_the_last_range(connection: Connection) -> None:
    assert [one.position for one in read_requests(connection, 0, 10)] == list(range(1, MANY + 1))
    first = fetch_requests(connection, 0, 10)
    assert (first.through, first.more) == (MANY, True)
    last = fetch_requests(connection, MANY, 10)
    assert (last.through, last.more) == (MANY + 1, False)
    assert read_requests(connection, MANY + 1, 10) == []
