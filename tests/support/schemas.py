"""What a schema holds, as text: to compare schemas that were made in different ways."""

from psycopg import Connection
from psycopg.rows import TupleRow

COLUMNS = """
    SELECT table_name, column_name, data_type, column_default, is_nullable
    FROM information_schema.columns WHERE table_schema = %s ORDER BY 1, 2
"""
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %s ORDER BY 1"
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = %s::regnamespace ORDER BY 1, 2
"""
TRIGGERS = """
    SELECT t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = %s::regnamespace AND NOT t.tgisinternal ORDER BY 1
"""
FUNCTIONS = """
    SELECT proname, pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = %s::regnamespace ORDER BY 1
"""
RIGHTS = """
    SELECT relname, reloptions::text, relacl::text FROM pg_class
    WHERE relnamespace = %s::regnamespace ORDER BY 1
"""


def dump(connection: Connection[TupleRow], schema: str) -> list[str]:
    """Return every column, index, constraint, trigger, function and right, without the name."""
    return [
        repr(row).replace(schema, "SCHEMA")
        for query in (COLUMNS, INDEXES, CONSTRAINTS, TRIGGERS, FUNCTIONS, RIGHTS)
        for row in connection.execute(query, (schema,))
    ]
