"""The OpenAPI description: what FastAPI finds by itself, and what holds for the whole app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from freshset.webapp.errors import API, PROBLEM, Problem
from freshset.webapp.identity import HEADER, cookie_name
from freshset.webapp.settings import Settings

PATH = "/api/openapi.json"
TAGS = [
    {"name": "labelling", "description": "Tasks of the person who is signed in."},
    {"name": "review", "description": "Near-duplicates, the pool and drawn sets, for reviewers."},
    {"name": "board", "description": "The leaderboard, where one is served."},
    {"name": "exports", "description": "Answers, frequencies and the log as files, for owners."},
    {"name": "crowd", "description": "Tasks on Mechanical Turk, for owners."},
    {"name": "health", "description": "Whether the app works, for programs that watch it."},
]
_DESCRIPTION = """\
Sessions are opened by a link, never by a password: open it in a browser, and send the cookie.
Every request that changes anything also carries the token that the session's pages hold in
`<meta name="csrf-token">`. Errors are problem documents (RFC 9457).
"""
_ALWAYS = {
    "400": "The request cannot be read.",
    "401": "Nobody is signed in.",
    "403": "Whoever is signed in may not do this, or the token of the page is missing.",
    "404": "There is no such thing.",
    "422": "Something in the request cannot be meant.",
    "421": "The request calls the app by a name that is not its own.",
    "429": "Requests come too fast; `Retry-After` says for how many seconds to wait.",
    "503": "The database cannot be reached, or refuses.",
}
_BODIES = {"413": "The body is too large."}
_CHANGES = {"post", "put", "patch", "delete"}


class DescribedApp(FastAPI):
    """An app that describes itself so; its ``state.services`` say how it is set up."""

    def openapi(self) -> dict[str, Any]:
        """Return the description, which is made once."""
        if self.openapi_schema is None:
            self.openapi_schema = _describe(self, self.state.services.settings)
        return self.openapi_schema


def _describe(app: FastAPI, settings: Settings) -> dict[str, Any]:
    found = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=_DESCRIPTION,
        routes=app.routes, tags=TAGS,
    )  # fmt: skip
    found["servers"] = [{"url": settings.base_url}]
    parts = found.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):  # those of FastAPI's own errors
        schemas.pop(unused, None)
    parts["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": cookie_name(settings)},
        "page": {"type": "apiKey", "in": "header", "name": HEADER},
    }
    for method, operation in _operations(found):
        _complete(method, operation)
    return found


def _operations(found: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in found["paths"].items():
        if path.startswith(API):
            yield from methods.items()


def _complete(method: str, operation: dict[str, Any]) -> None:
    changes = method in _CHANGES
    operation["security"] = [{"session": [], "page": []} if changes else {"session": []}]
    answers = operation["responses"]
    answers.pop("422", None)
    for status, said in (_ALWAYS | (_BODIES if changes else {})).items():
        answers.setdefault(status, {"description": said})
    for status, one in answers.items():
        if int(status) >= 400:
            one["content"] = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
