"""What all ledgers share in being read: moments, scope, filters, order, pages."""

import base64
import binascii
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import index
from typing import Any, Final, Literal, LiteralString
from uuid import UUID

from msgspec import Struct
from psycopg import sql
from psycopg.pq import TransactionStatus

from domain.errors import BadInput, NaiveTime, UnknownField, UnknownParameter
from eventlog.database import Connection
from eventlog.reader import position_at
from projections.scope import Sight, within

SETTLED: Final = timedelta(seconds=60)
"""After this long no fact can be recorded any more with an earlier `recorded_at`."""
SORT: Final = "sort"
SEARCH: Final = "q"
"""The filter by words; see `projections/search.py`, which puts the cases found in their place."""

Kind = Literal["text", "time", "date", "number", "flag", "unit", "person", "reference"]


class BadCursor(BadInput):
    """翻页标记 cursor 无效。请从第一页重新查询，翻页时不要改动排序。"""

    code = "bad-cursor"


class Column(Struct, frozen=True):
    """A column that people see: a `reference` is where a sealed text lies, a `person` is an id."""

    name: str
    label: str
    kind: Kind = "text"
    field: str = ""
    """The sealed field that a reference points at, where it has another name than the column."""
    words: Mapping[str, str] = {}
    """What people read in place of a code."""


class Filter(Struct, frozen=True):
    """What a query parameter compares, and how.

    `in` any of several values, comma-separated; `from` ≥ and `before` < a time; `within` a unit's
    tree; `flag` true or false; `given` whether there is a value; `some` whether a count is above
    zero; `open` true (not ended) or false; `overdue` past its due while it counts, or breached;
    `words` in the number or the title;
    `day_from` ≥ and `day_before` < a day; `test` whether `test`, a condition in SQL, holds.
    """

    label: str
    how: Literal[
        "in",
        "from",
        "before",
        "within",
        "flag",
        "given",
        "some",
        "open",
        "overdue",
        "day_from",
        "day_before",
        "test",
        "words",
    ]
    column: str = ""
    test: LiteralString = ""
    """May name columns, and the moment that is asked for as `%(now)s`."""


class Moment(Struct, frozen=True):
    """Which rows are meant: true at `as_of`, as known at `position`."""

    as_of: datetime | None
    position: int
    current: bool
    """Neither moment was asked for: what is true now as known now."""
    now: datetime
    """What "now" means for rows: the moment asked for, else the present."""
    final: bool


@dataclass(frozen=True)
class Condition:
    """SQL with its parameters."""

    where: sql.Composed
    parameters: Mapping[str, object]


# Where all that the answer depends on stands; by the database's clock if the caller names no time.
STAND: Final = """
    SELECT (SELECT CASE count(*) WHEN %(count)s THEN min(position) ELSE 0 END
            FROM checkpoint WHERE name = ANY(%(names)s)), last_recorded_at, now()
    FROM ledger
"""
CURRENT: Final = "SELECT case_id, row_key, {columns} FROM {current}"
# A past row shows at (T, P) while it stood, until it ended or before its end was known. Apart, each
# is found by an index of its own: few of all the past rows hold at any one moment.
BOTH: Final = """
    SELECT case_id, row_key, {columns} FROM {current}
    WHERE valid_from <= %(as_of)s AND position_from <= %(position)s
    UNION ALL
    SELECT case_id, row_key, {columns} FROM {history}
    WHERE tstzrange(valid_from, valid_to) @> %(as_of)s::timestamptz
      AND position_from <= %(position)s AND position_to > %(position)s
    UNION ALL
    SELECT case_id, row_key, {columns} FROM {history}
    WHERE ended_position > %(position)s AND valid_from <= %(as_of)s AND valid_to <= %(as_of)s
      AND position_from <= %(position)s AND position_to > %(position)s
"""
# The same of one case at a time: found by the case, whatever else there is an index for.
ONE: Final = """
    SELECT case_id, row_key, {columns} FROM {current}
    WHERE valid_from <= %(as_of)s AND position_from <= %(position)s
    UNION ALL
    SELECT case_id, row_key, {columns} FROM {history}
    WHERE valid_from <= %(as_of)s AND position_from <= %(position)s AND position_to > %(position)s
      AND (valid_to > %(as_of)s OR ended_position > %(position)s)
"""
# What stands still is not overdue, unless it was when it began to.
OVERDUE: Final = """
    due < {value}
    AND (status = 'running' OR (status = 'paused' AND breached_at IS NOT NULL))
"""


@contextmanager
def snapshot(connection: Connection) -> Generator[None]:
    """Let several statements see one state of the tables (a caller's transaction suffices)."""
    if connection.info.transaction_status is not TransactionStatus.IDLE:
        yield
        return
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def find_moment(
    connection: Connection,
    checkpoints: Sequence[str],
    *,
    as_of: datetime | None,
    known_at: datetime | None,
    now: datetime | None,
) -> Moment:
    """Turn the moments asked for into a position, and say whether the answer can still change."""
    stand = {"names": list(checkpoints), "count": len(checkpoints)}
    row = connection.execute(STAND, stand).fetchone()
    if row is None:
        raise LookupError("the ledger row is missing")
    stands, last_recorded_at, clock = row
    present: datetime = now or clock
    position, reached = int(stands), True
    if known_at is not None:
        known = position_at(connection, known_at)
        position, reached = min(position, known), position >= known
    asked = [moment for moment in (as_of, known_at) if moment is not None]
    settled = all(t <= last_recorded_at or t <= present - SETTLED for t in asked)
    return Moment(
        as_of=as_of,
        position=position,
        current=not asked,
        now=as_of or known_at or present,
        final=bool(asked) and reached and settled,
    )


def source(
    names: Mapping[str, str], columns: tuple[str, ...], moment: Moment, *, each: bool = False
) -> Condition:
    """Return the rows that are visible at a moment, as a subquery; `each`: for one case at a time.

    The rows are the same either way; `each` is for lookups by `case_id` within another query.
    """
    tables = {holds: sql.Identifier(name) for holds, name in names.items()}
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL(CURRENT if moment.current else ONE if each else BOTH)
    at: dict[str, object] = {"as_of": moment.as_of or "infinity", "position": moment.position}
    return Condition(query.format(columns=listed, **tables), {} if moment.current else at)


def conditions(
    known: Mapping[str, Filter],
    given: Mapping[str, str],
    scope: Sight,
    moment: Moment,
    current: str,
) -> Condition:
    """Return what rows must satisfy: the scope always, then the filters.

    `current` is the table of what is true now, which tells from whom a case is kept.

    Raises:
        UnknownParameter: no filter of this name.
        UnknownField: a value that the filter does not understand.
        NaiveTime: a time without an offset.
    """
    visible, parameters = within(scope, None if moment.current else current)
    parts: list[sql.Composable] = [sql.SQL("true"), *visible]
    parameters["now"] = moment.now
    for name, value in given.items():
        if name == SORT:
            continue
        if name not in known:
            listed = "、".join([*known, SORT])
            raise UnknownParameter(pointer=name, parameter=name, known=listed)
        parameter = f"filter_{name}"
        parts.append(_comparison(known[name], parameter))
        parameters[parameter] = _value(name, known[name], value, moment)
    return Condition(sql.SQL(" AND ").join(parts), parameters)


def read_moment(name: str, value: str) -> datetime:
    """Read an RFC 3339 time. Raises NaiveTime."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise NaiveTime(pointer=name, value=value) from None
    if moment.tzinfo is None:
        raise NaiveTime(pointer=name, value=value)
    return moment


def write_cursor(sort: str, last: Mapping[str, Any]) -> str:
    """Return where the next page begins: after this row."""
    value = last[sort.removeprefix("-")]
    place = value.isoformat() if isinstance(value, date) else value
    members = [sort, place, str(last["case_id"]), last["row_key"]]
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")


_PLACES: Final[Mapping[str, Callable[[Any], object]]] = {
    "time": lambda place: read_moment("cursor", place),
    "date": date.fromisoformat,
    "number": index,
}


def read_cursor(sort: str, kind: Kind, cursor: str) -> tuple[object, UUID, str]:
    """Return the sort value and key after which the page begins. Raises BadCursor."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        members = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        made_for, place, case_id, key = members
        value = _PLACES.get(kind, str)(place)
        if made_for != sort or not isinstance(key, str) or "\0" in f"{key}{value}":
            raise BadCursor
        return value, UUID(case_id), key
    except (ValueError, TypeError, AttributeError, binascii.Error, NaiveTime):
        raise BadCursor from None


def _comparison(  # noqa: C901 - one arm a way
    wanted: Filter, parameter: str
) -> sql.Composable:
    column, value = sql.Identifier(wanted.column), sql.Placeholder(parameter)
    match wanted.how:
        case "in":
            query = sql.SQL("{column} = ANY({value}::text[])")
        case "from" | "day_from":
            query = sql.SQL("{column} >= {value}")
        case "before" | "day_before":
            query = sql.SQL("{column} < {value}")
        case "within":
            query = sql.SQL("visible_to @> ARRAY[{value}::text]")
        case "flag":
            query = sql.SQL("{column} = {value}")
        case "given":
            query = sql.SQL("({column} IS NOT NULL) = {value}")
        case "some":
            query = sql.SQL("({column} > 0) = {value}")
        case "open":
            query = sql.SQL("(ended_at IS NULL) = {value}")
        case "overdue":
            query = sql.SQL(OVERDUE)
        case "test":
            query = sql.SQL("coalesce({test}, false) = {value}")
        case "words":
            query = sql.SQL("case_id = ANY({value}::uuid[])")
    return query.format(column=column, value=value, test=sql.SQL(wanted.test))


def _value(name: str, wanted: Filter, value: str, moment: Moment) -> object:
    if "\0" in value:
        raise UnknownField(pointer=name, field=name, detail="含有不能使用的字符")
    match wanted.how:
        case "in":
            return value.split(",")
        case "within":
            return value
        case "from" | "before":
            return read_moment(name, value)
        case "day_from" | "day_before":
            return _day(name, value)
        case "words":
            return _found(name, value)
        case "flag" | "given" | "some" | "open" | "test":
            return _flag(name, value)
        case "overdue":
            if not _flag(name, value):
                raise UnknownField(pointer=name, field=name, detail="只能是 true")
            return moment.now


def _found(name: str, value: str) -> list[UUID]:
    """Read which cases were found by the words looked for."""
    try:
        return [UUID(one) for one in value.split(",") if one]
    except ValueError:
        raise UnknownField(pointer=name, field=name, detail="请通过接口查找") from None


def _day(name: str, value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        detail = "应为日期，例如 2026-03-02"
        raise UnknownField(pointer=name, field=name, detail=detail) from None


def _flag(name: str, value: str) -> bool:
    if value not in {"true", "false"}:
        raise UnknownField(pointer=name, field=name, detail="应为 true 或 false")
    return value == "true"
