"""Arrays in binary: PostgreSQL reads back exactly what was written."""

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from psycopg.pq import ExecStatus

from eventlog import binary
from eventlog.chance import BYTES, chance

IDS = ["0190a6f0-1c2d-7abc-8def-0123456789ab", "ffffffff-ffff-4fff-bfff-ffffffffffff"]
TIMES = [
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(2026, 10, 12, 9, 0, 0, 1, tzinfo=timezone(timedelta(hours=8))),
]


def read_back(dsn: str, element: str, array: bytes) -> list[Any]:
    with psycopg.connect(dsn, autocommit=True, options="-c timezone=UTC") as connection:
        query = "SELECT w.v::text FROM unnest($1) WITH ORDINALITY AS w (v, n) ORDER BY n"
        result = connection.pgconn.exec_params(
            query.encode(), [array], [binary.ARRAY_OF[element]], [binary.BINARY]
        )
        assert result.status == ExecStatus.TUPLES_OK, result.error_message
        return [(result.get_value(row, 0) or b"").decode() for row in range(result.ntuples)]


@pytest.mark.parametrize(
    ("element", "array", "read"),
    [
        ("text", binary.texts(["", "井盖", 'a,"b\\{}']), ["", "井盖", 'a,"b\\{}']),
        ("bytea", binary.blobs([b"", b"\x00\xff", b"x" * 3]), ["\\x", "\\x00ff", "\\x787878"]),
        ("uuid", binary.uuids(IDS), IDS),
        ("uuid", binary.uuids([each.replace("-", "") for each in IDS]), IDS),
        ("int", binary.ints([0, -1, 2**31 - 1]), ["0", "-1", "2147483647"]),
        ("smallint", binary.smallints([1, -(2**15)]), ["1", "-32768"]),
        ("text", binary.texts([]), []),
        ("timestamptz", binary.times([]), []),
    ],
)
def test_an_array_is_read_back_as_it_was_written(
    dsn: str, element: str, array: bytes, read: list[str]
) -> None:
    assert read_back(dsn, element, array) == read


def test_times_keep_their_microsecond_and_lose_their_offset(dsn: str) -> None:
    found = read_back(dsn, "timestamptz", binary.times(TIMES))
    assert [datetime.fromisoformat(each) for each in found] == TIMES


@pytest.mark.parametrize(
    ("write", "values", "error"),
    [
        (binary.uuids, ["0190a6f0"], ValueError),
        (binary.uuids, ["no id at all"], ValueError),
        (binary.times, [datetime(2026, 1, 1)], TypeError),  # noqa: DTZ001 - naive on purpose
        (binary.ints, [2**31], struct.error),
        (binary.smallints, [2**15], struct.error),
        (binary.texts, ["\ud800"], UnicodeEncodeError),
    ],
)
def test_what_is_no_such_value_is_refused_before_it_is_sent(
    write: Callable[[list[Any]], bytes], values: list[Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        write(values)


def test_no_two_draws_are_alike() -> None:
    drawn = [chance() for _ in range(5_000)]
    assert len(set(drawn)) == len(drawn)
    assert {len(each) for each in drawn} == {BYTES}
