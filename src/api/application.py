"""The API as one application: routes, refusals, and what stands around every request."""

from typing import Final

from fastapi import FastAPI

from api.access import Door
from api.front import Front
from api.metrics import Metrics
from api.openapi import DESCRIPTION, describe
from api.problems import HANDLERS
from api.routes import ROUTERS
from api.routes.health import Readiness
from api.services import Services

TITLE: Final = "闭环 Bihuan"
VERSION: Final = "1"


def create_app(services: Services) -> FastAPI:
    """Build the application over the districts of `services`, which stay the caller's to close."""
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.door = Door(services)
    app.state.metrics = Metrics()
    app.state.readiness = Readiness()
    for router in ROUTERS:
        # As they are, not included: a copy would cost a second match a request.
        app.router.routes.extend(router.routes)
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)
    app.add_middleware(Front, metrics=app.state.metrics)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app
