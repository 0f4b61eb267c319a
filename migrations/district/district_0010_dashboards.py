"""Counters for dashboards, and the views for BI tools."""

from app.migrate import run_sql

revision = "district_0010_dashboards"
down_revision = "district_0009_accountability"


def upgrade() -> None:
    run_sql(revision)
