"""Ranges of the log: whole requests, complete and in order, wherever the border falls."""

from collections.abc import Generator
from datetime import timedelta
from itertools import accumulate

import pytest

from eventlog.appender import Appender
from eventlog.database import Connection, Database
from eventlog.reader import fetch_requests, position_at, read_range, read_requests
from eventlog.records import decode_groups
from tests.support.log import new_event, new_id, request_of

pytestmark = pytest.mark.storage
SIZES = (1, 3, 2, 1, 40, 1, 2)
"""Facts of each request."""
ENDS = list(accumulate(SIZES))


@pytest.fixture
def connection(district: Database) -> Generator[Connection]:
    appender = Appender(district)
    for size in SIZES:
        stream = new_id()
        events = [new_event(stream, version) for version in range(1, size + 1)]
        appender.submit(request_of(*events)).result(timeout=30)
    appender.close()
    with district.connect() as connection:
        yield connection


def test_a_range_is_complete_and_in_order(connection: Connection) -> None:
    found = read_range(connection, 0, 10_000)
    assert [record.position for record in found] == list(range(1, ENDS[-1] + 1))
    versions = [version for size in SIZES for version in range(1, size + 1)]
    assert [record.body.version for record in found] == versions
    assert [one.position for one in read_range(connection, 2, 7)] == list(range(3, 10))
    assert read_range(connection, ENDS[-1], 7) == []


@pytest.mark.parametrize("limit", [*range(1, 12), 41, 60, 10_000])
def test_a_request_is_never_cut_and_no_fact_is_left_out(connection: Connection, limit: int) -> None:
    after, read = 0, list[int]()
    while after < ENDS[-1]:
        found = fetch_requests(connection, after, limit)
        first = next(end for end in ENDS if end > after)
        reached = [end for end in ENDS if end <= after + limit]
        assert found.through == max(first, *reached)
        assert found.more == (after + limit < ENDS[-1])
        read += [record.position for record in decode_groups(found.groups)]
        after = found.through
    assert read == list(range(1, ENDS[-1] + 1))


def test_at_the_head_nothing_is_read(connection: Connection) -> None:
    last = fetch_requests(connection, ENDS[-1], 10)
    assert (last.groups, last.through, last.more) == ([], ENDS[-1], False)
    assert read_requests(connection, ENDS[-1], 10) == []


def test_as_known_at_a_moment_is_the_end_of_a_request(connection: Connection) -> None:
    records = read_range(connection, 0, 1_000)
    tick = timedelta(microseconds=1)
    for record in records:
        end = next(end for end in ENDS if end >= record.position)
        before = max((end for end in ENDS if end < record.position), default=0)
        assert position_at(connection, record.recorded_at) == end
        assert position_at(connection, record.recorded_at - tick) == before
