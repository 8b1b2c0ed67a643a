"""What goes wrong, as a page or, for `/api`, as a problem document (RFC 9457)."""

from __future__ import annotations

import math

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import DataError as RefusedValue
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
PROBLEM = "application/problem+json"


class Problem(BaseModel):
    """What went wrong with a request."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class Unknown(UsageError):  # noqa: N818  # a status, not a fault
    """Nobody is signed in."""


class Forbidden(UsageError):  # noqa: N818  # likewise
    """Whoever is signed in may not do this."""


class TooMany(UsageError):  # noqa: N818  # likewise
    """Requests come faster than the app takes them from one person or place.

    Parameters
    ----------
    seconds
        After which the next one may come.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, math.ceil(seconds))
        super().__init__("That was too much at once.", f"Try again in {self.seconds} s.")


_STATUS: tuple[tuple[type[FreshsetError], int], ...] = (
    (Unknown, 401),
    (Forbidden, 403),
    (TooMany, 429),
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


def answer(request: Request, status: int, message: str, hint: str) -> Response:
    """Make an answer that says what went wrong, as a page or a problem document."""
    if request.url.path.startswith(API):
        problem = Problem(title=message, status=status, detail=hint)
        return JSONResponse(problem.model_dump(), status, media_type=PROBLEM)
    return render(request, "error.html", status=status, message=message, hint=hint)


def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, FreshsetError)  # noqa: S101  # by what it is installed for
    status = next(number for kind, number in _STATUS if isinstance(error, kind))
    if isinstance(error.__cause__, RefusedValue):
        # The database works, but takes no such value, for instance PostgreSQL a text with NUL.
        return answer(request, 422, "The database takes no such value.", "")
    response = answer(request, status, error.message, error.hint)
    if isinstance(error, TooMany):
        response.headers["retry-after"] = str(error.seconds)
    return response


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # likewise
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return answer(request, 422, f"{where}: {first['msg']}.", "")


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # likewise
    response = answer(request, error.status_code, str(error.detail), "")
    response.headers.update(error.headers or {})
    return response
