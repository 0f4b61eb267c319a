"""What dashboards show: counts by day, unit, kind, category or severity, and what stands open.

Now, they come from counters (`projections/counts.py`); as of another moment, or for a caller for
whom the counters are not exact, the rows of the ledgers are counted: the same numbers, slower.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal, LiteralString

from msgspec import Struct
from psycopg import sql

from eventlog.database import Connection
from projections.counts import DISTRICT, SHANGHAI, Tally, day_of
from projections.ledger import Ledger
from projections.ledgers.cases import CASES
from projections.ledgers.deadlines import DEADLINES
from projections.query import Condition, Moment, find_moment, snapshot, source
from projections.scope import Scope, within
from projections.stock import cells, is_exact

By = Literal["day", "month", "unit", "kind", "category", "severity"]
GROUPS: Final[tuple[By, ...]] = ("day", "month", "unit", "kind", "category", "severity")
BY_DAYS: Final[tuple[By, ...]] = ("day", "month", "unit")
"""What cells of days alone can tell."""
MEASURES: Final = {
    "received": "上报",
    "ended": "终结",
    "closed": "结案",
    "falling_due": "到期",
    "on_time": "按期",
    "late": "超期办结",
    "breached": "超期",
}
DAYS: Final[dict[str, LiteralString]] = {
    "received": "reported_at",
    "ended": "ended_at",
    "closed": "closed_at",
    "falling_due": "due",
    "on_time": "CASE WHEN met THEN stopped_at END",
    "late": "CASE WHEN NOT met THEN stopped_at END",
    "breached": "breached_at",
}
"""The moment of each measure, as SQL over a ledger's rows: the twin of `counted_on`."""
SEVERITY: Final[dict[str, LiteralString]] = {"cases": "r.severity", "deadlines": "NULL::text"}
COUNTED: Final[dict[str, LiteralString]] = {"cases": "true", "deadlines": "counted"}

FROM_COUNTERS: Final = """
    SELECT {key} AS key, {sums} FROM {counts}
    WHERE unit = ANY(%(units)s) AND day >= %(since)s AND day < %(until)s
      AND (NOT confidential OR %(overseer)s) AND {facets}
    GROUP BY 1
"""
FROM_ROWS: Final = """
    SELECT {key} AS key, {sums} FROM (
    SELECT f.kind, f.category, f.severity, d.day, m.measure, {unit} AS unit FROM ({rows}) r
    CROSS JOIN LATERAL (SELECT r.kind, coalesce(r.category, '') AS category,
                               coalesce({severity}, '') AS severity) f
    CROSS JOIN LATERAL (VALUES {moments}) m (measure, at)
    CROSS JOIN LATERAL (SELECT (m.at AT TIME ZONE 'Asia/Shanghai')::date AS day) d
    {units}
    WHERE m.at >= {begin} AND m.at < {end} AND ({any})
      AND {counted} AND {visible} AND {facets}) c
    GROUP BY 1
"""
# Days of Beijing as moments: rows of which no moment lies between need no further look.
BEGIN: Final = sql.SQL("(%(since)s::date::timestamp AT TIME ZONE 'Asia/Shanghai')")
END: Final = sql.SQL("(%(until)s::date::timestamp AT TIME ZONE 'Asia/Shanghai')")
WITHIN: Final = "({at} >= {begin} AND {at} < {end})"
KEYS: Final[dict[By, LiteralString]] = {
    "day": "day::text",
    "month": "to_char(day, 'YYYY-MM')",
    "unit": "unit",
    "kind": "kind",
    "category": "category",
    "severity": "severity",
}
PHASES: Final = """
    SELECT phase, coalesce(severity, ''), count(*) FROM ({rows}) r
    WHERE ended_at IS NULL AND {visible} GROUP BY 1, 2
"""
STANDING: Final = """
    SELECT count(*) FILTER (WHERE due < %(now)s
                                  AND (status <> 'paused' OR breached_at IS NOT NULL)),
           count(*) FILTER (WHERE status = 'running' AND due >= %(now)s
                                  AND due < %(now)s + interval '24 hours'),
           count(*) FILTER (WHERE status = 'paused'),
           count(*) FILTER (WHERE light = 'yellow'),
           count(*) FILTER (WHERE light = 'red')
    FROM ({rows}) r WHERE counted AND ended_at IS NULL AND {visible}
"""
# The same from counters; only what falls due from today's midnight to this hour tomorrow is told
# by the rows.
PHASES_NOW: Final = """
    SELECT phase, severity, sum(number)::bigint FROM ({stock}) s
    WHERE open = 'true' GROUP BY 1, 2
"""
STANDING_NOW: Final = """
    SELECT coalesce(sum(number) FILTER (WHERE due <> '' AND due < %(today)s), 0)::bigint, 0,
           coalesce(sum(number) FILTER (WHERE stands = 'paused'), 0)::bigint,
           coalesce(sum(number) FILTER (WHERE light = 'yellow'), 0)::bigint,
           coalesce(sum(number) FILTER (WHERE light = 'red'), 0)::bigint
    FROM ({stock}) s WHERE open = 'true'
"""
DUE_NOW: Final = """
    SELECT count(*) FILTER (WHERE due < %(now)s
                                  AND (status <> 'paused' OR breached_at IS NOT NULL)),
           count(*) FILTER (WHERE status = 'running' AND due >= %(now)s), 0, 0, 0
    FROM ({rows}) r WHERE counted AND ended_at IS NULL AND due >= %(midnight)s
                          AND due < %(now)s + interval '24 hours' AND {visible}
"""


class Asked(Struct, frozen=True, kw_only=True):
    """What a dashboard asks for, within a caller's scope."""

    scope: Scope
    units: tuple[str, ...]
    """Whose cases: one unit, or those that are compared; DISTRICT alone is everybody's."""
    now: datetime
    as_of: datetime | None = None
    known_at: datetime | None = None
    facets: Mapping[str, Sequence[str]] = {}
    """Allowed values of kind, category and severity."""


class Counts(Struct, frozen=True):
    """Counts by group; `counters` tells whether they were read or counted."""

    groups: dict[str, dict[str, int]]
    position: int
    final: bool
    counters: bool


class Standing(Struct, frozen=True, kw_only=True):
    """What stands open: by phase and severity, and how it is with its deadlines."""

    open: int
    overdue: int
    due_within_a_day: int
    paused: int
    yellow: int
    red: int
    by_phase: dict[str, int]
    by_severity: dict[str, int]
    position: int
    final: bool


def count(connection: Connection, asked: Asked, by: By, since: date, until: date) -> Counts:
    """Count from a day to another (exclusive; days of Beijing), by `by`."""
    with snapshot(connection):
        moment = _moment(connection, asked)
        read = moment.current and _is_exact(connection, asked)
        groups: dict[str, dict[str, int]] = {}
        for ledger in (CASES, DEADLINES):
            tally = tally_of(ledger)
            query = (
                _from_counters(ledger, tally, asked, by)
                if read
                else _from_rows(ledger, tally, asked, by, moment)
            )
            parameters = {**query.parameters, "since": since, "until": until}
            for key, *numbers in connection.execute(query.where, parameters).fetchall():
                counts = groups.setdefault(key, dict.fromkeys(MEASURES, 0))
                counts.update(zip(tally.measures, numbers, strict=True))
    shown = {key: groups[key] for key in sorted(groups) if any(groups[key].values())}
    return Counts(shown, moment.position, moment.final, read)


def standing(connection: Connection, asked: Asked) -> Standing:
    """Say what stands open, and how it is with its deadlines."""
    with snapshot(connection):
        moment = _moment(connection, asked)
        phases, clocks = _standing_now(connection, asked, moment) or (
            _of_open(connection, CASES, PHASES, asked, moment),
            _of_open(connection, DEADLINES, STANDING, asked, moment)[0],
        )
    by_phase: dict[str, int] = {}
    by_severity: dict[str, int] = {}
    for phase, severity, number in sorted(phases):
        by_phase[phase] = by_phase.get(phase, 0) + number
        by_severity[severity] = by_severity.get(severity, 0) + number
    return Standing(
        open=sum(by_phase.values()),
        overdue=clocks[0],
        due_within_a_day=clocks[1],
        paused=clocks[2],
        yellow=clocks[3],
        red=clocks[4],
        by_phase=by_phase,
        by_severity=by_severity,
        position=moment.position,
        final=moment.final,
    )


def _moment(connection: Connection, asked: Asked) -> Moment:
    names = [CASES.tables.name, DEADLINES.tables.name]
    moments = {"as_of": asked.as_of, "known_at": asked.known_at}
    return find_moment(connection, names, now=asked.now, **moments)


def _standing_now(
    connection: Connection, asked: Asked, moment: Moment
) -> tuple[list[Any], Sequence[int]] | None:
    """Read what stands from counters, where they are exact."""
    cases, clocks = (
        cells(connection, one.tables.names, tally_of(one), asked.scope, asked.units[0])
        if moment.current and len(asked.units) == 1
        else None
        for one in (CASES, DEADLINES)
    )
    if cases is None or clocks is None:
        return None
    phases = sql.SQL(PHASES_NOW).format(stock=cases.where)
    stands = sql.SQL(STANDING_NOW).format(stock=clocks.where)
    today = {"today": day_of(moment.now)}
    found = connection.execute(stands, {**clocks.parameters, **today}).fetchall()
    found += _of_open(connection, DEADLINES, DUE_NOW, asked, moment)
    numbers = [sum(column) for column in zip(*found, strict=True)]
    return connection.execute(phases, cases.parameters).fetchall(), numbers


def tally_of(ledger: Ledger[Any, Any]) -> Tally[Any]:
    """Return what a ledger counts."""
    if ledger.shape.tally is None:
        raise LookupError(ledger.name)
    return ledger.shape.tally


def _is_exact(connection: Connection, asked: Asked) -> bool:
    return is_exact(connection, CASES.tables.names["current"], asked.scope, asked.units)


def _from_counters(ledger: Ledger[Any, Any], tally: Tally[Any], asked: Asked, by: By) -> Condition:
    facets, parameters = _facets(asked)
    cells = "days" if by in BY_DAYS and not parameters else "counts"
    query = sql.SQL(FROM_COUNTERS).format(
        key=sql.SQL(KEYS[by]),
        sums=_sums(tally, "sum({0})"),
        counts=sql.Identifier(ledger.tables.names[cells]),
        facets=facets,
    )
    units = list(asked.units)
    return Condition(query, {**parameters, "units": units, "overseer": asked.scope.overseer})


def _from_rows(
    ledger: Ledger[Any, Any], tally: Tally[Any], asked: Asked, by: By, moment: Moment
) -> Condition:
    rows = source(ledger.tables.names, ledger.shape.columns, moment)
    visible, seen = _visible(asked, moment)
    facets, parameters = _facets(asked, ("f",))
    moments = [
        sql.SQL("({}, {})").format(sql.Literal(name), sql.SQL(DAYS[name]))
        for name in tally.measures
    ]
    query = sql.SQL(FROM_ROWS).format(
        key=sql.SQL(KEYS[by]),
        sums=_sums(tally, "count(*) FILTER (WHERE measure = {1})"),
        rows=rows.where,
        severity=sql.SQL(SEVERITY[ledger.name]),
        moments=sql.SQL(", ").join(moments),
        unit=sql.SQL("u.unit" if by == "unit" else "''"),
        units=sql.SQL(
            "JOIN LATERAL unnest(r.visible_to || ''::text) u (unit) ON u.unit = ANY(%(units)s)"
        )
        if by == "unit"
        else sql.SQL(""),
        counted=sql.SQL(COUNTED[ledger.name]),
        visible=visible,
        facets=facets,
        begin=BEGIN,
        end=END,
        any=sql.SQL(" OR ").join(
            sql.SQL(WITHIN).format(at=sql.SQL(DAYS[name]), begin=BEGIN, end=END)
            for name in tally.measures
        ),
    )
    return Condition(query, {**rows.parameters, **seen, **parameters, "units": list(asked.units)})


def _of_open(
    connection: Connection,
    ledger: Ledger[Any, Any],
    query: LiteralString,
    asked: Asked,
    moment: Moment,
) -> list[Any]:
    rows = source(ledger.tables.names, ledger.shape.columns, moment)
    visible, seen = _visible(asked, moment)
    statement = sql.SQL(query).format(rows=rows.where, visible=visible)
    now = moment.now.astimezone(SHANGHAI)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    given = {**rows.parameters, **seen, "now": now, "midnight": midnight}
    return connection.execute(statement, given).fetchall()


def _visible(asked: Asked, moment: Moment) -> tuple[sql.Composable, dict[str, object]]:
    """Return the caller's scope, and whose cases are asked for."""
    current = None if moment.current else CASES.tables.names["current"]
    parts, parameters = within(asked.scope, current)
    if asked.units != (DISTRICT,):
        parts = [*parts, sql.SQL("visible_to && %(units)s::text[]")]
        parameters = {**parameters, "units": list(asked.units)}
    return sql.SQL(" AND ").join([sql.SQL("true"), *parts]), parameters


def _facets(asked: Asked, table: tuple[str, ...] = ()) -> tuple[sql.Composable, dict[str, object]]:
    parts: list[sql.Composable] = [sql.SQL("true")]
    parameters: dict[str, object] = {}
    for name, values in asked.facets.items():
        column = sql.Identifier(*table, name)
        value = sql.Placeholder(f"facet_{name}")
        parts.append(sql.SQL("{} = ANY({})").format(column, value))
        parameters[f"facet_{name}"] = list(values)
    return sql.SQL(" AND ").join(parts), parameters


def _sums(tally: Tally[Any], form: LiteralString) -> sql.Composable:
    return sql.SQL(", ").join(
        sql.SQL(form).format(sql.Identifier(name), sql.Literal(name)) for name in tally.measures
    )
