"""The registry of districts."""

from app.migrate import run_sql

revision = "public_0001_registry"
down_revision = None


def upgrade() -> None:
    run_sql(revision)
