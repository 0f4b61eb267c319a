-- Notices on their way to the channel (通知待送): an index of the log, and how sending them goes.
-- Run with search_path set to the district's schema.

-- What is said is the fact at `position`; who the receiver is stands nowhere but in the log.
CREATE TABLE delivery (
    case_id    uuid NOT NULL,
    notice     integer NOT NULL,
    position   bigint NOT NULL,
    issued_at  timestamptz NOT NULL,
    attempts   integer NOT NULL DEFAULT 0,
    next_at    timestamptz NOT NULL DEFAULT '1970-01-01 00:00:00+00',
    last_error text NOT NULL DEFAULT '',
    CONSTRAINT delivery_key PRIMARY KEY (case_id, notice)
) WITH (
    fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0
);
-- Also the order of sending: what was never tried comes first, in the order of issue.
CREATE INDEX delivery_next_at ON delivery (next_at, issued_at);
COMMENT ON TABLE delivery IS '待送达的通知：送达、放弃、签收后即删除；前四列由办理记录重建';
COMMENT ON COLUMN delivery.position IS '通知的办理记录在日志中的位点';
COMMENT ON COLUMN delivery.issued_at IS '何时发出（区县时间）';
COMMENT ON COLUMN delivery.attempts IS '已试次数；以下三列是执行进程自己的状态，重建时保留';
COMMENT ON COLUMN delivery.next_at IS '何时再试（实际时间）；正在送的，到此时仍无结果则重送';
COMMENT ON COLUMN delivery.last_error IS '上次失败的代码，如 timeout、http-500';
