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
from projections.counts import DISTRICT, Tally
from projections.ledger import Ledger
from projections.ledgers.cases import CASES
from projections.ledgers.deadlines import DEADLINES
from projections.query import Condition, Moment, find_moment, snapshot, source
from projections.scope import Scope, within

By = Literal["day", "month", "unit", "kind", "category", "severity"]
GROUPS: Final[tuple[By, ...]] = ("day", "month", "unit", "kind", "category", "severity")
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
    WHERE m.at IS NOT NULL AND d.day >= %(since)s AND d.day < %(until)s
      AND {counted} AND {visible} AND {facets}) c
    GROUP BY 1
"""
KEYS: Final[dict[By, LiteralString]] = {
    "day": "day::text",
    "month": "to_char(day, 'YYYY-MM')",
    "unit": "unit",
    "kind": "kind",
    "category": "category",
    "severity": "severity",
}
# A caller for whom cases are closed, or opened, one by one has counts of their own.
MARKED: Final = "SELECT EXISTS (SELECT FROM {cases} WHERE visible_to && %s::text[])"
# Units that were moved: some of their cases belong to whoever had them before.
STRAYED: Final = """
    SELECT EXISTS (SELECT FROM {cases}
                   WHERE visible_to && %s::text[] AND NOT visible_to @> ARRAY[%s::text])
"""
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
            tally = ledger.shape.tally
            if tally is None:
                raise LookupError(ledger.name)
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
        phases = _of_open(connection, CASES, PHASES, asked, moment)
        clocks = _of_open(connection, DEADLINES, STANDING, asked, moment)[0]
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


def _is_exact(connection: Connection, asked: Asked) -> bool:
    """Say whether counters count just what the caller may see."""
    scope = asked.scope
    if scope.shared:
        return False
    marks = [*scope.recused, *scope.confided]
    if marks and _exists(connection, MARKED, (marks,)):
        return False
    others = [unit for unit in asked.units if unit != scope.unit]
    if scope.unit is None or not others:
        return True
    return not _exists(connection, STRAYED, (others, scope.unit))


def _exists(connection: Connection, query: str, parameters: tuple[object, ...]) -> bool:
    statement = query.replace("{cases}", CASES.tables.names["current"])
    row = connection.execute(statement.encode(), parameters).fetchone()
    return bool(row and row[0])


def _from_counters(ledger: Ledger[Any, Any], tally: Tally[Any], asked: Asked, by: By) -> Condition:
    facets, parameters = _facets(asked)
    query = sql.SQL(FROM_COUNTERS).format(
        key=sql.SQL(KEYS[by]),
        sums=_sums(tally, "sum({0})"),
        counts=sql.Identifier(ledger.tables.names["counts"]),
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
    return connection.execute(statement, {**rows.parameters, **seen, "now": moment.now}).fetchall()


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
