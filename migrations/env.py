"""One alembic run: one schema, on the connection and in the transaction that app.migrate opened."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="schema_revision",
    version_table_schema=context.config.attributes["schema"],
)
context.run_migrations()
