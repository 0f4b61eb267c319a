-- The ledgers `cases` and `deadlines`, three tables each: what is true now as known now; every row
-- that was replaced or taken back; and the state that the next fold needs. See
-- docs/decisions/0002-bitemporal-rows.md. Run with search_path set to the district's schema.

CREATE TABLE quarantine (
    name      text NOT NULL,
    stream_id uuid NOT NULL,
    position  bigint NOT NULL,
    error     text NOT NULL,
    PRIMARY KEY (name, stream_id)
);
COMMENT ON TABLE quarantine IS '各台账搁置的事项：从 position 起无法计入，该台账不再计入其后的办理记录';

CREATE TABLE cases (
    case_id       uuid NOT NULL,
    row_key       text NOT NULL,
    valid_from    timestamptz NOT NULL,
    position_from bigint NOT NULL,
    number        text NOT NULL,
    kind          text NOT NULL,
    kind_hash     text NOT NULL,
    stage         text NOT NULL,
    phase         text NOT NULL,
    severity      text,
    urgency       text,
    tier          text,
    category      text,
    place         text,
    holder        text,
    lead          text,
    accepted_by   text,
    visible_to    text[] NOT NULL,
    reported_at   timestamptz NOT NULL,
    closed_at     timestamptz,
    ended_at      timestamptz,
    outcome       text,
    cycle         integer NOT NULL,
    rework        integer NOT NULL,
    version       integer NOT NULL,
    source_system text,
    source_id     text,
    title         bigint,
    changed_at    timestamptz NOT NULL,
    CONSTRAINT cases_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE cases IS '事项台账：每个事项一行，现在的情况';
COMMENT ON COLUMN cases.valid_from IS '本行情况从何时起属实';
COMMENT ON COLUMN cases.position_from IS '本行从哪个位点起显示';
COMMENT ON COLUMN cases.number IS '编号';
COMMENT ON COLUMN cases.kind IS '事项类型';
COMMENT ON COLUMN cases.kind_hash IS '所依事项类型版本的内容散列';
COMMENT ON COLUMN cases.stage IS '环节';
COMMENT ON COLUMN cases.phase IS '阶段';
COMMENT ON COLUMN cases.severity IS '严重程度';
COMMENT ON COLUMN cases.urgency IS '紧急程度';
COMMENT ON COLUMN cases.tier IS '响应层级';
COMMENT ON COLUMN cases.category IS '类别';
COMMENT ON COLUMN cases.place IS '发生地（组织单元）';
COMMENT ON COLUMN cases.holder IS '当前承办单元';
COMMENT ON COLUMN cases.lead IS '牵头单位';
COMMENT ON COLUMN cases.accepted_by IS '受理单位';
COMMENT ON COLUMN cases.visible_to IS '可见范围：发生地、承办、牵头、受理、协办、知会、任务单元及其各级上级';
COMMENT ON COLUMN cases.reported_at IS '上报时间';
COMMENT ON COLUMN cases.closed_at IS '结案时间';
COMMENT ON COLUMN cases.ended_at IS '终结时间（结案、格内处理、不予受理、撤回）';
COMMENT ON COLUMN cases.outcome IS '办理结果';
COMMENT ON COLUMN cases.cycle IS '办理轮次';
COMMENT ON COLUMN cases.rework IS '本轮返工次数';
COMMENT ON COLUMN cases.version IS '办理记录版次';
COMMENT ON COLUMN cases.source_system IS '来源系统';
COMMENT ON COLUMN cases.source_id IS '来源编号';
COMMENT ON COLUMN cases.title IS '标题所在办理记录的位点（标题本身在保密库中）';
COMMENT ON COLUMN cases.changed_at IS '最近办理时间';

CREATE TABLE cases_history (
    case_id        uuid NOT NULL,
    row_key        text NOT NULL,
    valid_from     timestamptz NOT NULL,
    valid_to       timestamptz NOT NULL,
    ended_position bigint NOT NULL,
    position_from  bigint NOT NULL,
    position_to    bigint NOT NULL,
    number         text NOT NULL,
    kind           text NOT NULL,
    kind_hash      text NOT NULL,
    stage          text NOT NULL,
    phase          text NOT NULL,
    severity       text,
    urgency        text,
    tier           text,
    category       text,
    place          text,
    holder         text,
    lead           text,
    accepted_by    text,
    visible_to     text[] NOT NULL,
    reported_at    timestamptz NOT NULL,
    closed_at      timestamptz,
    ended_at       timestamptz,
    outcome        text,
    cycle          integer NOT NULL,
    rework         integer NOT NULL,
    version        integer NOT NULL,
    source_system  text,
    source_id      text,
    title          bigint,
    changed_at     timestamptz NOT NULL
);
COMMENT ON TABLE cases_history IS '事项台账的历史：被取代或被更正的每一行；各列同 cases';
COMMENT ON COLUMN cases_history.valid_to IS '本行情况到何时止（不含）；infinity 为未止即被更正';
COMMENT ON COLUMN cases_history.ended_position IS '从哪个位点起知道 valid_to';
COMMENT ON COLUMN cases_history.position_to IS '从哪个位点起被更正（不再显示）；最大值为从未';

CREATE TABLE cases_state (
    case_id uuid NOT NULL,
    state   bytea NOT NULL,
    CONSTRAINT cases_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE cases_state IS '事项台账续算所需的中间状态；不供查询';

CREATE INDEX cases_reported_at ON cases (reported_at, case_id, row_key);
CREATE INDEX cases_number ON cases (number);
CREATE INDEX cases_visible_to ON cases USING gin (visible_to);
CREATE INDEX cases_history_case ON cases_history (case_id);

CREATE TABLE deadlines (
    case_id          uuid NOT NULL,
    row_key          text NOT NULL,
    valid_from       timestamptz NOT NULL,
    position_from    bigint NOT NULL,
    clock            text NOT NULL,
    scope            text NOT NULL,
    cycle            integer NOT NULL,
    sequence         integer NOT NULL,
    total            boolean NOT NULL,
    started_at       timestamptz NOT NULL,
    budget           text NOT NULL,
    cutoff           text NOT NULL,
    calendar         text NOT NULL,
    calendar_version text NOT NULL,
    limit_origin     text NOT NULL,
    limit_by         text NOT NULL,
    due              timestamptz NOT NULL,
    provisional      boolean NOT NULL,
    answerable       text,
    changes          integer NOT NULL,
    status           text NOT NULL,
    light            text NOT NULL,
    paused_at        timestamptz,
    pauses           integer NOT NULL,
    short_pauses     integer NOT NULL,
    extensions       integer NOT NULL,
    extended         text NOT NULL,
    stopped_at       timestamptz,
    met              boolean,
    warned_at        timestamptz,
    warning          text,
    breached_at      timestamptz,
    breaches         integer NOT NULL,
    rung             integer NOT NULL,
    generation       integer NOT NULL,
    compressed       boolean NOT NULL,
    rescheduled      integer NOT NULL,
    previous_due     timestamptz,
    counted          boolean NOT NULL,
    holder           text,
    number           text NOT NULL,
    kind             text NOT NULL,
    category         text,
    visible_to       text[] NOT NULL,
    reported_at      timestamptz NOT NULL,
    ended_at         timestamptz,
    outcome          text,
    title            bigint,
    CONSTRAINT deadlines_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE deadlines IS '办结时限台账：每个时限一行，现在的情况';
COMMENT ON COLUMN deadlines.valid_from IS '本行情况从何时起属实';
COMMENT ON COLUMN deadlines.position_from IS '本行从哪个位点起显示';
COMMENT ON COLUMN deadlines.clock IS '时限名称';
COMMENT ON COLUMN deadlines.scope IS '所属任务或责任；空为事项本身';
COMMENT ON COLUMN deadlines.cycle IS '办理轮次';
COMMENT ON COLUMN deadlines.sequence IS '本轮第几次';
COMMENT ON COLUMN deadlines.total IS '是否总时限（从受理到核查办结）';
COMMENT ON COLUMN deadlines.started_at IS '起算时间';
COMMENT ON COLUMN deadlines.budget IS '时限长度';
COMMENT ON COLUMN deadlines.cutoff IS '日末规则';
COMMENT ON COLUMN deadlines.calendar IS '工作日历';
COMMENT ON COLUMN deadlines.calendar_version IS '日历版本';
COMMENT ON COLUMN deadlines.limit_origin IS '时限来源：kind 事项类型、source 来源系统、rework 返工';
COMMENT ON COLUMN deadlines.limit_by IS '时限依据：由事项的哪个值选定；空为默认';
COMMENT ON COLUMN deadlines.due IS '到期时间';
COMMENT ON COLUMN deadlines.provisional IS '所依日历尚未公布';
COMMENT ON COLUMN deadlines.answerable IS '责任单位：超期的为当时的责任单位，否则为时限所约束的单位';
COMMENT ON COLUMN deadlines.changes IS '改变本行的办理记录条数';
COMMENT ON COLUMN deadlines.status IS '计时状态：running 计时中、paused 暂停中、stopped 已停止、cancelled 已取消';
COMMENT ON COLUMN deadlines.light IS '红黄绿灯，只凭办理记录：red 已超期、yellow 已预警、green 其他';
COMMENT ON COLUMN deadlines.paused_at IS '从何时起暂停；空为不在暂停中';
COMMENT ON COLUMN deadlines.pauses IS '暂停次数';
COMMENT ON COLUMN deadlines.short_pauses IS '短暂停次数（不足两个工作小时却跨过日末），供核查';
COMMENT ON COLUMN deadlines.extensions IS '计入的延期次数';
COMMENT ON COLUMN deadlines.extended IS '计入的延期长度，按批准次序';
COMMENT ON COLUMN deadlines.stopped_at IS '停止或取消时间';
COMMENT ON COLUMN deadlines.met IS '是否按期（停止时间不晚于到期时间）';
COMMENT ON COLUMN deadlines.warned_at IS '到达预警线的时间；到期时间推后、预警线又在前头时为空';
COMMENT ON COLUMN deadlines.warning IS '最近到达的预警线';
COMMENT ON COLUMN deadlines.breached_at IS '超期时间（即当时的到期时间）';
COMMENT ON COLUMN deadlines.breaches IS '记录过的超期次数，含已撤销、失效、作废的';
COMMENT ON COLUMN deadlines.rung IS '到达的最高升级级别；0 为没有';
COMMENT ON COLUMN deadlines.generation IS '到期时间的版次：每变动一次加一';
COMMENT ON COLUMN deadlines.compressed IS '到期时间由缓冲期得出：改严后所剩不足缓冲期';
COMMENT ON COLUMN deadlines.rescheduled IS '时限变更次数';
COMMENT ON COLUMN deadlines.previous_due IS '最近一次变更或恢复计时前的到期时间';
COMMENT ON COLUMN deadlines.counted IS '是否计入汇总：最近一轮的总时限';
COMMENT ON COLUMN deadlines.holder IS '承办单元；环节时限停止后为停止时的承办单元';
COMMENT ON COLUMN deadlines.number IS '编号';
COMMENT ON COLUMN deadlines.kind IS '事项类型';
COMMENT ON COLUMN deadlines.category IS '类别';
COMMENT ON COLUMN deadlines.visible_to IS '可见范围：同事项台账';
COMMENT ON COLUMN deadlines.reported_at IS '上报时间';
COMMENT ON COLUMN deadlines.ended_at IS '事项终结时间';
COMMENT ON COLUMN deadlines.outcome IS '事项办理结果';
COMMENT ON COLUMN deadlines.title IS '标题所在办理记录的位点（标题本身在保密库中）';

CREATE TABLE deadlines_history (
    case_id          uuid NOT NULL,
    row_key          text NOT NULL,
    valid_from       timestamptz NOT NULL,
    valid_to         timestamptz NOT NULL,
    ended_position   bigint NOT NULL,
    position_from    bigint NOT NULL,
    position_to      bigint NOT NULL,
    clock            text NOT NULL,
    scope            text NOT NULL,
    cycle            integer NOT NULL,
    sequence         integer NOT NULL,
    total            boolean NOT NULL,
    started_at       timestamptz NOT NULL,
    budget           text NOT NULL,
    cutoff           text NOT NULL,
    calendar         text NOT NULL,
    calendar_version text NOT NULL,
    limit_origin     text NOT NULL,
    limit_by         text NOT NULL,
    due              timestamptz NOT NULL,
    provisional      boolean NOT NULL,
    answerable       text,
    changes          integer NOT NULL,
    status           text NOT NULL,
    light            text NOT NULL,
    paused_at        timestamptz,
    pauses           integer NOT NULL,
    short_pauses     integer NOT NULL,
    extensions       integer NOT NULL,
    extended         text NOT NULL,
    stopped_at       timestamptz,
    met              boolean,
    warned_at        timestamptz,
    warning          text,
    breached_at      timestamptz,
    breaches         integer NOT NULL,
    rung             integer NOT NULL,
    generation       integer NOT NULL,
    compressed       boolean NOT NULL,
    rescheduled      integer NOT NULL,
    previous_due     timestamptz,
    counted          boolean NOT NULL,
    holder           text,
    number           text NOT NULL,
    kind             text NOT NULL,
    category         text,
    visible_to       text[] NOT NULL,
    reported_at      timestamptz NOT NULL,
    ended_at         timestamptz,
    outcome          text,
    title            bigint
);
COMMENT ON TABLE deadlines_history IS '办结时限台账的历史：被取代或被更正的每一行；各列同 deadlines';
COMMENT ON COLUMN deadlines_history.valid_to IS '本行情况到何时止（不含）；infinity 为未止即被更正';
COMMENT ON COLUMN deadlines_history.ended_position IS '从哪个位点起知道 valid_to';
COMMENT ON COLUMN deadlines_history.position_to IS '从哪个位点起被更正（不再显示）；最大值为从未';

CREATE TABLE deadlines_state (
    case_id uuid NOT NULL,
    state   bytea NOT NULL,
    CONSTRAINT deadlines_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE deadlines_state IS '办结时限台账续算所需的中间状态；不供查询';

CREATE INDEX deadlines_due ON deadlines (due, case_id, row_key);
CREATE INDEX deadlines_visible_to ON deadlines USING gin (visible_to);
CREATE INDEX deadlines_history_case ON deadlines_history (case_id);
