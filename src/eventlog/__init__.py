"""The append-only log of a district on PostgreSQL, and the runner that follows it."""
