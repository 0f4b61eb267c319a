"""Ledgers of the office: decisions, catalogue, directory, receipts."""

from app.migrate import run_sql

revision = "district_0008_office_ledgers"
down_revision = "district_0007_work_ledgers"


def upgrade() -> None:
    run_sql(revision)
