"""Concerns, signed rankings, the conduct board."""

from app.migrate import run_sql

revision = "district_0012_boards"
down_revision = "district_0011_search"


def upgrade() -> None:
    run_sql(revision)
