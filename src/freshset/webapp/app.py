"""The app: routes, errors and what they share, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.staticfiles import StaticFiles

from freshset.replication.project import Project
from freshset.version import __version__
from freshset.webapp import errors
from freshset.webapp.boards import ServedBoard, upload_limits
from freshset.webapp.bodies import Bodies
from freshset.webapp.headers import Headers
from freshset.webapp.hosts import Hosts
from freshset.webapp.identity import check_source
from freshset.webapp.metrics import Watch
from freshset.webapp.openapi import PATH, DescribedApp
from freshset.webapp.pages import STATIC
from freshset.webapp.routes import ROUTERS
from freshset.webapp.services import Services
from freshset.webapp.settings import Settings


def create_app(
    project: Project, settings: Settings | None = None, board: ServedBoard | None = None
) -> FastAPI:
    """Make the app of a project; whoever opened the project closes it.

    Parameters
    ----------
    settings
        Those for this machine alone by default.
    board
        A leaderboard that is served beside the project, for the same people.

    Raises
    ------
    UsageError
        When a trusted proxy is no address.
    """
    services = Services.of(project, settings or Settings(), board)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        services.writer.start()
        yield
        services.writer.stop()

    app = DescribedApp(
        title="freshset",
        version=__version__,
        summary="Label, review and follow a test set that is being built.",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=PATH,
        lifespan=lifespan,
        dependencies=[Depends(check_source)],
    )
    app.state.services = services
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _guard(app, services)
    return app


def _guard(app: FastAPI, services: Services) -> None:
    """Put around the app what holds for every request; the last one here is the outermost."""
    settings = services.settings
    larger = upload_limits(settings) if services.board else {}
    app.add_middleware(Bodies, most=settings.max_body, larger=larger)
    app.add_middleware(Hosts, names=settings.hosts)
    app.add_middleware(
        Watch, metrics=services.metrics, proxies=services.proxies, access_log=settings.access_log
    )
    app.add_middleware(Headers, secure=settings.secure)
