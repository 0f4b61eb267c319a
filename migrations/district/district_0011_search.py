"""The index that finds Chinese words, and what rebuilds keep."""

from app.migrate import run_sql

revision = "district_0011_search"
down_revision = "district_0010_dashboards"


def upgrade() -> None:
    run_sql(revision)
