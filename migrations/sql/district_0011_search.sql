-- The index that finds Chinese words, and what rebuilds keep.
-- Run with search_path set to the district's schema.

ALTER TABLE checkpoint
    ADD COLUMN batches bigint NOT NULL DEFAULT 0,
    ADD COLUMN pace integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN checkpoint.batches IS '已处理的批次数';
COMMENT ON COLUMN checkpoint.pace IS '最近一个可计时批次的速度：每秒办理记录数';
ALTER TABLE checkpoint ADD COLUMN compared jsonb;
COMMENT ON COLUMN checkpoint.compared IS '最近一次重建：与原台账在同一位点比较的结果';

-- Which cases may contain a word: keyed hashes of pieces of their numbers and titles. Whoever reads
-- this table without the district's key learns how often equal pieces occur, and no piece.
CREATE TABLE search (
    case_id  uuid NOT NULL,
    position bigint NOT NULL,
    field    text NOT NULL,
    subject  text NOT NULL,
    grams    integer[] NOT NULL,
    CONSTRAINT search_key PRIMARY KEY (case_id, position, field)
);
CREATE INDEX search_grams ON search USING gin (grams);
COMMENT ON TABLE search IS '查找索引：编号、标题各片段的加密散列；不含原文，由办理记录重建';
COMMENT ON COLUMN search.position IS '文字所在的办理记录的位点';
COMMENT ON COLUMN search.field IS 'number 编号，title 标题';
COMMENT ON COLUMN search.subject IS '标题属于谁的个人信息；其密钥销毁时本行随即删除';
COMMENT ON COLUMN search.grams IS '各片段的散列（HMAC-SHA256 前四字节，密钥由主密钥导出）';

-- Whoever destroys a key, by whatever way: what it sealed cannot be found any more either.
CREATE FUNCTION forget_searched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DELETE FROM %I.search WHERE case_id = $1 AND subject = $2', TG_TABLE_SCHEMA)
        USING OLD.stream_id, OLD.subject;
    RETURN NULL;
END $$;
CREATE TRIGGER subject_key_forgotten AFTER UPDATE OF wrapped ON subject_key
    FOR EACH ROW WHEN (NEW.wrapped IS NULL) EXECUTE FUNCTION forget_searched();
CREATE TRIGGER subject_key_removed AFTER DELETE ON subject_key
    FOR EACH ROW EXECUTE FUNCTION forget_searched();
