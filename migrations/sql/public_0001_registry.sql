-- Which districts this database holds. Run with search_path set to public.

CREATE TABLE district (
    id         text PRIMARY KEY CHECK (id ~ '^[0-9]{6}[a-z0-9]{0,6}$'),
    schema     text NOT NULL UNIQUE,
    revision   text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE district IS 'One row a district (区县): the schema that holds all of it, and the revision of its tables.';
