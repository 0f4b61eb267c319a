"""What stands now, counted per unit, so that summaries read no rows."""

from app.migrate import run_sql

revision = "district_0014_stock"
down_revision = "district_0013_indicators"


def upgrade() -> None:
    run_sql(revision)
