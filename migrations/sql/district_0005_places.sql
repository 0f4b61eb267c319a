-- Where cases are (事项位置), to suggest duplicates by: an index of the log, one row a case with a
-- location. Run with search_path set to the district's schema.

-- What else a case is (kind, category, who sees it, whether it is open) stands in the ledger `cases`.
CREATE TABLE place (
    case_id     uuid NOT NULL,
    longitude   integer NOT NULL,
    latitude    integer NOT NULL,
    reported_at timestamptz NOT NULL,
    CONSTRAINT place_key PRIMARY KEY (case_id)
);
CREATE INDEX place_near ON place (latitude, longitude, reported_at);
COMMENT ON TABLE place IS '事项位置，用于查找重复件；由办理记录重建';
COMMENT ON COLUMN place.longitude IS '经度，换算为 WGS-84，单位 1e-7 度（原坐标在办理记录中）';
COMMENT ON COLUMN place.latitude IS '纬度，同上';
COMMENT ON COLUMN place.reported_at IS '上报时间';

CREATE INDEX cases_source_id ON cases (source_id);
