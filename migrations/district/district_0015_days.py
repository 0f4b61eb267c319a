"""What was counted on each day, per unit and nothing else, so that units are compared at once."""

from app.migrate import run_sql

revision = "district_0015_days"
down_revision = "district_0014_stock"


def upgrade() -> None:
    run_sql(revision)
