"""Ledgers of work: tasks, returns, supervision, extensions."""

from app.migrate import run_sql

revision = "district_0007_work_ledgers"
down_revision = "district_0006_attachments"


def upgrade() -> None:
    run_sql(revision)
