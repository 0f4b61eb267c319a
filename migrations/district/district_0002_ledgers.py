"""The ledgers cases and deadlines, and the list of quarantined cases."""

from app.migrate import run_sql

revision = "district_0002_ledgers"
down_revision = "district_0001_log"


def upgrade() -> None:
    run_sql(revision)
