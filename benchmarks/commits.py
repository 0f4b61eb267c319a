"""The floor: single-row insert commits, by pgbench where it is installed, else by threads."""

import re
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

PGBENCH: Final = Path("/usr/lib/postgresql/15/bin/pgbench")
TABLE: Final = """
    DROP TABLE IF EXISTS public.bench_row;
    CREATE TABLE public.bench_row (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)
"""
# As many bytes as one of our facts has.
INSERT: Final = "INSERT INTO public.bench_row (body) VALUES (repeat('x', 800))"


def prepare(dsn: str) -> None:
    """Make the table."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(TABLE)


def peer() -> str:
    """Name what makes the commits here."""
    return "pgbench" if _pgbench() else "psycopg threads"


def commits(dsn: str, *, clients: int, seconds: float) -> float:
    """Return single-row insert commits per second."""
    program = _pgbench()
    if program is None:
        return _by_threads(dsn, clients, seconds)
    parts = conninfo_to_dict(dsn)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "insert.sql"
        script.write_text(INSERT + ";\n", encoding="ascii")
        command = [program, "-n", "-f", str(script), "-T", str(max(1, round(seconds)))]
        command += ["-c", str(clients), "-j", "2", "-M", "prepared"]
        command += ["-h", str(parts["host"]), "-U", str(parts["user"]), str(parts["dbname"])]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([0-9.]+)", told)
    assert found, told
    return float(found[1])


def _pgbench() -> str | None:
    return str(PGBENCH) if PGBENCH.exists() else shutil.which("pgbench")


def _by_threads(dsn: str, clients: int, seconds: float) -> float:
    until = time.perf_counter() + seconds

    def client(_: int) -> int:
        done = 0
        with psycopg.connect(dsn, autocommit=True) as connection:
            while time.perf_counter() < until:
                connection.execute(INSERT, prepare=True)
                done += 1
        return done

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(client, range(clients))) / seconds
