-- The ledger of 四定三包.
-- Run with search_path set to the district's schema.

CREATE TABLE accountability (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    position_from bigint NOT NULL,
    part text NOT NULL,
    status text NOT NULL,
    post text,
    person text,
    worker_post text,
    worker_person text,
    units text[] NOT NULL,
    since timestamptz,
    until timestamptz,
    due timestamptz,
    done bigint,
    total bigint,
    breached_at timestamptz,
    breach_unit text,
    breach_posts text[] NOT NULL,
    breach_persons text[] NOT NULL,
    campaign text,
    CONSTRAINT accountability_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE accountability IS '四定三包台账';
COMMENT ON COLUMN accountability.part IS '四定三包';
COMMENT ON COLUMN accountability.status IS '状态';
COMMENT ON COLUMN accountability.post IS '责任岗位';
COMMENT ON COLUMN accountability.person IS '责任人';
COMMENT ON COLUMN accountability.worker_post IS '责任网格员岗位';
COMMENT ON COLUMN accountability.worker_person IS '责任网格员';
COMMENT ON COLUMN accountability.units IS '责任单位';
COMMENT ON COLUMN accountability.since IS '起始时间';
COMMENT ON COLUMN accountability.until IS '终止时间';
COMMENT ON COLUMN accountability.due IS '期限';
COMMENT ON COLUMN accountability.done IS '已落实数';
COMMENT ON COLUMN accountability.total IS '应落实数';
COMMENT ON COLUMN accountability.breached_at IS '超期时间';
COMMENT ON COLUMN accountability.breach_unit IS '超期责任单位';
COMMENT ON COLUMN accountability.breach_posts IS '超期责任岗位';
COMMENT ON COLUMN accountability.breach_persons IS '超期责任人';
COMMENT ON COLUMN accountability.campaign IS '专项行动';
CREATE TABLE accountability_history (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    ended_position bigint NOT NULL,
    position_from bigint NOT NULL,
    position_to bigint NOT NULL,
    part text NOT NULL,
    status text NOT NULL,
    post text,
    person text,
    worker_post text,
    worker_person text,
    units text[] NOT NULL,
    since timestamptz,
    until timestamptz,
    due timestamptz,
    done bigint,
    total bigint,
    breached_at timestamptz,
    breach_unit text,
    breach_posts text[] NOT NULL,
    breach_persons text[] NOT NULL,
    campaign text
);
COMMENT ON TABLE accountability_history IS '四定三包台账的历史：被取代或被更正的每一行；各列同 accountability';
CREATE TABLE accountability_state (
    case_id uuid NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT accountability_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE accountability_state IS '四定三包台账续算所需的中间状态；不供查询';
CREATE INDEX accountability_history_case ON accountability_history (case_id);
CREATE INDEX accountability_part ON accountability (part, case_id, row_key);
CREATE INDEX accountability_running ON accountability (case_id)
    WHERE part IN ('investigation', 'handling', 'stability') AND status IN ('set', 'at_risk');
CREATE INDEX accountability_campaign ON accountability (case_id) WHERE row_key = 'campaign';
