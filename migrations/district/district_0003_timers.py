"""Timers: the plans of all open clocks, the open clocks themselves, and the worker's incidents."""

from app.migrate import run_sql

revision = "district_0003_timers"
down_revision = "district_0002_ledgers"


def upgrade() -> None:
    run_sql(revision)
