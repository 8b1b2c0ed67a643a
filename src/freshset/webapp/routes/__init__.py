"""The routes, one module a subject; each has a ``router``."""

from __future__ import annotations

from fastapi import APIRouter

from freshset.webapp.routes import (
    entry,
    examples,
    exports,
    health,
    images,
    labelling,
    labelling_api,
    log,
    people,
)

ROUTERS: tuple[APIRouter, ...] = (
    entry.router,
    examples.router,
    exports.router,
    health.router,
    images.router,
    labelling.router,
    labelling_api.router,
    log.router,
    people.router,
)
