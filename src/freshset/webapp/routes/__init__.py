"""The routes, one module a subject; each has a ``router``."""

from __future__ import annotations

from fastapi import APIRouter

from freshset.webapp.routes import entry

ROUTERS: tuple[APIRouter, ...] = (entry.router,)
