"""The rule of concerns as SQL: one query over what the ledgers of cases, clocks and units show.

Only cases that the caller may see are counted, so a finding never tells of a foreign case, not even
by its number.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, LiteralString

from msgspec.structs import replace
from psycopg import sql
from psycopg.rows import dict_row

from eventlog.database import Connection
from projections.concerns.rule import Rule
from projections.ledger import Ledger
from projections.ledgers.cases import CASES, case_filters
from projections.ledgers.deadlines import DEADLINES
from projections.ledgers.directory import DIRECTORY
from projections.query import Condition, Filter, Moment, conditions, source
from projections.scope import Sight

RECURRING: Final = "recurring"
CHRONIC: Final = "chronic"
WIDESPREAD: Final = "widespread"
SORTS: Final = {
    RECURRING: "重复出现",
    CHRONIC: "长时间得不到解决",
    WIDESPREAD: "都会存在",
}
OF_CASES: Final = case_filters("kind", "severity", "source_system")
"""Which cases are looked at at all."""
FILTERS: Final[dict[str, Filter]] = {
    "sort_of": Filter("民情种类", "in", "sort"),
    "category": Filter("类别", "in", "category"),
    "place": Filter("地点", "in", "place"),
    "unit": Filter("管辖单元", "within"),
}
"""Which findings are shown."""
OPEN_DEADLINES: Final = ("due", "status", "breached_at", "counted", "ended_at")
OF_CASE: Final = (
    "number", "kind", "severity", "source_system", "category", "place", "reported_at", "ended_at",
    "outcome", "cycle", "rework", "visible_to",
)  # fmt: skip
OF_UNIT: Final = ("sort", "unit", "level", "until", "visible_to")
SOURCES: Final[tuple[tuple[Ledger[Any, Any], tuple[str, ...]], ...]] = (
    (CASES, OF_CASE),
    (DEADLINES, OPEN_DEADLINES),
    (DIRECTORY, OF_UNIT),
)
"""What it is counted from."""
# `home` says to which unit of the level every unit belongs, or itself if it lies above them.
BASE: Final = """
    WITH unit AS MATERIALIZED (
        SELECT unit, level, visible_to AS path,
               until IS NULL OR until > (%(now)s AT TIME ZONE 'Asia/Shanghai')::date AS there
        FROM ({directory}) d WHERE sort = 'unit'
    ), home AS MATERIALIZED (
        SELECT u.unit, coalesce(min(h.unit), u.unit) AS place
        FROM unit u CROSS JOIN LATERAL unnest(u.path) p (step)
        LEFT JOIN unit h ON h.unit = p.step AND h.level = %(level)s
        GROUP BY u.unit
    ), seen AS MATERIALIZED (
        SELECT case_id, number, category, coalesce(home.place, r.place) AS place, reported_at,
               ended_at IS NULL AS is_open, cycle - 1 + rework AS again
        FROM (SELECT * FROM ({cases}) c WHERE reported_at > %(since)s
              UNION ALL
              SELECT * FROM ({cases}) c WHERE reported_at <= %(since)s AND ended_at IS NULL) r
        LEFT JOIN home ON home.unit = r.place
        WHERE {visible} AND {among} AND category IS NOT NULL AND r.place IS NOT NULL
          AND reported_at <= %(now)s
          AND (outcome IS NULL OR outcome <> ALL(%(leave_out)s::text[]))
    ), late AS MATERIALIZED (
        SELECT DISTINCT case_id FROM ({deadlines}) l
        WHERE counted AND ended_at IS NULL AND due < %(now)s
          AND (status <> 'paused' OR breached_at IS NOT NULL)
    ), stuck AS MATERIALIZED (
        SELECT * FROM (
            SELECT seen.*, late.case_id IS NOT NULL AS overdue, reported_at <= %(old)s AS is_old,
                   again >= %(again)s AS is_again
            FROM seen LEFT JOIN late USING (case_id) WHERE is_open) o
        WHERE is_old OR is_again OR overdue
    )
"""
# `cells` are what findings are made of: a category in one place. Numbers of cases come later, for
# those findings alone that somebody is shown: sorting all of them would cost most of the time.
FIND: Final = """
    , cells AS MATERIALIZED (
        SELECT category, place, count(*) AS cases, min(reported_at) AS first_at,
               max(reported_at) AS last_at
        FROM seen WHERE reported_at > %(recent)s GROUP BY 1, 2
    ), peers AS MATERIALIZED (
        SELECT step, count(*) AS units FROM unit CROSS JOIN LATERAL unnest(path) p (step)
        WHERE there AND level = %(level)s AND step <> unit GROUP BY 1
    ), spread AS MATERIALIZED (
        SELECT category, step, count(*) AS units, sum(cases)::bigint AS cases,
               min(first_at) AS first_at, max(last_at) AS last_at
        FROM (SELECT category, place, count(*) AS cases, min(reported_at) AS first_at,
                     max(reported_at) AS last_at
              FROM seen WHERE reported_at > %(spread)s GROUP BY 1, 2) c
        JOIN unit u ON u.unit = c.place AND u.there AND u.level = %(level)s
        CROSS JOIN LATERAL unnest(u.path) p (step)
        WHERE step <> c.place GROUP BY 1, 2
    ), found AS (
        SELECT 'recurring' AS sort, category, place, cases, 1::bigint AS units,
               NULL::bigint AS of_units, NULL::bigint AS old, NULL::bigint AS again,
               NULL::bigint AS overdue, first_at, last_at
        FROM cells WHERE cases >= %(recurring)s
        UNION ALL
        SELECT 'chronic', category, place, count(*), 1, NULL,
               count(*) FILTER (WHERE is_old), count(*) FILTER (WHERE is_again),
               count(*) FILTER (WHERE overdue), min(reported_at), max(reported_at)
        FROM stuck GROUP BY category, place HAVING count(*) >= %(chronic)s
        UNION ALL
        SELECT 'widespread', category, step, cases, s.units, peers.units, NULL, NULL, NULL,
               first_at, last_at
        FROM spread s JOIN peers USING (step)
        WHERE s.units >= %(units)s AND s.units * %(of)s >= peers.units * %(share)s
    ), shown AS (
        SELECT found.*, coalesce(unit.path, ARRAY[found.place]) AS visible_to
        FROM found LEFT JOIN unit ON unit.unit = found.place
    )
    SELECT sort, category, place, cases, units, of_units, old, again, overdue, first_at, last_at
    FROM shown r WHERE {wanted} ORDER BY sort, category, place
"""
# The latest cases behind each of these findings.
NAME: Final = """
    , asked AS (
        SELECT * FROM unnest(%(sorts)s::text[], %(categories)s::text[], %(places)s::text[])
                      WITH ORDINALITY AS a (sort, category, place, nth)
    ), below AS MATERIALIZED (
        SELECT nth, category, u.unit AS place FROM unit u CROSS JOIN LATERAL unnest(u.path) p (step)
        JOIN asked ON asked.place = p.step
        WHERE sort = 'widespread' AND u.there AND u.level = %(level)s AND u.unit <> asked.place
    ), behind AS (
        SELECT nth, number, case_id, reported_at FROM asked
        JOIN seen USING (category, place) WHERE sort = 'recurring' AND reported_at > %(recent)s
        UNION ALL
        SELECT nth, number, case_id, reported_at FROM asked
        JOIN stuck USING (category, place) WHERE sort = 'chronic'
        UNION ALL
        SELECT nth, number, case_id, reported_at FROM below
        JOIN seen USING (category, place) WHERE reported_at > %(spread)s
    )
    SELECT nth, (array_agg(number ORDER BY reported_at DESC, number))[1:%(shown)s],
           (array_agg(case_id::text ORDER BY reported_at DESC, number))[1:%(shown)s]
    FROM behind GROUP BY 1 ORDER BY 1
"""


class Count:
    """The rule at a moment, for what one caller sees of it; both questions at one snapshot."""

    def __init__(
        self,
        connection: Connection,
        rule: Rule,
        moment: Moment,
        scope: Sight,
        filters: Mapping[str, str],
    ) -> None:
        """Prepare the queries.

        Raises:
            UnknownParameter, UnknownField: a filter is not understood.
        """
        self._connection = connection
        current = CASES.tables.names["current"]
        inner = {name: value for name, value in filters.items() if name in OF_CASES}
        outer = {name: value for name, value in filters.items() if name not in OF_CASES}
        # What is kept from the caller is looked up apart, so that an index tells all of the rest.
        apart = replace(moment, current=False)
        visible = conditions(OF_CASES, inner, scope, apart, current)
        self._wanted = conditions(FILTERS, outer, None, moment, current)
        self._base = _base(rule, moment, visible, "true")
        self._asked = _base(rule, moment, visible, "category = ANY(%(categories)s::text[])")

    def findings(self) -> list[dict[str, Any]]:
        """Return all findings, without their cases."""
        parameters = {**self._base.parameters, **self._wanted.parameters}
        query = self._base.where + sql.SQL(FIND).format(wanted=self._wanted.where)
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, parameters).fetchall()

    def cases(self, findings: Sequence[Mapping[str, Any]]) -> list[tuple[list[str], list[str]]]:
        """Return the numbers and ids of the latest cases behind each of some findings."""
        asked = {
            name: [one[column] for one in findings]
            for name, column in (("sorts", "sort"), ("categories", "category"), ("places", "place"))
        }
        query = self._asked.where + sql.SQL(NAME)
        rows = self._connection.execute(query, {**self._asked.parameters, **asked}).fetchall()
        named = {nth: (numbers, ids) for nth, numbers, ids in rows}
        return [named.get(nth, ([], [])) for nth in range(1, len(findings) + 1)]


def _base(rule: Rule, moment: Moment, visible: Condition, among: LiteralString) -> Condition:
    cases, deadlines, directory = (
        source(ledger.tables.names, columns, moment) for ledger, columns in SOURCES
    )
    query = sql.SQL(BASE).format(
        cases=cases.where,
        deadlines=deadlines.where,
        directory=directory.where,
        visible=visible.where,
        among=sql.SQL(among),
    )
    parameters = {**cases.parameters, **visible.parameters, **_thresholds(rule, moment)}
    return Condition(query, parameters)


def _thresholds(rule: Rule, moment: Moment) -> dict[str, object]:
    now = moment.now
    recurring, widespread = (timedelta(days=one.days) for one in (rule.recurring, rule.widespread))
    return {
        "now": now,
        "level": rule.level,
        "leave_out": list(rule.leave_out),
        "since": now - max(recurring, widespread),
        "recent": now - recurring,
        "spread": now - widespread,
        "old": now - timedelta(days=rule.chronic.open_days),
        "again": rule.chronic.again,
        "recurring": rule.recurring.cases,
        "chronic": rule.chronic.cases,
        "units": rule.widespread.units,
        "share": rule.widespread.share.numerator,
        "of": rule.widespread.share.denominator,
        "shown": rule.shown,
    }
