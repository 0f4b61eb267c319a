-- Ledgers of the office: decisions, catalogue, directory, receipts.
-- Run with search_path set to the district's schema.

CREATE TABLE decisions (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    position_from bigint NOT NULL,
    sort text NOT NULL,
    item bigint NOT NULL,
    status text NOT NULL,
    held_at timestamptz NOT NULL,
    step text,
    body text,
    eligible bigint,
    present bigint,
    in_favour bigint,
    quorum text,
    majority text,
    majority_of text,
    since date,
    until date,
    over_at timestamptz,
    signatures bigint,
    minutes bigint,
    resolution bigint,
    CONSTRAINT decisions_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE decisions IS '议事台账';
COMMENT ON COLUMN decisions.sort IS '议事种类';
COMMENT ON COLUMN decisions.item IS '序号';
COMMENT ON COLUMN decisions.step IS '议事环节';
COMMENT ON COLUMN decisions.status IS '议事状态';
COMMENT ON COLUMN decisions.held_at IS '议事时间';
COMMENT ON COLUMN decisions.body IS '表决主体';
COMMENT ON COLUMN decisions.eligible IS '应到人数';
COMMENT ON COLUMN decisions.present IS '到会人数';
COMMENT ON COLUMN decisions.in_favour IS '赞成人数';
COMMENT ON COLUMN decisions.quorum IS '到会要求';
COMMENT ON COLUMN decisions.majority IS '赞成要求';
COMMENT ON COLUMN decisions.majority_of IS '赞成基数';
COMMENT ON COLUMN decisions.since IS '公示自';
COMMENT ON COLUMN decisions.until IS '公示至';
COMMENT ON COLUMN decisions.over_at IS '结束或答复时间';
COMMENT ON COLUMN decisions.signatures IS '签名户数';
COMMENT ON COLUMN decisions.minutes IS '会议记录';
COMMENT ON COLUMN decisions.resolution IS '决议';
CREATE TABLE decisions_history (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    ended_position bigint NOT NULL,
    position_from bigint NOT NULL,
    position_to bigint NOT NULL,
    sort text NOT NULL,
    item bigint NOT NULL,
    status text NOT NULL,
    held_at timestamptz NOT NULL,
    step text,
    body text,
    eligible bigint,
    present bigint,
    in_favour bigint,
    quorum text,
    majority text,
    majority_of text,
    since date,
    until date,
    over_at timestamptz,
    signatures bigint,
    minutes bigint,
    resolution bigint
);
COMMENT ON TABLE decisions_history IS '议事台账的历史：被取代或被更正的每一行；各列同 decisions';
CREATE TABLE decisions_state (
    case_id uuid NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT decisions_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE decisions_state IS '议事台账续算所需的中间状态；不供查询';
CREATE INDEX decisions_history_case ON decisions_history (case_id);

CREATE INDEX decisions_held ON decisions (held_at, case_id, row_key);

CREATE TABLE catalogue (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    position_from bigint NOT NULL,
    sort text NOT NULL,
    code text NOT NULL,
    status text NOT NULL,
    changed_at timestamptz NOT NULL,
    name text,
    version text,
    department text,
    people bigint,
    money bigint,
    admitted_since date,
    adjusted_since date,
    adjustments bigint NOT NULL,
    exited_since date,
    decided_in text,
    entries bigint,
    conditions bigint,
    CONSTRAINT catalogue_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE catalogue IS '事项清单';
COMMENT ON COLUMN catalogue.sort IS '种类';
COMMENT ON COLUMN catalogue.code IS '编码';
COMMENT ON COLUMN catalogue.name IS '名称';
COMMENT ON COLUMN catalogue.version IS '版本';
COMMENT ON COLUMN catalogue.status IS '状态';
COMMENT ON COLUMN catalogue.department IS '责任部门';
COMMENT ON COLUMN catalogue.people IS '人随事走（人）';
COMMENT ON COLUMN catalogue.money IS '费随事转（元/年）';
COMMENT ON COLUMN catalogue.admitted_since IS '准入自';
COMMENT ON COLUMN catalogue.adjusted_since IS '调整自';
COMMENT ON COLUMN catalogue.adjustments IS '调整次数';
COMMENT ON COLUMN catalogue.exited_since IS '退出自';
COMMENT ON COLUMN catalogue.entries IS '条目数';
COMMENT ON COLUMN catalogue.conditions IS '立案条件数';
COMMENT ON COLUMN catalogue.decided_in IS '决定所在事项';
COMMENT ON COLUMN catalogue.changed_at IS '最近变更时间';
CREATE TABLE catalogue_history (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    ended_position bigint NOT NULL,
    position_from bigint NOT NULL,
    position_to bigint NOT NULL,
    sort text NOT NULL,
    code text NOT NULL,
    status text NOT NULL,
    changed_at timestamptz NOT NULL,
    name text,
    version text,
    department text,
    people bigint,
    money bigint,
    admitted_since date,
    adjusted_since date,
    adjustments bigint NOT NULL,
    exited_since date,
    decided_in text,
    entries bigint,
    conditions bigint
);
COMMENT ON TABLE catalogue_history IS '事项清单的历史：被取代或被更正的每一行；各列同 catalogue';
CREATE TABLE catalogue_state (
    case_id uuid NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT catalogue_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE catalogue_state IS '事项清单续算所需的中间状态；不供查询';
CREATE INDEX catalogue_history_case ON catalogue_history (case_id);

CREATE INDEX catalogue_code ON catalogue (code, case_id, row_key);

CREATE TABLE directory (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    position_from bigint NOT NULL,
    sort text NOT NULL,
    unit text,
    code text,
    name text,
    level text,
    parent text,
    post text,
    role text,
    person text,
    relation text,
    other text,
    since date,
    until date,
    carried_out boolean,
    changed_at timestamptz NOT NULL,
    visible_to text[] NOT NULL,
    CONSTRAINT directory_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE directory IS '组织台账';
COMMENT ON COLUMN directory.sort IS '种类';
COMMENT ON COLUMN directory.unit IS '单元';
COMMENT ON COLUMN directory.code IS '编码';
COMMENT ON COLUMN directory.name IS '名称';
COMMENT ON COLUMN directory.level IS '层级';
COMMENT ON COLUMN directory.parent IS '上级单元';
COMMENT ON COLUMN directory.post IS '岗位';
COMMENT ON COLUMN directory.role IS '岗位角色';
COMMENT ON COLUMN directory.person IS '人员';
COMMENT ON COLUMN directory.relation IS '关系';
COMMENT ON COLUMN directory.other IS '关系单元';
COMMENT ON COLUMN directory.since IS '自';
COMMENT ON COLUMN directory.until IS '至（不含）';
COMMENT ON COLUMN directory.carried_out IS '已执行';
COMMENT ON COLUMN directory.changed_at IS '最近变更时间';
CREATE TABLE directory_history (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    ended_position bigint NOT NULL,
    position_from bigint NOT NULL,
    position_to bigint NOT NULL,
    sort text NOT NULL,
    unit text,
    code text,
    name text,
    level text,
    parent text,
    post text,
    role text,
    person text,
    relation text,
    other text,
    since date,
    until date,
    carried_out boolean,
    changed_at timestamptz NOT NULL,
    visible_to text[] NOT NULL
);
COMMENT ON TABLE directory_history IS '组织台账的历史：被取代或被更正的每一行；各列同 directory';
CREATE TABLE directory_state (
    case_id uuid NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT directory_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE directory_state IS '组织台账续算所需的中间状态；不供查询';
CREATE INDEX directory_history_case ON directory_history (case_id);

CREATE INDEX directory_changed ON directory (changed_at, case_id, row_key);
CREATE INDEX directory_visible ON directory USING gin (visible_to);
CREATE INDEX directory_post ON directory (post);
CREATE INDEX directory_person ON directory (person);

CREATE TABLE receipts (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    position_from bigint NOT NULL,
    notice bigint NOT NULL,
    sort text NOT NULL,
    cause text NOT NULL,
    step text NOT NULL,
    clock text,
    role text NOT NULL,
    recipient text,
    post text,
    person text,
    vacancies bigint NOT NULL,
    issued_at timestamptz NOT NULL,
    acknowledge_by timestamptz,
    instead_of bigint,
    status text NOT NULL,
    channel text,
    attempts bigint NOT NULL,
    arrived_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    acted boolean,
    missed_at timestamptz,
    diverted boolean NOT NULL,
    CONSTRAINT receipts_key PRIMARY KEY (case_id, row_key)
);
COMMENT ON TABLE receipts IS '通知签收台账';
COMMENT ON COLUMN receipts.notice IS '通知序号';
COMMENT ON COLUMN receipts.sort IS '通知种类';
COMMENT ON COLUMN receipts.cause IS '事由';
COMMENT ON COLUMN receipts.step IS '要求或操作';
COMMENT ON COLUMN receipts.clock IS '时限';
COMMENT ON COLUMN receipts.role IS '通知对象';
COMMENT ON COLUMN receipts.recipient IS '接收单位';
COMMENT ON COLUMN receipts.post IS '接收岗位';
COMMENT ON COLUMN receipts.person IS '接收人';
COMMENT ON COLUMN receipts.vacancies IS '越过的缺位岗位数';
COMMENT ON COLUMN receipts.issued_at IS '通知时间';
COMMENT ON COLUMN receipts.status IS '送达状态';
COMMENT ON COLUMN receipts.channel IS '渠道';
COMMENT ON COLUMN receipts.attempts IS '发送次数';
COMMENT ON COLUMN receipts.arrived_at IS '送达或放弃时间';
COMMENT ON COLUMN receipts.acknowledge_by IS '应签收时间';
COMMENT ON COLUMN receipts.acknowledged_at IS '签收时间';
COMMENT ON COLUMN receipts.acknowledged_by IS '签收人';
COMMENT ON COLUMN receipts.acted IS '办理即签收';
COMMENT ON COLUMN receipts.missed_at IS '逾期未签收时间';
COMMENT ON COLUMN receipts.instead_of IS '代替的通知';
COMMENT ON COLUMN receipts.diverted IS '改送';
CREATE TABLE receipts_history (
    case_id uuid NOT NULL,
    row_key text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    ended_position bigint NOT NULL,
    position_from bigint NOT NULL,
    position_to bigint NOT NULL,
    notice bigint NOT NULL,
    sort text NOT NULL,
    cause text NOT NULL,
    step text NOT NULL,
    clock text,
    role text NOT NULL,
    recipient text,
    post text,
    person text,
    vacancies bigint NOT NULL,
    issued_at timestamptz NOT NULL,
    acknowledge_by timestamptz,
    instead_of bigint,
    status text NOT NULL,
    channel text,
    attempts bigint NOT NULL,
    arrived_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    acted boolean,
    missed_at timestamptz,
    diverted boolean NOT NULL
);
COMMENT ON TABLE receipts_history IS '通知签收台账的历史：被取代或被更正的每一行；各列同 receipts';
CREATE TABLE receipts_state (
    case_id uuid NOT NULL,
    state bytea NOT NULL,
    CONSTRAINT receipts_state_key PRIMARY KEY (case_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE receipts_state IS '通知签收台账续算所需的中间状态；不供查询';
CREATE INDEX receipts_history_case ON receipts_history (case_id);

CREATE INDEX receipts_issued ON receipts (issued_at, case_id, row_key);
CREATE INDEX receipts_recipient ON receipts (recipient);
CREATE INDEX receipts_person ON receipts (person) WHERE person IS NOT NULL;
-- What somebody still has to sign for: few of all.
CREATE INDEX receipts_unsigned ON receipts (acknowledge_by)
    WHERE acknowledge_by IS NOT NULL AND acknowledged_at IS NULL;
