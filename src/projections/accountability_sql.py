"""四定三包 as SQL: the cases that are meant, what stands of them, and what is counted."""

from typing import Final, LiteralString

# Cases in scope that something is required of, or of which something was fixed or taken: with what
# is required of them, by the kinds that were passed in.
CHOSEN: Final = """
    SELECT r.case_id, r.row_key, r.number, r.kind, r.stage, r.category, r.severity, r.holder,
           r.lead, r.reported_at, r.ended_at, r.closed_at, q.parts AS required, {campaign}
    FROM {cases}
    LEFT JOIN (VALUES {rules}) q (kind_hash, severity, named, parts)
      ON q.kind_hash = r.kind_hash
         AND (q.severity = r.severity
              OR (q.severity IS NULL AND r.severity = ANY(q.named) IS NOT TRUE))
    {marks}
    WHERE {where} AND {open} AND (q.parts IS NOT NULL OR {there})
"""
# Looked up case by case, never gathered from all: LIMIT keeps it so.
HAS_ROWS: Final = """
    (SELECT true FROM ({rows}) a WHERE a.case_id = r.case_id AND a.part <> 'campaign' LIMIT 1)
"""
MARKS: Final = "LEFT JOIN ({rows}) m ON m.case_id = r.case_id AND m.row_key = 'campaign'"
# It has not ended, or one of its duties goes on (包稳定 outlives the closing).
GOES_ON: Final = """
    part IN ('investigation', 'handling', 'stability') AND status IN ('set', 'at_risk')
"""
STILL: Final = """
    (SELECT true FROM ({rows}) d WHERE d.case_id = r.case_id AND {goes_on} LIMIT 1)
"""
UNENDED: Final = "r.ended_at IS NULL"
# Of which kinds something is required; of all others only those cases count that have rows.
RULED: Final = "r.kind_hash = ANY({hashes})"
KNOWN: Final = """
    (SELECT DISTINCT r.case_id FROM ({rows}) d JOIN ({cases}) r ON r.case_id = d.case_id
     WHERE {open}) g CROSS JOIN LATERAL (
        SELECT * FROM ({cases}) x WHERE x.case_id = g.case_id OFFSET 0
    ) r
"""
# What goes on after its end is found from the duties, case by case.
EVERY: Final = "({cases}) r"
ENDED_BUT: Final = """
    (SELECT DISTINCT case_id FROM ({rows}) d WHERE {goes_on}) g CROSS JOIN LATERAL (
        SELECT * FROM ({cases}) x WHERE x.case_id = g.case_id AND x.ended_at IS NOT NULL OFFSET 0
    ) r
"""
# Of each part the row in effect, as time, the end of the case and vacancies have it. OFFSET 0 has
# them found case by case: the cases that are meant are far fewer than those that are over.
HELD: Final = """
    SELECT h.case_id, h.part, h.post, h.worker_post, h.units, h.breached_at, h.vacant, c.required,
           {more} CASE
             WHEN h.vacant AND h.part IN ('leader', 'responsibility') THEN 'missing'
             WHEN c.closed_at IS NOT NULL AND h.since IS NOT NULL
                  AND h.part IN ('leader', 'responsibility') THEN 'fulfilled'
             WHEN c.closed_at IS NOT NULL AND h.since IS NOT NULL AND h.part = 'deadline'
                  AND h.status IN ('set', 'at_risk')
               THEN CASE WHEN c.closed_at <= h.due THEN 'fulfilled' ELSE 'late' END
             WHEN h.due < %(now)s AND h.status IN ('missing', 'set', 'at_risk') THEN 'late'
             ELSE h.status END AS status
    FROM {chosen} c CROSS JOIN LATERAL (
        SELECT *, (part IN ('leader', 'responsibility') OR status IN ('set', 'at_risk'))
                  AND ({vacancy}) AS vacant
        FROM ({rows}) o
        WHERE o.case_id = c.case_id AND o.part <> 'campaign'
          AND (o.part NOT IN ('leader', 'responsibility')
               OR ((o.since IS NULL OR o.since <= %(now)s)
                   AND (o.until IS NULL OR o.until > %(now)s)))
        OFFSET 0
    ) h
"""
MORE: Final = """
    h.person, h.worker_person, h.since, h.due, h.done, h.total, h.breach_unit, h.breach_posts,
    h.breach_persons,
"""
# A post that is not in the directory is vacant if nobody held it when it was fixed.
VACANCY: Final = """
    post IS NOT NULL AND (post = ANY({vacant}) OR (person IS NULL AND post <> ALL({known})))
    OR worker_post IS NOT NULL
       AND (worker_post = ANY({vacant}) OR (worker_person IS NULL AND worker_post <> ALL({known})))
"""
# Of what is required and has no row at all, nobody has fixed anything.
CELLS: Final = """
    SELECT case_id, part, status, vacant, post, worker_post, breached_at,
           status <> 'missing' OR part = ANY(required) AS counts
    FROM held
    UNION ALL
    SELECT c.case_id, p.part, 'missing', false, NULL, NULL, NULL, true
    FROM chosen c CROSS JOIN unnest(c.required) p (part)
    WHERE NOT EXISTS (SELECT FROM held h WHERE h.case_id = c.case_id AND h.part = p.part)
"""
WITH: Final = "WITH chosen AS MATERIALIZED ({chosen}), held AS MATERIALIZED ({held})"
AFTER: Final = """
    (r.reported_at, r.case_id, r.row_key) < (%(after)s, %(after_case)s, %(after_key)s)
"""
# What is missing counts where it is required, everything else wherever it is.
COUNTS: Final = """
    count(*) FILTER (WHERE status = 'missing' AND part = ANY(required)) AS missing,
    count(*) FILTER (WHERE status = 'set') AS set,
    count(*) FILTER (WHERE status = 'at_risk') AS at_risk,
    count(*) FILTER (WHERE status = 'late') AS late,
    count(*) FILTER (WHERE status = 'fulfilled') AS fulfilled,
    count(*) FILTER (WHERE status = 'failed') AS failed,
    count(*) FILTER (WHERE vacant) AS vacant,
    count(breached_at) AS breached
"""
SUMS: Final = ("set", "at_risk", "late", "fulfilled", "failed", "vacant", "breached")
# A line for each group of cases, and a line for each post or unit of what it holds itself.
GROUPS: Final = """
    {with}, by_case AS (
        SELECT case_id, max(post) FILTER (WHERE part = 'leader') AS leader,
               array_agg(part) AS there, {counts}
        FROM held GROUP BY case_id
    )
    SELECT 'cases' AS sort, {key} AS key, count(*) AS cases,
           count(*) FILTER (WHERE r.ended_at IS NULL) AS open,
           sum(coalesce(b.missing, 0) + (
               SELECT count(*) FROM unnest(r.required) p (part)
               WHERE p.part <> ALL(coalesce(b.there, '{{}}'))))::bigint AS missing, {sums}
    FROM chosen r LEFT JOIN by_case b ON b.case_id = r.case_id
    WHERE {picked} GROUP BY 2
    {holding}
"""
HOLDING: Final = """
    UNION ALL
    SELECT 'held', x.key, count(DISTINCT r.case_id), 0, {sums}
    FROM (SELECT * FROM chosen r WHERE {picked}) r
    JOIN held h ON h.case_id = r.case_id {keys} GROUP BY 2
"""
KEYS: Final[dict[str, LiteralString]] = {
    "leader": "b.leader",
    "unit": "coalesce(r.lead, r.holder)",
    "campaign": "r.campaign",
    "kind": "r.kind",
    "category": "r.category",
}


# When the clock alone next changes what is counted; see `projections/remembered.py`.
CHANGES: Final = """
    SELECT least(min(due) FILTER (WHERE due >= %(now)s), min(since) FILTER (WHERE since >= %(now)s),
                 min(until) FILTER (WHERE until >= %(now)s)) FROM accountability
"""
CELL: Final[dict[str, LiteralString]] = {
    "status": "l.counts AND l.status = ANY(%(cell_status)s)",
    "part": "l.part = ANY(%(cell_part)s)",
    "vacant": "l.vacant = %(cell_vacant)s",
    "breached": "(l.breached_at IS NOT NULL) = %(cell_breached)s",
    "post": "(l.post = ANY(%(cell_post)s) OR l.worker_post = ANY(%(cell_post)s))",
}
LED: Final = """
    (r.case_id IN (SELECT case_id FROM held WHERE part = 'leader' AND post = ANY(%(leaders)s))
     OR (%(led_by_nobody)s AND r.case_id NOT IN (
            SELECT case_id FROM held WHERE part = 'leader' AND post IS NOT NULL)))
"""
