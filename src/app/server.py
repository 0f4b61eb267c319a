"""The application a server process runs, made from an open site or, in a worker, from settings."""

import os
from pathlib import Path
from typing import Final

from api.application import create_app
from fastapi import FastAPI

from api.services import Services
from app.settings import Settings
from app.wiring import OpenDistricts, Site
from eventlog.keys import LocalWrapper, load_kek

DSN_VARIABLE: Final = "BIHUAN_WORKER_DSN"
KEK_VARIABLE: Final = "BIHUAN_WORKER_KEY_FILE"


def application(site: Site, settings: Settings) -> FastAPI:
    """Return the API over all districts of a site; closing it closes them."""
    districts = OpenDistricts(site)
    app = create_app(Services(districts, max_body=settings.max_body))
    app.router.on_shutdown.append(districts.close)
    return app


def worker() -> FastAPI:
    """Return the API in one of several processes; the parent holds the database open."""
    wrapper = LocalWrapper(load_kek(Path(os.environ[KEK_VARIABLE])))
    return application(Site(os.environ[DSN_VARIABLE], wrapper), Settings())
