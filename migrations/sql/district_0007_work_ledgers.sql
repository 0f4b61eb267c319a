-- Ledgers of work: tasks, returns, supervision, extensions.
-- Run with search_path set to the district's schema.

CREATE TABLE tasks (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    position_from bigint NOT NULL,
    sort text NOT NULL,
    task bigint NOT NULL,
    owed_by text,
    owed_to text,
    status text NOT NULL,
    assigned_at timestamptz NOT NULL,
    done_at timestamptz,
    due timestamptz,
    paused boolean NOT NULL,
    breached_at timestamptz,
    whistle bigint,
    report_score bigint,
    whistle_score bigint,
    CONSTRAINT tasks_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE tasks IS '协同任务台账';
COMMENT ON COLUMN tasks.sort IS '任务种类';
COMMENT ON COLUMN tasks.task IS '任务序号';
COMMENT ON COLUMN tasks.owed_by IS '承担单位';
COMMENT ON COLUMN tasks.owed_to IS '交办单位';
COMMENT ON COLUMN tasks.status IS '任务状态';
COMMENT ON COLUMN tasks.assigned_at IS '交办时间';
COMMENT ON COLUMN tasks.due IS '到期时间';
COMMENT ON COLUMN tasks.paused IS '暂停计时';
COMMENT ON COLUMN tasks.done_at IS '完成时间';
COMMENT ON COLUMN tasks.breached_at IS '超期时间';
COMMENT ON COLUMN tasks.whistle IS '吹哨序号';
COMMENT ON COLUMN tasks.report_score IS '报到得分';
COMMENT ON COLUMN tasks.whistle_score IS '吹哨得分';
CREATE TABLE tasks_history (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    ended_position bigint NOT NULL,
    position_from bigint NOT NULL,
    position_to bigint NOT NULL,
    sort text NOT NULL,
    task bigint NOT NULL,
    owed_by text,
    owed_to text,
    status text NOT NULL,
    assigned_at timestamptz NOT NULL,
    done_at timestamptz,
    due timestamptz,
    paused boolean NOT NULL,
    breached_at timestamptz,
    whistle bigint,
    report_score bigint,
    whistle_score bigint
);
COMMENT ON TABLE tasks_history IS '协同任务台账的历史：被取代或被更正的每一行；各列同 tasks';
CREATE TABLE tasks_state (
    case_id uuid NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT tasks_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE tasks_state IS '协同任务台账续算所需的中间状态；不供查询';
CREATE INDEX tasks_history_case ON tasks_history (case_id);

CREATE INDEX tasks_assigned ON tasks (assigned_at, case_id, row_key);
CREATE INDEX tasks_owed_by ON tasks (owed_by);
-- What is late: few of all.
CREATE INDEX tasks_open_due ON tasks (due) WHERE status = 'open';

CREATE TABLE returns (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    position_from bigint NOT NULL,
    request bigint NOT NULL,
    status text NOT NULL,
    returner text,
    requested_at timestamptz NOT NULL,
    requested_by text NOT NULL,
    reason bigint,
    decided_at timestamptz,
    decided_by text,
    charged_to text,
    flagged boolean NOT NULL,
    times bigint NOT NULL,
    bound_at timestamptz,
    bound_to text,
    CONSTRAINT returns_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE returns IS '退单台账';
COMMENT ON COLUMN returns.request IS '申请序号';
COMMENT ON COLUMN returns.status IS '退单状态';
COMMENT ON COLUMN returns.returner IS '退单单位';
COMMENT ON COLUMN returns.requested_at IS '申请时间';
COMMENT ON COLUMN returns.requested_by IS '申请人';
COMMENT ON COLUMN returns.reason IS '退单理由';
COMMENT ON COLUMN returns.decided_at IS '决定时间';
COMMENT ON COLUMN returns.decided_by IS '决定人';
COMMENT ON COLUMN returns.charged_to IS '时间计入单位';
COMMENT ON COLUMN returns.flagged IS '乒乓退件';
COMMENT ON COLUMN returns.times IS '两单位间第几次';
COMMENT ON COLUMN returns.bound_at IS '指定承办时间';
COMMENT ON COLUMN returns.bound_to IS '指定承办单位';
CREATE TABLE returns_history (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    ended_position bigint NOT NULL,
    position_from bigint NOT NULL,
    position_to bigint NOT NULL,
    request bigint NOT NULL,
    status text NOT NULL,
    returner text,
    requested_at timestamptz NOT NULL,
    requested_by text NOT NULL,
    reason bigint,
    decided_at timestamptz,
    decided_by text,
    charged_to text,
    flagged boolean NOT NULL,
    times bigint NOT NULL,
    bound_at timestamptz,
    bound_to text
);
COMMENT ON TABLE returns_history IS '退单台账的历史：被取代或被更正的每一行；各列同 returns';
CREATE TABLE returns_state (
    case_id uuid NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT returns_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE returns_state IS '退单台账续算所需的中间状态；不供查询';
CREATE INDEX returns_history_case ON returns_history (case_id);

CREATE INDEX returns_requested ON returns (requested_at, case_id, row_key);
CREATE INDEX returns_returner ON returns (returner);

CREATE TABLE supervision (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    position_from bigint NOT NULL,
    sort text NOT NULL,
    item bigint NOT NULL,
    level text,
    previous text,
    status text,
    supervised text,
    given_at timestamptz NOT NULL,
    latest_at timestamptz NOT NULL,
    times bigint NOT NULL,
    over_at timestamptz,
    responses bigint NOT NULL,
    responded_at timestamptz,
    reason bigint,
    instruction bigint,
    CONSTRAINT supervision_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE supervision IS '督办台账';
COMMENT ON COLUMN supervision.sort IS '督办种类';
COMMENT ON COLUMN supervision.item IS '序号';
COMMENT ON COLUMN supervision.level IS '督办级别';
COMMENT ON COLUMN supervision.previous IS '原级别';
COMMENT ON COLUMN supervision.status IS '督办状态';
COMMENT ON COLUMN supervision.supervised IS '被督办单位';
COMMENT ON COLUMN supervision.given_at IS '督办时间';
COMMENT ON COLUMN supervision.latest_at IS '最近时间';
COMMENT ON COLUMN supervision.times IS '次数';
COMMENT ON COLUMN supervision.responses IS '反馈次数';
COMMENT ON COLUMN supervision.responded_at IS '首次反馈时间';
COMMENT ON COLUMN supervision.over_at IS '解除或升级时间';
COMMENT ON COLUMN supervision.reason IS '督办要求';
COMMENT ON COLUMN supervision.instruction IS '批示内容';
CREATE TABLE supervision_history (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    ended_position bigint NOT NULL,
    position_from bigint NOT NULL,
    position_to bigint NOT NULL,
    sort text NOT NULL,
    item bigint NOT NULL,
    level text,
    previous text,
    status text,
    supervised text,
    given_at timestamptz NOT NULL,
    latest_at timestamptz NOT NULL,
    times bigint NOT NULL,
    over_at timestamptz,
    responses bigint NOT NULL,
    responded_at timestamptz,
    reason bigint,
    instruction bigint
);
COMMENT ON TABLE supervision_history IS '督办台账的历史：被取代或被更正的每一行；各列同 supervision';
CREATE TABLE supervision_state (
    case_id uuid NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT supervision_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE supervision_state IS '督办台账续算所需的中间状态；不供查询';
CREATE INDEX supervision_history_case ON supervision_history (case_id);

CREATE INDEX supervision_given ON supervision (given_at, case_id, row_key);
CREATE INDEX supervision_standing ON supervision (level) WHERE status = 'standing';

CREATE TABLE extensions (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    position_from bigint NOT NULL,
    request bigint NOT NULL,
    sort text NOT NULL,
    status text NOT NULL,
    applicant text,
    requested_at timestamptz NOT NULL,
    requested_by text NOT NULL,
    clock text,
    reason_code text,
    asked text,
    until timestamptz,
    decided_at timestamptz,
    decided_by text,
    granted text,
    used bigint,
    previous_due timestamptz,
    due timestamptz,
    paused_at timestamptz,
    resumed_at timestamptz,
    CONSTRAINT extensions_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE extensions IS '延期挂账台账';
COMMENT ON COLUMN extensions.request IS '申请序号';
COMMENT ON COLUMN extensions.sort IS '申请种类';
COMMENT ON COLUMN extensions.status IS '申请状态';
COMMENT ON COLUMN extensions.applicant IS '申请单位';
COMMENT ON COLUMN extensions.requested_at IS '申请时间';
COMMENT ON COLUMN extensions.requested_by IS '申请人';
COMMENT ON COLUMN extensions.clock IS '时限';
COMMENT ON COLUMN extensions.asked IS '申请延长';
COMMENT ON COLUMN extensions.granted IS '同意延长';
COMMENT ON COLUMN extensions.reason_code IS '挂账理由';
COMMENT ON COLUMN extensions.until IS '挂账至';
COMMENT ON COLUMN extensions.decided_at IS '决定时间';
COMMENT ON COLUMN extensions.decided_by IS '决定人';
COMMENT ON COLUMN extensions.used IS '第几次';
COMMENT ON COLUMN extensions.previous_due IS '原到期时间';
COMMENT ON COLUMN extensions.due IS '延期后到期时间';
COMMENT ON COLUMN extensions.paused_at IS '挂账时间';
COMMENT ON COLUMN extensions.resumed_at IS '恢复时间';
CREATE TABLE extensions_history (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    ended_position bigint NOT NULL,
    position_from bigint NOT NULL,
    position_to bigint NOT NULL,
    request bigint NOT NULL,
    sort text NOT NULL,
    status text NOT NULL,
    applicant text,
    requested_at timestamptz NOT NULL,
    requested_by text NOT NULL,
    clock text,
    reason_code text,
    asked text,
    until timestamptz,
    decided_at timestamptz,
    decided_by text,
    granted text,
    used bigint,
    previous_due timestamptz,
    due timestamptz,
    paused_at timestamptz,
    resumed_at timestamptz
);
COMMENT ON TABLE extensions_history IS '延期挂账台账的历史：被取代或被更正的每一行；各列同 extensions';
CREATE TABLE extensions_state (
    case_id uuid NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT extensions_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE extensions_state IS '延期挂账台账续算所需的中间状态；不供查询';
CREATE INDEX extensions_history_case ON extensions_history (case_id);

CREATE INDEX extensions_requested ON extensions (requested_at, case_id, row_key);
CREATE INDEX extensions_waiting ON extensions (applicant) WHERE status = 'requested';
