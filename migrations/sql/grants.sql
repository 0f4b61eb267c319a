-- What the application's role bihuan_app may do in a district; run after every upgrade, so that a
-- role that an administrator creates later gets its rights too. Run with search_path set to the
-- district's schema. The facts can be added and read, never changed or removed.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bihuan_app') THEN
        CREATE ROLE bihuan_app NOLOGIN;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'no right to create the role bihuan_app: ask an administrator';
    WHEN duplicate_object OR unique_violation THEN
        NULL;  -- another database of this server was faster
END $$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bihuan_app') THEN
        RETURN;
    END IF;
    GRANT SELECT ON public.district TO bihuan_app;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO bihuan_app', current_schema());
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO bihuan_app',
                   current_schema());
    REVOKE UPDATE, DELETE, TRUNCATE ON event FROM bihuan_app;
    REVOKE UPDATE, DELETE, TRUNCATE ON attachment_read FROM bihuan_app;
    REVOKE INSERT, UPDATE, DELETE ON schema_revision FROM bihuan_app;
    REVOKE INSERT, DELETE ON ledger FROM bihuan_app;
END $$;
