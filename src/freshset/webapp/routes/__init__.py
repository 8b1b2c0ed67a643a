"""The routes, one module a subject; each has a ``router``."""

from __future__ import annotations

from fastapi import APIRouter

from freshset.webapp.routes import (
    board,
    board_api,
    components,
    crowd,
    dashboard,
    entry,
    examples,
    exports,
    health,
    images,
    items,
    labelling,
    labelling_api,
    log,
    mturk,
    pairs,
    people,
    pool,
    revisions,
)

# They are tried in this order: what workers ask for all the time comes first.
ROUTERS: tuple[APIRouter, ...] = (
    labelling_api.router,
    images.router,
    board.router,
    board_api.router,
    components.router,
    crowd.router,
    dashboard.router,
    entry.router,
    examples.router,
    exports.router,
    health.router,
    items.router,
    labelling.router,
    log.router,
    mturk.router,
    pairs.router,
    people.router,
    pool.router,
    revisions.router,
)
