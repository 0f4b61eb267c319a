"""Notices: those that wait for the channel, with the state of the worker that sends them."""

from app.migrate import run_sql

revision = "district_0004_notices"
down_revision = "district_0003_timers"


def upgrade() -> None:
    run_sql(revision)
