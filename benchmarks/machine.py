"""The machine a measurement ran on, as far as it explains the figures: no names, no dates."""

import os
import platform
from typing import Any

import psutil  # type: ignore[import-untyped]  # has no stubs of its own
import psycopg


def describe(dsn: str) -> dict[str, Any]:
    """Return cores, memory, Python and PostgreSQL, and the settings that decide durability."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        settings = {
            name: _show(connection, name)
            for name in ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        }
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "postgresql": settings.pop("server_version"),
        **settings,
    }


def _show(connection: psycopg.Connection[Any], name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return str(row[0]) if row else ""
