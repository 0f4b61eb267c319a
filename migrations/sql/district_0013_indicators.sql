-- What indicators count: one row of measures a case.
-- Run with search_path set to the district's schema.

CREATE TABLE measures (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    position_from bigint NOT NULL,
    sort text NOT NULL,
    at timestamptz NOT NULL,
    cycle bigint NOT NULL,
    latest boolean NOT NULL,
    unit text,
    unit_path text[] NOT NULL,
    other text,
    other_path text[] NOT NULL,
    filed_at timestamptz,
    responded_at timestamptz,
    accepted_at timestamptz,
    dispatched_at timestamptz,
    due timestamptz,
    stopped_at timestamptz,
    on_time boolean,
    paused boolean NOT NULL,
    closed_at timestamptz,
    ended_at timestamptz,
    ending text,
    grade text,
    on_the_spot boolean NOT NULL,
    duration bigint,
    dispatches bigint NOT NULL,
    returns bigint NOT NULL,
    passed bigint NOT NULL,
    failed bigint NOT NULL,
    redos bigint NOT NULL,
    callbacks bigint NOT NULL,
    solved boolean,
    satisfaction bigint,
    duplicates bigint NOT NULL,
    yellow bigint NOT NULL,
    red bigint NOT NULL,
    level text,
    score bigint,
    other_score bigint,
    exempt_overdue boolean NOT NULL,
    exempt_rework boolean NOT NULL,
    exempt_dissatisfaction boolean NOT NULL,
    exempt_supervision boolean NOT NULL,
    CONSTRAINT measures_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE measures IS '指标底账';
COMMENT ON COLUMN measures.sort IS '计量对象';
COMMENT ON COLUMN measures.at IS '发生时间';
COMMENT ON COLUMN measures.cycle IS '办理轮次';
COMMENT ON COLUMN measures.latest IS '最近一轮';
COMMENT ON COLUMN measures.unit IS '考核单位';
COMMENT ON COLUMN measures.unit_path IS '考核单位的上级';
COMMENT ON COLUMN measures.other IS '相关单位';
COMMENT ON COLUMN measures.other_path IS '相关单位的上级';
COMMENT ON COLUMN measures.filed_at IS '立案时间';
COMMENT ON COLUMN measures.responded_at IS '首次响应时间';
COMMENT ON COLUMN measures.accepted_at IS '受理时间';
COMMENT ON COLUMN measures.dispatched_at IS '首次派遣时间';
COMMENT ON COLUMN measures.due IS '总时限到期时间';
COMMENT ON COLUMN measures.stopped_at IS '总时限停止时间';
COMMENT ON COLUMN measures.on_time IS '按期';
COMMENT ON COLUMN measures.paused IS '时限暂停中';
COMMENT ON COLUMN measures.closed_at IS '结案时间';
COMMENT ON COLUMN measures.ended_at IS '终结时间';
COMMENT ON COLUMN measures.ending IS '终结方式';
COMMENT ON COLUMN measures.grade IS '结案等级';
COMMENT ON COLUMN measures.on_the_spot IS '格内处理';
COMMENT ON COLUMN measures.duration IS '处置秒数';
COMMENT ON COLUMN measures.dispatches IS '派遣次数';
COMMENT ON COLUMN measures.returns IS '退单成立次数';
COMMENT ON COLUMN measures.passed IS '核查通过次数';
COMMENT ON COLUMN measures.failed IS '返工次数';
COMMENT ON COLUMN measures.redos IS '重办次数';
COMMENT ON COLUMN measures.callbacks IS '回访次数';
COMMENT ON COLUMN measures.solved IS '回访称已解决';
COMMENT ON COLUMN measures.satisfaction IS '满意度（1 至 5）';
COMMENT ON COLUMN measures.duplicates IS '并入的重复件';
COMMENT ON COLUMN measures.yellow IS '黄牌督办次数';
COMMENT ON COLUMN measures.red IS '红牌督办次数';
COMMENT ON COLUMN measures.level IS '督办级别';
COMMENT ON COLUMN measures.score IS '考核单位得分（1 至 5）';
COMMENT ON COLUMN measures.other_score IS '相关单位得分（1 至 5）';
COMMENT ON COLUMN measures.exempt_overdue IS '超期已剔除';
COMMENT ON COLUMN measures.exempt_rework IS '返工已剔除';
COMMENT ON COLUMN measures.exempt_dissatisfaction IS '不满意已剔除';
COMMENT ON COLUMN measures.exempt_supervision IS '督办扣分已剔除';
CREATE TABLE measures_history (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    ended_position bigint NOT NULL,
    position_from bigint NOT NULL,
    position_to bigint NOT NULL,
    sort text NOT NULL,
    at timestamptz NOT NULL,
    cycle bigint NOT NULL,
    latest boolean NOT NULL,
    unit text,
    unit_path text[] NOT NULL,
    other text,
    other_path text[] NOT NULL,
    filed_at timestamptz,
    responded_at timestamptz,
    accepted_at timestamptz,
    dispatched_at timestamptz,
    due timestamptz,
    stopped_at timestamptz,
    on_time boolean,
    paused boolean NOT NULL,
    closed_at timestamptz,
    ended_at timestamptz,
    ending text,
    grade text,
    on_the_spot boolean NOT NULL,
    duration bigint,
    dispatches bigint NOT NULL,
    returns bigint NOT NULL,
    passed bigint NOT NULL,
    failed bigint NOT NULL,
    redos bigint NOT NULL,
    callbacks bigint NOT NULL,
    solved boolean,
    satisfaction bigint,
    duplicates bigint NOT NULL,
    yellow bigint NOT NULL,
    red bigint NOT NULL,
    level text,
    score bigint,
    other_score bigint,
    exempt_overdue boolean NOT NULL,
    exempt_rework boolean NOT NULL,
    exempt_dissatisfaction boolean NOT NULL,
    exempt_supervision boolean NOT NULL
);
COMMENT ON TABLE measures_history IS '指标底账的历史：被取代或被更正的每一行；各列同 measures';
CREATE TABLE measures_state (
    case_id uuid NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT measures_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE measures_state IS '指标底账续算所需的中间状态；不供查询';
CREATE INDEX measures_history_case ON measures_history (case_id);
-- Orders of the ledger, and what a period is counted by: reported, due, closed, ended.
CREATE INDEX measures_at ON measures (at, case_id, row_key);
CREATE INDEX measures_sort_at ON measures (sort, at);
CREATE INDEX measures_due ON measures (due) WHERE due IS NOT NULL;
CREATE INDEX measures_closed_at ON measures (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX measures_ended_at ON measures (ended_at) WHERE ended_at IS NOT NULL;
