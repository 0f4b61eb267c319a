"""From a number down to the cases that make it, each with the facts that decided (下钻)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct
from psycopg import sql
from psycopg.rows import dict_row

from domain import facts as f
from domain.errors import NotFound
from eventlog.database import Connection
from eventlog.reader import read_tails
from eventlog.records import Record
from projections.indicators.columns import DECIDED_BY
from projections.indicators.conditions import Binder
from projections.indicators.counting import Asked, counts, moment_of, visible
from projections.indicators.formula import Formula, Part
from projections.indicators.periods import Period, containing
from projections.ledgers.cases import CASES
from projections.measured_clocks import CALL_SCOPE
from projections.query import Moment, read_cursor, snapshot, source, write_cursor
from projections.scope import Sight

OF_CASE: Final = ("number", "kind", "category", "severity", "source_system", "place")
SHOWN: Final = (
    "sort",
    "cycle",
    "at",
    "unit",
    "other",
    "due",
    "stopped_at",
    "on_time",
    "closed_at",
    "ending",
    "level",
)
PAGE: Final = """
    SELECT case_id, row_key, {basis} AS basis, {amount} AS amount, {listed} FROM ({rows}) r
    WHERE {where} ORDER BY basis DESC, case_id DESC, row_key DESC LIMIT {limit}
"""
AFTER: Final = "({basis}, case_id, row_key) < ({at}, {case}, {key})"
SORT: Final = "-basis"
# Of the few cases of a page only, so that the rest need not be joined to be sorted.
CASES_OF: Final = "SELECT case_id, {listed} FROM ({cases}) c WHERE case_id = ANY(%(ids)s)"


class Drilled(Struct, frozen=True, kw_only=True):
    """Which cases are asked for: of a part, a period, and a group."""

    scope: Sight
    part: str
    period: Period | None = None
    unit: str | None = None
    besides: tuple[str, ...] = ()
    """Units below it that have lines of their own."""
    places: tuple[str, ...] | None = None
    """Only cases that lie in one of these units."""
    facets: Mapping[str, str] = {}
    """Exact values of columns: category, kind, severity, source_system."""
    limit: int = 50
    cursor: str | None = None
    as_of: datetime | None = None
    known_at: datetime | None = None
    now: datetime | None = None


class Deciding(Struct, frozen=True):
    """A fact that decided whether, or how much, a case counts."""

    position: int
    type: str
    occurred_at: datetime


class Counted(Struct, frozen=True):
    """A case as a part counts it: `amount` is what it adds."""

    row: dict[str, Any]
    amount: int
    facts: list[Deciding]


class Page(Struct, frozen=True):
    """Some of the cases; `next` is the cursor of the page after them."""

    items: list[Counted]
    next: str | None
    period: Period
    position: int
    final: bool


def drill(connection: Connection, formula: Formula, drilled: Drilled) -> Page:
    """Return a page of the cases that a part counts, the latest first.

    Raises:
        NotFound: the formula has no such part; the message names those it has.
        BadCursor: the cursor is not ours.
    """
    part = formula.part(drilled.part)
    if part is None:
        names = "、".join(f"{one.name}（{one.title}）" for one in formula.parts)
        raise NotFound(what=f"这个组成部分（现有：{names}）")
    with snapshot(connection):
        moment = moment_of(
            connection, as_of=drilled.as_of, known_at=drilled.known_at, now=drilled.now
        )
        period = drilled.period or containing(formula.start, moment.now)
        found = _rows(connection, part, drilled, moment, period)
        more, rows = len(found) > drilled.limit, found[: drilled.limit]
        following = write_cursor(SORT, rows[-1]) if more else None
        facts = _facts(connection, part, rows, moment)
        cases = _cases(connection, rows, moment)
    items = [_counted({**cases.get(row["case_id"], {}), **row}, facts) for row in rows]
    return Page(items, following, period, moment.position, moment.final)


def _rows(
    connection: Connection, part: Part, drilled: Drilled, moment: Moment, period: Period
) -> list[dict[str, Any]]:
    binder = Binder()
    asked = Asked(scope=drilled.scope, moment=moment, unit=drilled.unit)
    columns = {*SHOWN, *drilled.facets, f"{part.judged}_path", *part.columns}
    columns |= {"place"} if drilled.places is not None else set()
    rows, where = visible(part, asked, period, columns, binder)
    basis = sql.Identifier(part.basis)
    limits: list[sql.Composable] = [where, counts(part, binder)]
    limits += [
        sql.SQL("coalesce({}, '') = {}").format(sql.Identifier(name), binder.bind(value))
        for name, value in drilled.facets.items()
    ]
    if drilled.besides:
        path = sql.Identifier(f"{part.judged}_path")
        below = binder.bind(list(drilled.besides))
        limits.append(sql.SQL("NOT {} && {}::text[]").format(path, below))
    if drilled.places is not None:
        limits.append(sql.SQL("place = ANY({}::text[])").format(binder.bind(list(drilled.places))))
    if drilled.cursor is not None:
        at, case, key = read_cursor(SORT, "time", drilled.cursor)
        limits.append(
            sql.SQL(AFTER).format(
                basis=basis, at=binder.bind(at), case=binder.bind(case), key=binder.bind(key)
            )
        )
    query = sql.SQL(PAGE).format(
        basis=basis,
        amount=_amount(part),
        listed=sql.SQL(", ").join(map(sql.Identifier, SHOWN)),
        rows=rows.where,
        where=sql.SQL(" AND ").join(limits),
        limit=binder.bind(drilled.limit + 1),
    )
    parameters = {**rows.parameters, **binder.parameters, "now": moment.now}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


def _cases(
    connection: Connection, rows: Sequence[Mapping[str, Any]], moment: Moment
) -> dict[UUID, dict[str, Any]]:
    """Return what stands of each row's case at the moment."""
    cases = source(CASES.tables.names, OF_CASE, moment)
    listed = sql.SQL(", ").join(map(sql.Identifier, OF_CASE))
    query = sql.SQL(CASES_OF).format(listed=listed, cases=cases.where)
    parameters = {**cases.parameters, "ids": sorted({row["case_id"] for row in rows})}
    with connection.cursor(row_factory=dict_row) as cursor:
        return {row["case_id"]: row for row in cursor.execute(query, parameters)}


def _amount(part: Part) -> sql.Composable:
    if not part.sums:
        return sql.SQL("1")
    return sql.SQL(" + ").join(
        sql.SQL("coalesce({}, 0)").format(sql.Identifier(name)) for name in part.sums
    )


def _facts(
    connection: Connection, part: Part, rows: Sequence[Mapping[str, Any]], moment: Moment
) -> dict[str, list[Record]]:
    """Return of each case the facts that say what the part looks at, as of the moment."""
    types = frozenset(fact for name in part.columns for fact in DECIDED_BY.get(name, ()))
    streams = sorted({str(row["case_id"]) for row in rows})
    found: dict[str, list[Record]] = {}
    for stream, (records, _) in read_tails(connection, streams).items():
        known = [one for one in records if _is_known(one, moment)]
        totals = {
            one.body.data.clock
            for one in known
            if isinstance(one.body.data, f.ClockStarted) and one.body.data.total
        }
        found[stream] = [
            one for one in known if type(one.body.data) in types and _is_its(one, totals)
        ]
    return found


def _is_known(record: Record, moment: Moment) -> bool:
    then = moment.as_of is None or record.occurred_at <= moment.as_of
    return then and record.position <= moment.position


def _is_its(record: Record, totals: set[str]) -> bool:
    """Say whether a clock's fact is of a clock that counts: the total one, or a call's."""
    fact = record.body.data
    if not isinstance(fact, f.ClockFact):
        return True
    return fact.clock in totals if not fact.scope else fact.scope.startswith(CALL_SCOPE)


def _counted(row: Mapping[str, Any], facts: Mapping[str, Sequence[Record]]) -> Counted:
    case: UUID = row["case_id"]
    shown = {"id": str(case), **{name: row.get(name) for name in (*OF_CASE, *SHOWN)}}
    deciding = [
        Deciding(one.position, one.body.type, one.occurred_at) for one in facts.get(str(case), ())
    ]
    return Counted(shown, int(row["amount"]), deciding)
