"""The peer of the timers: procrastinate's scheduled jobs, in PostgreSQL like ours.

One worker on one event loop, as its documentation has it for asynchronous tasks; a task inserts
one row, as long as one of our facts, through a psycopg pool.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import procrastinate
import psycopg
from procrastinate.jobs import JobDeferrer
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from benchmarks.measure import Watch

SCHEMA: Final = "procrastinate"
AT_ONCE: Final = 1000
"""How many jobs are stored by one statement."""
TABLE: Final = "CREATE TABLE fired (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)"
INSERT: Final = "INSERT INTO fired (body) VALUES (repeat('x', 800))"
CLEAR: Final = "TRUNCATE fired, procrastinate_jobs CASCADE"
COUNT: Final = """
    SELECT (SELECT count(*) FROM fired),
           (SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded')
"""


def within(dsn: str) -> str:
    """Return the address of the peer's own schema."""
    return make_conninfo(dsn, options=f"-c search_path={SCHEMA}")


async def prepare(dsn: str) -> None:
    """Make its schema, as it comes, and the table that the task writes to."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {SCHEMA}".encode())
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=within(dsn)))
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
    with psycopg.connect(within(dsn), autocommit=True) as connection:
        connection.execute(TABLE)


async def fired(dsn: str, jobs: int, *, concurrency: int) -> float:
    """Return how many jobs a second one worker runs that are all due already."""
    own, watch = within(dsn), Watch()
    _clear(own)
    connector = procrastinate.PsycopgConnector(
        conninfo=own, min_size=concurrency, max_size=concurrency + 4
    )
    app = procrastinate.App(connector=connector)
    pool = AsyncConnectionPool(
        own, kwargs={"autocommit": True}, min_size=concurrency, max_size=concurrency, open=False
    )

    @app.task(name="fire")
    async def fire(*, number: int) -> None:
        del number  # which clock it is about
        async with pool.connection() as connection:
            await connection.execute(INSERT)

    async with app.open_async(), pool:
        await _store(lambda at: fire.configure(schedule_at=at), jobs)
        _analyse(own)
        with watch.timed():
            await app.run_worker_async(
                concurrency=concurrency,
                wait=False,
                listen_notify=False,
                install_signal_handlers=False,
            )
    _assert_all(own, jobs)
    return jobs / watch.seconds


async def _store(scheduled: Callable[[datetime], JobDeferrer], jobs: int) -> None:
    began = datetime.now(UTC) - timedelta(seconds=jobs)
    for first in range(0, jobs, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, jobs))
        arguments: list[dict[str, Any]] = [{"number": number} for number in numbers]
        await scheduled(began + timedelta(seconds=first)).batch_defer_async(*arguments)


def _clear(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(CLEAR)


def _analyse(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE procrastinate_jobs, procrastinate_events, fired")


def _assert_all(dsn: str, jobs: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert connection.execute(COUNT).fetchone() == (jobs, jobs)
