"""What indicators count: one row of measures a case."""

from app.migrate import run_sql

revision = "district_0013_indicators"
down_revision = "district_0012_boards"


def upgrade() -> None:
    run_sql(revision)
