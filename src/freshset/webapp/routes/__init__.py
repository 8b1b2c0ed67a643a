"""The routes, one module a subject; each has a ``router``."""

from __future__ import annotations

from fastapi import APIRouter

from freshset.webapp.routes import (
    entry,
    examples,
    health,
    images,
    labelling,
    labelling_api,
    people,
)

ROUTERS: tuple[APIRouter, ...] = (
    entry.router,
    examples.router,
    health.router,
    images.router,
    labelling.router,
    labelling_api.router,
    people.router,
)
