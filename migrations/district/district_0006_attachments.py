"""Attachments: what was uploaded, its sealed pieces, and who read it."""

from app.migrate import run_sql

revision = "district_0006_attachments"
down_revision = "district_0005_places"


def upgrade() -> None:
    run_sql(revision)
