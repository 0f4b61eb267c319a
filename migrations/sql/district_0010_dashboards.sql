-- Counters for dashboards, kept by the ledgers `cases` and `deadlines` with their rows, and who may
-- read the views for BI tools. Run with search_path set to the district's schema.

CREATE TABLE cases_counts (
    unit text NOT NULL,
    day date NOT NULL,
    kind text NOT NULL,
    category text NOT NULL,
    severity text NOT NULL,
    confidential boolean NOT NULL,
    received integer NOT NULL,
    ended integer NOT NULL,
    closed integer NOT NULL,
    CONSTRAINT cases_counts_key PRIMARY KEY (unit, day, kind, category, severity, confidential)
) WITH (fillfactor = 80);
COMMENT ON TABLE cases_counts IS '事项台账的计数：按单元（空为全区县）、日期、事项类型、类别、严重程度';
COMMENT ON COLUMN cases_counts.received IS '当日上报件数';
COMMENT ON COLUMN cases_counts.ended IS '当日终结件数（各种终结）';
COMMENT ON COLUMN cases_counts.closed IS '当日结案件数';

CREATE TABLE deadlines_counts (
    unit text NOT NULL,
    day date NOT NULL,
    kind text NOT NULL,
    category text NOT NULL,
    severity text NOT NULL,
    confidential boolean NOT NULL,
    falling_due integer NOT NULL,
    on_time integer NOT NULL,
    late integer NOT NULL,
    breached integer NOT NULL,
    CONSTRAINT deadlines_counts_key PRIMARY KEY (unit, day, kind, category, severity, confidential)
) WITH (fillfactor = 80);
COMMENT ON TABLE deadlines_counts IS '办结时限台账的计数：按单元（空为全区县）、日期、事项类型、类别、严重程度';
COMMENT ON COLUMN deadlines_counts.falling_due IS '当日到期件数（总时限）';
COMMENT ON COLUMN deadlines_counts.on_time IS '当日按期停止件数';
COMMENT ON COLUMN deadlines_counts.late IS '当日超期停止件数';
COMMENT ON COLUMN deadlines_counts.breached IS '当日起超期件数';

-- What stands open is few among all, and asked for by every dashboard.
CREATE INDEX cases_open ON cases (reported_at) WHERE ended_at IS NULL;
CREATE INDEX deadlines_open ON deadlines (due) WHERE counted AND ended_at IS NULL;

CREATE TABLE reader (
    role       text NOT NULL,
    unit       text,
    kept_out   text[] NOT NULL,
    CONSTRAINT reader_key PRIMARY KEY (role)
);
COMMENT ON TABLE reader IS '可用报表工具读取本区县视图的数据库用户；不在其中者什么也看不到';
COMMENT ON COLUMN reader.role IS '数据库用户名';
COMMENT ON COLUMN reader.kept_out IS '该单元及其上级的回避标记：带有任一标记的事项不显示';
COMMENT ON COLUMN reader.unit IS '只可看这个单元的范围；空为全区县';
