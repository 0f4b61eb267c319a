-- What time will bring (计时点), the open clocks it belongs to, and what the worker could not do.
-- Run with search_path set to the district's schema.

CREATE TABLE open_clock (
    case_id          uuid NOT NULL,
    clock            text NOT NULL,
    scope            text NOT NULL,
    cycle            integer NOT NULL,
    sequence         integer NOT NULL,
    generation       integer NOT NULL,
    status           text NOT NULL,
    calendar         text NOT NULL,
    calendar_version text NOT NULL,
    due              timestamptz NOT NULL,
    CONSTRAINT open_clock_key PRIMARY KEY (case_id, clock, scope, cycle, sequence)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX open_clock_calendar ON open_clock (calendar);
COMMENT ON TABLE open_clock IS '计时中或暂停中的时限：每个一行；停止、取消后即删除';
COMMENT ON COLUMN open_clock.generation IS '到期时间变动一次加一';
COMMENT ON COLUMN open_clock.status IS 'running 计时中、paused 暂停中';

-- Rows come and go and are never updated: dead ones at the left end of the index are what every
-- claim would have to walk over, so they are cleared away early and at full speed.
CREATE TABLE timer (
    case_id    uuid NOT NULL,
    clock      text NOT NULL,
    scope      text NOT NULL,
    cycle      integer NOT NULL,
    sequence   integer NOT NULL,
    point      text NOT NULL,
    generation integer NOT NULL,
    at         timestamptz NOT NULL,
    CONSTRAINT timer_key PRIMARY KEY (case_id, clock, scope, cycle, sequence, point)
) WITH (
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.05
);
CREATE INDEX timer_at ON timer (at);
COMMENT ON TABLE timer IS '计时点：所有未停止时限的计划，每点一行（预警、超期、升级、自动恢复、签收期限）';
COMMENT ON COLUMN timer.point IS 'threshold:80%、breach、rung:2、resume:<理由>、acknowledge:<通知>';
COMMENT ON COLUMN timer.at IS '何时发生（区县时间）';

CREATE TABLE timer_incident (
    case_id  uuid NOT NULL,
    clock    text NOT NULL,
    scope    text NOT NULL,
    cycle    integer NOT NULL,
    sequence integer NOT NULL,
    point    text NOT NULL,
    at       timestamptz NOT NULL,
    attempts integer NOT NULL,
    since    timestamptz NOT NULL,
    retry_at timestamptz NOT NULL,
    error    text NOT NULL,
    CONSTRAINT timer_incident_key PRIMARY KEY (case_id, clock, scope, cycle, sequence, point)
) WITH (fillfactor = 70);
COMMENT ON TABLE timer_incident IS '未能处理的计时点：执行进程自己的状态，不由办理记录重建';
COMMENT ON COLUMN timer_incident.at IS '计时点的时间；时间变了，就不再是同一个异常';
COMMENT ON COLUMN timer_incident.attempts IS '已试次数';
COMMENT ON COLUMN timer_incident.since IS '第一次失败（实际时间）';
COMMENT ON COLUMN timer_incident.retry_at IS '何时再试（实际时间）';
