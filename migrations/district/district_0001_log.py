"""The log: ledger row, facts, commands, sealed texts."""

from app.migrate import run_sql

revision = "district_0001_log"
down_revision = None


def upgrade() -> None:
    run_sql(revision)
