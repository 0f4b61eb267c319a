"""The ledger of 四定三包."""

from app.migrate import run_sql

revision = "district_0009_accountability"
down_revision = "district_0008_office_ledgers"


def upgrade() -> None:
    run_sql(revision)
