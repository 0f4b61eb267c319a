-- How many rows stand in each state now, per unit, kept by the ledgers `cases` and `deadlines` with
-- their rows; and what summaries and pages as of another moment need to be found by. Run with
-- search_path set to the district's schema.

CREATE TABLE cases_stock (
    unit         text NOT NULL,
    confidential boolean NOT NULL,
    kind         text NOT NULL,
    stage        text NOT NULL,
    phase        text NOT NULL,
    severity     text NOT NULL,
    open         text NOT NULL,
    number       integer NOT NULL,
    CONSTRAINT cases_stock_key PRIMARY KEY (unit, confidential, kind, stage, phase, severity, open)
) WITH (fillfactor = 80);
COMMENT ON TABLE cases_stock IS '事项台账的存量：按单元（空为全区县）和现状，各有多少行';

CREATE TABLE deadlines_stock (
    unit         text NOT NULL,
    confidential boolean NOT NULL,
    kind         text NOT NULL,
    open         text NOT NULL,
    stands       text NOT NULL,
    light        text NOT NULL,
    outcome      text NOT NULL,
    due          text NOT NULL,
    number       integer NOT NULL,
    CONSTRAINT deadlines_stock_key
        PRIMARY KEY (unit, confidential, kind, open, stands, light, outcome, due)
) WITH (fillfactor = 80);
COMMENT ON TABLE deadlines_stock IS '办结时限台账的存量：按单元（空为全区县）和现状，各有多少行';

-- What stands already.
INSERT INTO cases_stock
SELECT u.unit, visible_to @> ARRAY[E'\x1fconfidential'], kind, stage, phase, coalesce(severity, ''),
       (ended_at IS NULL)::text, count(*)
FROM cases CROSS JOIN LATERAL (SELECT '' UNION ALL SELECT unnest(visible_to)) u (unit)
WHERE left(u.unit, 1) <> E'\x1f'
GROUP BY 1, 2, 3, 4, 5, 6, 7;

INSERT INTO deadlines_stock
SELECT u.unit, visible_to @> ARRAY[E'\x1fconfidential'], kind, (ended_at IS NULL)::text,
       CASE WHEN ended_at IS NULL THEN status
            WHEN status = 'stopped' AND stopped_at <= due THEN 'on_time'
            WHEN status = 'stopped' AND stopped_at > due THEN 'late'
            ELSE '' END,
       light, coalesce(outcome, ''),
       CASE WHEN ended_at IS NULL AND (status <> 'paused' OR breached_at IS NOT NULL)
            THEN (due AT TIME ZONE 'Asia/Shanghai')::date::text ELSE '' END,
       count(*)
FROM deadlines CROSS JOIN LATERAL (SELECT '' UNION ALL SELECT unnest(visible_to)) u (unit)
WHERE counted AND left(u.unit, 1) <> E'\x1f'
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;

CREATE INDEX deadlines_reported_at ON deadlines (reported_at, case_id, row_key);
-- What is overdue lies among very many that were stopped long ago.
CREATE INDEX deadlines_unstopped ON deadlines (due, case_id, row_key)
    WHERE status IN ('running', 'paused');
-- What is required of open cases goes by their kind.
CREATE INDEX cases_open_kind ON cases (kind_hash, case_id) WHERE ended_at IS NULL;
-- What people raise: all that concerns are counted from.
CREATE INDEX cases_raised ON cases (reported_at)
    INCLUDE (case_id, number, category, place, ended_at, outcome, cycle, rework)
    WHERE category IS NOT NULL AND place IS NOT NULL;

-- As of another moment: of all past rows those few that held then, or whose end was not yet known.
CREATE INDEX cases_history_valid ON cases_history USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX cases_history_ended ON cases_history (ended_position);
CREATE INDEX deadlines_history_valid ON deadlines_history
    USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX deadlines_history_ended ON deadlines_history (ended_position);
CREATE INDEX accountability_history_valid ON accountability_history
    USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX accountability_history_ended ON accountability_history (ended_position);
CREATE INDEX tasks_history_valid ON tasks_history USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX tasks_history_ended ON tasks_history (ended_position);
CREATE INDEX returns_history_valid ON returns_history USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX returns_history_ended ON returns_history (ended_position);
CREATE INDEX supervision_history_valid ON supervision_history
    USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX supervision_history_ended ON supervision_history (ended_position);
CREATE INDEX extensions_history_valid ON extensions_history
    USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX extensions_history_ended ON extensions_history (ended_position);
CREATE INDEX decisions_history_valid ON decisions_history
    USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX decisions_history_ended ON decisions_history (ended_position);
CREATE INDEX catalogue_history_valid ON catalogue_history
    USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX catalogue_history_ended ON catalogue_history (ended_position);
CREATE INDEX conduct_board_history_valid ON conduct_board_history
    USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX conduct_board_history_ended ON conduct_board_history (ended_position);
CREATE INDEX unit_ranking_history_valid ON unit_ranking_history
    USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX unit_ranking_history_ended ON unit_ranking_history (ended_position);
CREATE INDEX directory_history_valid ON directory_history
    USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX directory_history_ended ON directory_history (ended_position);
CREATE INDEX receipts_history_valid ON receipts_history
    USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX receipts_history_ended ON receipts_history (ended_position);
CREATE INDEX measures_history_valid ON measures_history
    USING gist (tstzrange(valid_from, valid_to));
CREATE INDEX measures_history_ended ON measures_history (ended_position);

-- Registers that were built before get the same.
DO $$
DECLARE
    past text;
BEGIN
    FOR past IN SELECT relname FROM pg_class
                WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
                  AND relname LIKE 'register\_%\_history'
    LOOP
        EXECUTE format('CREATE INDEX %I ON %I USING gist (tstzrange(valid_from, valid_to))',
                       past || '_valid', past);
        EXECUTE format('CREATE INDEX %I ON %I (ended_position)', past || '_ended', past);
    END LOOP;
END $$;

-- Otherwise nobody knows yet how few rows an index over a stretch of time finds.
ANALYZE cases_history, deadlines_history, accountability_history, tasks_history, returns_history,
        supervision_history, extensions_history, decisions_history, directory_history,
        receipts_history, measures_history, cases_stock, deadlines_stock;
