"""The peer of the API: bare FastAPI endpoints that insert one row with psycopg.

`python -m benchmarks.bare PORT DSN`, with the settings that `bihuan serve` gives to uvicorn.
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from pydantic import BaseModel

CONNECTIONS: Final = 40
"""As many as FastAPI has threads."""
TABLE: Final = """
    DROP TABLE IF EXISTS public.bare_row;
    CREATE TABLE public.bare_row (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, category text, body text)
"""
INSERT: Final = """
    INSERT INTO public.bare_row (category, body) VALUES (%s, repeat('x', 800)) RETURNING id
"""


class Data(BaseModel):
    """What an action carries."""

    category: str


class Asked(BaseModel):
    """The body of an action."""

    data: Data


def create_app(dsn: str) -> FastAPI:
    """Return an application with one plain endpoint and one on the event loop."""
    threads = ConnectionPool(
        dsn, kwargs={"autocommit": True}, min_size=CONNECTIONS, max_size=CONNECTIONS, open=False
    )
    tasks = AsyncConnectionPool(
        dsn, kwargs={"autocommit": True}, min_size=CONNECTIONS, max_size=CONNECTIONS, open=False
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        threads.open(wait=True)
        await tasks.open(wait=True)
        yield
        threads.close()
        await tasks.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/plain")
    def plain(asked: Asked) -> dict[str, int]:
        with threads.connection() as connection:
            row = connection.execute(INSERT, (asked.data.category,)).fetchone()
        assert row
        return {"id": row[0]}

    @app.post("/loop")
    async def loop(asked: Asked) -> dict[str, int]:
        async with tasks.connection() as connection:
            cursor = await connection.execute(INSERT, (asked.data.category,))
            row = await cursor.fetchone()
        assert row
        return {"id": row[0]}

    @app.get("/health/ready")
    def ready() -> str:
        return "ok"

    return app


if __name__ == "__main__":
    uvicorn.run(
        create_app(sys.argv[2]),
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
        server_header=False,
    )
