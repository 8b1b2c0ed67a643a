"""The app: routes, errors and what they share, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.staticfiles import StaticFiles

from freshset.replication.project import Project
from freshset.version import __version__
from freshset.webapp import errors
from freshset.webapp.identity import check_source
from freshset.webapp.pages import STATIC
from freshset.webapp.routes import ROUTERS
from freshset.webapp.services import Services
from freshset.webapp.settings import Settings
from freshset.webapp.signing import Signer
from freshset.webapp.writer import Writer


def create_app(project: Project, settings: Settings | None = None) -> FastAPI:
    """Make the app of a project; whoever opened the project closes it.

    Parameters
    ----------
    settings
        Those for this machine alone by default.
    """
    services = Services(project, settings or Settings(), Signer.of(project.folder), Writer(project))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        services.writer.start()
        yield
        services.writer.stop()

    app = FastAPI(
        title="freshset",
        version=__version__,
        summary="Label, review and follow a test set that is being built.",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
        dependencies=[Depends(check_source)],
    )
    app.state.services = services
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app
