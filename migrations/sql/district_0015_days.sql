-- What was counted on each day, per unit and nothing else: the cells of `cases_counts` and
-- `deadlines_counts` added up, so that comparing all units reads hundreds of times fewer. Run with
-- search_path set to the district's schema.

CREATE TABLE cases_days (
    unit         text NOT NULL,
    day          date NOT NULL,
    confidential boolean NOT NULL,
    received     integer NOT NULL,
    ended        integer NOT NULL,
    closed       integer NOT NULL,
    CONSTRAINT cases_days_key PRIMARY KEY (unit, day, confidential)
) WITH (fillfactor = 80);
COMMENT ON TABLE cases_days IS '事项台账的逐日计数：只按单元（空为全区县）和日期';

CREATE TABLE deadlines_days (
    unit         text NOT NULL,
    day          date NOT NULL,
    confidential boolean NOT NULL,
    falling_due  integer NOT NULL,
    on_time      integer NOT NULL,
    late         integer NOT NULL,
    breached     integer NOT NULL,
    CONSTRAINT deadlines_days_key PRIMARY KEY (unit, day, confidential)
) WITH (fillfactor = 80);
COMMENT ON TABLE deadlines_days IS '办结时限台账的逐日计数：只按单元（空为全区县）和日期';

-- What is counted already.
INSERT INTO cases_days
SELECT unit, day, confidential, sum(received), sum(ended), sum(closed)
FROM cases_counts GROUP BY 1, 2, 3;
INSERT INTO deadlines_days
SELECT unit, day, confidential, sum(falling_due), sum(on_time), sum(late), sum(breached)
FROM deadlines_counts GROUP BY 1, 2, 3;

-- A rebuild of these two that was interrupted has no such table: it begins again.
DELETE FROM quarantine WHERE name IN ('cases@1__build', 'deadlines@1__build');
DELETE FROM checkpoint WHERE name IN ('cases@1__build', 'deadlines@1__build');

ANALYZE cases_days, deadlines_days;
