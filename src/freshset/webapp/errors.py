"""What goes wrong, as a page or, for `/api`, as a problem document (RFC 9457)."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from freshset.core.errors import (
    ConflictError,
    FreshsetError,
    NotFoundError,
    StoreError,
    UsageError,
)
from freshset.webapp.pages import render

API = "/api/"


class Unknown(UsageError):  # noqa: N818  # a status, not a fault
    """Nobody is signed in."""


class Forbidden(UsageError):  # noqa: N818  # likewise
    """Whoever is signed in may not do this."""


_STATUS: tuple[tuple[type[FreshsetError], int], ...] = (
    (Unknown, 401),
    (Forbidden, 403),
    (NotFoundError, 404),
    (ConflictError, 409),
    (StoreError, 503),
    (FreshsetError, 422),
)


def install(app: FastAPI) -> None:
    """Let an app answer errors so."""
    app.add_exception_handler(FreshsetError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, FreshsetError)  # noqa: S101  # by what it is installed for
    status = next(number for kind, number in _STATUS if isinstance(error, kind))
    return _answer(request, status, error.message, error.hint)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # likewise
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _answer(request, 422, f"{where}: {first['msg']}.", "")


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # likewise
    response = _answer(request, error.status_code, str(error.detail), "")
    response.headers.update(error.headers or {})
    return response


def _answer(request: Request, status: int, message: str, hint: str) -> Response:
    if request.url.path.startswith(API):
        body = {"type": "about:blank", "title": message, "status": status, "detail": hint}
        return JSONResponse(body, status, media_type="application/problem+json")
    return render(request, "error.html", status=status, message=message, hint=hint)
