-- Concerns, signed rankings, the conduct board.
-- Run with search_path set to the district's schema.

CREATE TABLE unit_ranking (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    position_from bigint NOT NULL,
    ranking text NOT NULL,
    title text NOT NULL,
    formula text NOT NULL,
    period text NOT NULL,
    since date NOT NULL,
    until date NOT NULL,
    version bigint NOT NULL,
    status text NOT NULL,
    level text NOT NULL,
    unit text NOT NULL,
    name text NOT NULL,
    rank bigint NOT NULL,
    points text NOT NULL,
    rank_before bigint,
    points_before text,
    moved boolean NOT NULL,
    as_of timestamptz NOT NULL,
    known_up_to bigint NOT NULL,
    signed_at timestamptz NOT NULL,
    signed_by text NOT NULL,
    CONSTRAINT unit_ranking_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE unit_ranking IS '考核通报（单位）';
COMMENT ON COLUMN unit_ranking.ranking IS '指标';
COMMENT ON COLUMN unit_ranking.title IS '通报名称';
COMMENT ON COLUMN unit_ranking.period IS '考核期';
COMMENT ON COLUMN unit_ranking.version IS '版次';
COMMENT ON COLUMN unit_ranking.status IS '状态';
COMMENT ON COLUMN unit_ranking.level IS '层级';
COMMENT ON COLUMN unit_ranking.rank IS '名次';
COMMENT ON COLUMN unit_ranking.unit IS '单位';
COMMENT ON COLUMN unit_ranking.name IS '单位名称（签发时）';
COMMENT ON COLUMN unit_ranking.points IS '得分';
COMMENT ON COLUMN unit_ranking.rank_before IS '上一版名次';
COMMENT ON COLUMN unit_ranking.points_before IS '上一版得分';
COMMENT ON COLUMN unit_ranking.moved IS '与上一版不同';
COMMENT ON COLUMN unit_ranking.formula IS '公式';
COMMENT ON COLUMN unit_ranking.since IS '考核期自';
COMMENT ON COLUMN unit_ranking.until IS '考核期至（不含）';
COMMENT ON COLUMN unit_ranking.as_of IS '数据截至';
COMMENT ON COLUMN unit_ranking.known_up_to IS '数据位点';
COMMENT ON COLUMN unit_ranking.signed_at IS '签发时间';
COMMENT ON COLUMN unit_ranking.signed_by IS '签发人';
CREATE TABLE unit_ranking_history (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    ended_position bigint NOT NULL,
    position_from bigint NOT NULL,
    position_to bigint NOT NULL,
    ranking text NOT NULL,
    title text NOT NULL,
    formula text NOT NULL,
    period text NOT NULL,
    since date NOT NULL,
    until date NOT NULL,
    version bigint NOT NULL,
    status text NOT NULL,
    level text NOT NULL,
    unit text NOT NULL,
    name text NOT NULL,
    rank bigint NOT NULL,
    points text NOT NULL,
    rank_before bigint,
    points_before text,
    moved boolean NOT NULL,
    as_of timestamptz NOT NULL,
    known_up_to bigint NOT NULL,
    signed_at timestamptz NOT NULL,
    signed_by text NOT NULL
);
COMMENT ON TABLE unit_ranking_history IS '考核通报（单位）的历史：被取代或被更正的每一行；各列同 unit_ranking';
CREATE TABLE unit_ranking_state (
    case_id uuid NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT unit_ranking_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE unit_ranking_state IS '考核通报（单位）续算所需的中间状态；不供查询';
CREATE INDEX unit_ranking_history_case ON unit_ranking_history (case_id);

CREATE INDEX unit_ranking_signed ON unit_ranking (signed_at, case_id, row_key);
CREATE INDEX unit_ranking_rank ON unit_ranking (rank, case_id, row_key);
CREATE INDEX unit_ranking_period ON unit_ranking (period, case_id, row_key);

CREATE TABLE conduct_board (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    position_from bigint NOT NULL,
    board text NOT NULL,
    status text NOT NULL,
    proposed_at timestamptz NOT NULL,
    name bigint,
    submitted_at timestamptz,
    reviewed_at timestamptz,
    since date,
    until date,
    published_at timestamptz,
    objections bigint NOT NULL,
    unanswered bigint NOT NULL,
    objected_at timestamptz,
    answered_at timestamptz,
    over_at timestamptz,
    CONSTRAINT conduct_board_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE conduct_board IS '文明行为榜台账';
COMMENT ON COLUMN conduct_board.board IS '榜别';
COMMENT ON COLUMN conduct_board.status IS '榜上状态';
COMMENT ON COLUMN conduct_board.name IS '姓名';
COMMENT ON COLUMN conduct_board.proposed_at IS '拟榜时间';
COMMENT ON COLUMN conduct_board.submitted_at IS '送审时间';
COMMENT ON COLUMN conduct_board.reviewed_at IS '审核时间';
COMMENT ON COLUMN conduct_board.published_at IS '上榜时间';
COMMENT ON COLUMN conduct_board.since IS '公示自';
COMMENT ON COLUMN conduct_board.until IS '公示至';
COMMENT ON COLUMN conduct_board.objections IS '异议数';
COMMENT ON COLUMN conduct_board.unanswered IS '未答复异议';
COMMENT ON COLUMN conduct_board.objected_at IS '最近异议时间';
COMMENT ON COLUMN conduct_board.answered_at IS '最近答复时间';
COMMENT ON COLUMN conduct_board.over_at IS '下榜、撤榜或不予上榜时间';
CREATE TABLE conduct_board_history (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    ended_position bigint NOT NULL,
    position_from bigint NOT NULL,
    position_to bigint NOT NULL,
    board text NOT NULL,
    status text NOT NULL,
    proposed_at timestamptz NOT NULL,
    name bigint,
    submitted_at timestamptz,
    reviewed_at timestamptz,
    since date,
    until date,
    published_at timestamptz,
    objections bigint NOT NULL,
    unanswered bigint NOT NULL,
    objected_at timestamptz,
    answered_at timestamptz,
    over_at timestamptz
);
COMMENT ON TABLE conduct_board_history IS '文明行为榜台账的历史：被取代或被更正的每一行；各列同 conduct_board';
CREATE TABLE conduct_board_state (
    case_id uuid NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT conduct_board_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE conduct_board_state IS '文明行为榜台账续算所需的中间状态；不供查询';
CREATE INDEX conduct_board_history_case ON conduct_board_history (case_id);

CREATE INDEX conduct_board_proposed ON conduct_board (proposed_at, case_id, row_key);
-- What hangs, and so is to be seen by everybody: few of all.
CREATE INDEX conduct_board_hanging ON conduct_board (until) WHERE status = 'published';
