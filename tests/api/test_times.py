"""Times at the door, without a server."""

from datetime import UTC, datetime

import pytest

from api.times import moment, query_moment, shown
from domain.errors import NaiveTime

NINE = datetime(2026, 10, 12, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-12T09:00:00+08:00",
        "2026-10-12T01:00:00Z",
        "2026-10-12t01:00:00.999999999z",
        "2026-10-12T06:30:00.5+05:30",
    ],
)
def test_rfc_3339_is_read_and_fractions_are_cut(text: str) -> None:
    assert moment(text, "/t") == NINE
    assert shown(moment(text, "/t")) == "2026-10-12T09:00:00+08:00"


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        1.5,
        True,
        "",
        "2026-10-12",
        "2026-10-12T09:00:00",
        "2026-10-12 09:00:00+08:00",
        "2026-10-12T09:00+08:00",
        "2026-10-12T24:00:00+08:00",
        "2026-10-12T09:00:60+08:00",
        "2026-10-12T09:00:00+0800",
        "2026-10-12T09:00:00+24:00",
        "２026-10-12T09:00:00Z",
        "20261012T090000Z",
        "2026-W42-1T09:00:00Z",
        "1760000000",
        "2026-10-12T09:00:00Z\n",
    ],
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(NaiveTime):
        moment(value, "/t")


def test_a_plus_lost_in_a_query_is_understood() -> None:
    assert query_moment("2026-10-12T09:00:00 08:00", "as_of") == NINE
