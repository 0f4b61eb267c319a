"""Places: where cases are, in one reference system, to suggest duplicates by."""

from app.migrate import run_sql

revision = "district_0005_places"
down_revision = "district_0004_notices"


def upgrade() -> None:
    run_sql(revision)
