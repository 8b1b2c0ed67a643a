"""Whether the app works, for programs that watch it."""

from __future__ import annotations

import asyncio
import hmac

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from freshset.core.errors import StoreError
from freshset.webapp.errors import Unknown
from freshset.webapp.identity import AnySession
from freshset.webapp.metrics import CONTENT_TYPE
from freshset.webapp.services import Services, Shared

router = APIRouter(tags=["health"])
PATIENCE = 5.0
"""Seconds within which the database must let somebody write."""


class Health(BaseModel):
    """``live`` or ``ready``; otherwise what is not."""

    status: str


@router.get("/health/live")
async def live() -> Health:
    """Say that the process answers."""
    return Health(status="live")


@router.get("/health/ready", responses={503: {"model": Health}})
async def ready(services: Shared) -> Response:
    """Say whether work can be taken: the writer works, and the database can be written."""
    try:
        await asyncio.wait_for(services.writer.write(lambda _: None), PATIENCE)
    except (TimeoutError, StoreError):
        return JSONResponse({"status": "the database cannot be written"}, 503)
    return JSONResponse({"status": "ready"})


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, services: Shared, session: AnySession) -> Response:
    """Tell Prometheus what happens: to owners, or to who has the token."""
    owner = session is not None and session.person.may("owner")
    if not owner and not _has_token(request, services):
        raise Unknown("This is for owners.", "Give the token of --metrics-token as a bearer.")
    text = await run_in_threadpool(services.metrics.text)
    return Response(text, media_type=CONTENT_TYPE)


def _has_token(request: Request, services: Services) -> bool:
    wanted = services.settings.metrics_token
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if not wanted or kind.lower() != "bearer":
        return False
    return hmac.compare_digest(given.encode(), wanted.encode())
