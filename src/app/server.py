"""What a server process runs: the API over all districts of a site, in one process or several."""

import os
import signal
import socket
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from uvicorn.supervisors import Multiprocess

from api.application import create_app
from api.logs import configure_logs
from api.services import Services
from app.settings import Settings
from app.timers import workers_of
from app.wiring import OpenDistricts, Site
from eventlog.keys import LocalWrapper, load_kek

DSN_VARIABLE: Final = "BIHUAN_WORKER_DSN"
KEK_VARIABLE: Final = "BIHUAN_WORKER_KEY_FILE"
PARENT_VARIABLE: Final = "BIHUAN_WORKER_PARENT"
GRACE_SECONDS: Final = 5
"""How long requests under way may take after a signal; the rest of 10 s is for the database."""
STARTUP_FAILURE: Final = 3
ORPHAN_SECONDS: Final = 0.5
_BACKLOG: Final = 2048


def application(site: Site, settings: Settings) -> FastAPI:
    """Return the API over all districts of a site; when it shuts down, it closes them.

    Each district has a timer worker, on the loop that its engine lives on.
    """
    districts = OpenDistricts(site)
    app = create_app(Services(districts, max_body=settings.max_body))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        try:
            async with workers_of(districts) if settings.timers else nullcontext():
                yield
        finally:
            await run_in_threadpool(districts.close)

    app.router.lifespan_context = lifespan
    return app


def serve_alone(site: Site, settings: Settings, listening: socket.socket) -> bool:
    """Serve in this process until SIGTERM or SIGINT; tell whether it ever served."""
    configure_logs()
    server = uvicorn.Server(_config(application(site, settings)))
    # When it has stopped in good order, the server repeats the signal that stopped it.
    with suppress(KeyboardInterrupt):
        server.run([listening])
    return server.started


def serve_together(site: Site, settings: Settings, listening: socket.socket, workers: int) -> bool:
    """Serve in several processes, which this one keeps alive; tell whether they ever served."""
    os.environ[DSN_VARIABLE] = site.dsn
    os.environ[KEK_VARIABLE] = str(settings.master_key.resolve())
    os.environ[PARENT_VARIABLE] = str(os.getpid())
    parent = Multiprocess(_config("app.server:worker", workers), sockets=[listening])
    parent.run()
    return all(process.exitcode != STARTUP_FAILURE for process in parent.processes)


def worker() -> FastAPI:
    """Return the API in one of several processes; the parent holds the database open."""
    threading.Thread(target=_leave_with_parent, name="parent", daemon=True).start()
    configure_logs()
    wrapper = LocalWrapper(load_kek(Path(os.environ[KEK_VARIABLE])))
    settings = Settings()
    return application(Site(os.environ[DSN_VARIABLE], wrapper, rebuild=settings.rebuild), settings)


def _leave_with_parent() -> None:
    """Stop when the parent was killed: nobody else would stop this process then."""
    parent = int(os.environ[PARENT_VARIABLE])
    while os.getppid() == parent:
        time.sleep(ORPHAN_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def listen(host: str, port: int) -> socket.socket:
    """Take the port, before anything else is started; 0 takes any that is free.

    Raises:
        OSError: it is in use, or not ours to take.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    listening.set_inheritable(True)
    return listening


def _config(app: FastAPI | str, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
