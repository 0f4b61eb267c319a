-- The log of a district: one counter row, the facts, the commands that wrote them, sealed texts.
-- Run with search_path set to the district's schema. PostgreSQL 15 and newer, no extension.

CREATE TABLE ledger (
    one              boolean PRIMARY KEY DEFAULT true CHECK (one),
    position         bigint NOT NULL DEFAULT 0,
    reference_head   bigint NOT NULL DEFAULT 0,
    last_recorded_at timestamptz NOT NULL DEFAULT '2000-01-01T00:00:00Z',
    chain            bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex')
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
INSERT INTO ledger DEFAULT VALUES;
COMMENT ON TABLE ledger IS 'One row, locked by every append: the last position, its time, the chain over all leaves. reference_head is the last position that is not a case fact.';

CREATE TABLE event (
    position       bigint PRIMARY KEY,
    stream_id      uuid NOT NULL,
    stream_version integer NOT NULL CHECK (stream_version >= 0),
    event_id       uuid NOT NULL UNIQUE,
    command_id     uuid NOT NULL,
    stream_type    text NOT NULL,
    type           text NOT NULL,
    schema_version smallint NOT NULL,
    recorded_at    timestamptz NOT NULL,
    occurred_at    timestamptz NOT NULL,
    body           bytea NOT NULL,
    leaf           bytea NOT NULL,
    UNIQUE (stream_id, stream_version)
);
ALTER TABLE event ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX event_reference ON event (position) WHERE stream_type <> 'case';
CREATE INDEX event_recorded_at ON event (recorded_at);
COMMENT ON TABLE event IS 'The facts (办理记录). Insert only. body is the exact byte string that is hashed and shown to auditors.';

CREATE TABLE command (
    client         text NOT NULL,
    key            text NOT NULL,
    request        bytea NOT NULL,
    command_id     uuid NOT NULL,
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (client, key)
);
CREATE INDEX command_recorded_at ON command (recorded_at);
COMMENT ON TABLE command IS 'One row an append: which request wrote which positions. Kept 90 days.';

CREATE TABLE subject_key (
    key_id     uuid PRIMARY KEY,
    stream_id  uuid NOT NULL,
    subject    text NOT NULL,
    wrapped    bytea,
    UNIQUE (stream_id, subject)
);
COMMENT ON TABLE subject_key IS 'One wrapped data key per (stream, subject). wrapped is NULL once erased.';

CREATE TABLE personal (
    position   bigint NOT NULL,
    field      text NOT NULL,
    key_id     uuid NOT NULL,
    ciphertext bytea NOT NULL,
    PRIMARY KEY (position, field)
);
COMMENT ON TABLE personal IS 'Sealed texts of facts, by position and field.';

CREATE TABLE checkpoint (
    name        text PRIMARY KEY,
    position    bigint NOT NULL DEFAULT 0,
    fingerprint text NOT NULL DEFAULT '',
    state       text NOT NULL DEFAULT 'live',
    detail      text NOT NULL DEFAULT '',
    updated_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE checkpoint IS 'How far each ledger has followed the log; state is live, halted or building.';

CREATE TABLE number_block (
    year smallint PRIMARY KEY,
    next bigint NOT NULL DEFAULT 1
);
COMMENT ON TABLE number_block IS 'Case numbers are given out in blocks; gaps are allowed.';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the event log is insert only (%)', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER event_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Append a batch of requests in one transaction. A batch holds at most one request per
-- (client, key) and per stream; the appender sees to that.
--   r_*  one element a request; r_at is the appender's clock
--   e_*  one element a fact, in order; e_request is the 1-based number of its request
--   p_*  one element a sealed text; p_event is the 1-based number of its fact
-- Returns one row a request: outcome stored, conflict (a stream is not at the expected version;
-- position = current version of the first such stream), replayed (position = as first stored)
-- or reused (the key stands for another request).
CREATE FUNCTION append(
    r_client text[], r_key text[], r_request bytea[], r_command uuid[], r_at timestamptz[],
    e_request int[], e_stream uuid[], e_version int[], e_id uuid[], e_stream_type text[],
    e_type text[], e_schema smallint[], e_occurred timestamptz[], e_body bytea[],
    p_event int[], p_field text[], p_key uuid[], p_ciphertext bytea[]
) RETURNS TABLE (
    outcome text, first_position bigint, last_position bigint, recorded_at timestamptz,
    reference_head bigint
) LANGUAGE plpgsql
-- A plan made while the tables were small lives as long as its connection; without this it would
-- read whole tables on every append until the next ANALYZE (measured: 4 ms more at 14,000 facts).
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    head         ledger%ROWTYPE;
    requests     int := cardinality(r_key);
    events       int := cardinality(e_id);
    outcomes     text[] := array_fill('stored'::text, ARRAY[requests]);
    firsts       bigint[] := array_fill(NULL::bigint, ARRAY[requests]);
    lasts        bigint[] := array_fill(NULL::bigint, ARRAY[requests]);
    times        timestamptz[] := array_fill(NULL::timestamptz, ARRAY[requests]);
    positions    bigint[] := array_fill(NULL::bigint, ARRAY[events]);
    leaves       bytea[] := array_fill(NULL::bytea, ARRAY[events]);
    stored_any   boolean := false;
    i            int;
    r            int;
    known        record;
    stamp        timestamptz;
BEGIN
    -- The lock comes first, in a statement of its own: the checks below must see what was
    -- committed while we waited.
    SELECT * INTO head FROM ledger FOR UPDATE;

    FOR known IN
        SELECT w.n, c.request = w.request AS same, c.first_position, c.last_position, c.recorded_at
        FROM unnest(r_client, r_key, r_request) WITH ORDINALITY AS w (client, key, request, n)
        JOIN command c ON c.client = w.client AND c.key = w.key
    LOOP
        outcomes[known.n] := CASE WHEN known.same THEN 'replayed' ELSE 'reused' END;
        firsts[known.n] := known.first_position;
        lasts[known.n] := known.last_position;
        times[known.n] := known.recorded_at;
    END LOOP;

    FOR known IN
        SELECT w.request, min(w.version) - 1 AS expected, coalesce(h.version, 0) AS current
        FROM unnest(e_request, e_stream, e_version) AS w (request, stream, version)
        LEFT JOIN LATERAL (
            SELECT e.stream_version AS version FROM event e
            WHERE e.stream_id = w.stream ORDER BY e.stream_version DESC LIMIT 1
        ) h ON true
        GROUP BY w.request, w.stream, h.version
        -- A new stream is one without rows: ours begin at 1, the library's may begin at 0.
        HAVING min(w.version) - 1 <> coalesce(h.version, least(min(w.version) - 1, 0))
    LOOP
        IF outcomes[known.request] = 'stored' THEN
            outcomes[known.request] := 'conflict';
            lasts[known.request] := known.current;
        END IF;
    END LOOP;

    FOR i IN 1 .. events LOOP
        r := e_request[i];
        CONTINUE WHEN outcomes[r] <> 'stored';
        IF times[r] IS NULL THEN
            stamp := greatest(head.last_recorded_at + interval '1 microsecond', r_at[r]);
            head.last_recorded_at := stamp;
            times[r] := stamp;
            firsts[r] := head.position + 1;
        END IF;
        head.position := head.position + 1;
        lasts[r] := head.position;
        positions[i] := head.position;
        leaves[i] := sha256('\x00'::bytea || int8send(head.position)
            || int8send((extract(epoch FROM stamp) * 1000000)::bigint) || e_body[i]);
        head.chain := sha256(head.chain || leaves[i]);
        IF e_stream_type[i] <> 'case' THEN
            head.reference_head := head.position;
        END IF;
        stored_any := true;
    END LOOP;

    IF stored_any THEN
        INSERT INTO event (position, stream_id, stream_version, event_id, command_id, stream_type,
                           type, schema_version, recorded_at, occurred_at, body, leaf)
        SELECT w.position, w.stream, w.version, w.id, r_command[w.request], w.stream_type, w.type,
               w.schema, times[w.request], w.occurred, w.body, w.leaf
        FROM unnest(positions, e_request, e_stream, e_version, e_id, e_stream_type, e_type,
                    e_schema, e_occurred, e_body, leaves)
             AS w (position, request, stream, version, id, stream_type, type, schema, occurred,
                   body, leaf)
        WHERE w.position IS NOT NULL;

        INSERT INTO personal (position, field, key_id, ciphertext)
        SELECT positions[w.event], w.field, w.key, w.ciphertext
        FROM unnest(p_event, p_field, p_key, p_ciphertext) AS w (event, field, key, ciphertext)
        WHERE positions[w.event] IS NOT NULL;

        INSERT INTO command (client, key, request, command_id, first_position, last_position,
                             recorded_at)
        SELECT w.client, w.key, w.request, w.command, firsts[w.n], lasts[w.n], times[w.n]
        FROM unnest(r_client, r_key, r_request, r_command) WITH ORDINALITY
             AS w (client, key, request, command, n)
        WHERE outcomes[w.n] = 'stored';

        UPDATE ledger SET position = head.position, last_recorded_at = head.last_recorded_at,
                          chain = head.chain, reference_head = head.reference_head;
    END IF;

    RETURN QUERY SELECT w.outcome, w.first, w.last, w.recorded_at, head.reference_head
        FROM unnest(outcomes, firsts, lasts, times) AS w (outcome, first, last, recorded_at);
END $$;
