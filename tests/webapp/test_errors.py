from __future__ import annotations

from typing import Annotated, Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Query
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from freshset.core.errors import (
    ConflictError,
    DataError,
    FreshsetError,
    NotFoundError,
    StoreError,
    UsageError,
)
from freshset.webapp import errors
from freshset.webapp.errors import Forbidden, TooMany, Unknown

BAD = "<script>alert(1)</script>"


def client(error: Exception | None = None) -> TestClient:
    app = FastAPI()
    errors.install(app)

    @app.get("/page")
    @app.get("/api/thing")
    def fail(number: Annotated[int, Query()] = 0) -> int:
        if error is not None:
            raise error
        return number

    return TestClient(app)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unknown("No."), 401),
        (Forbidden("No."), 403),
        (NotFoundError("No."), 404),
        (ConflictError("No."), 409),
        (UsageError("No."), 422),
        (DataError("No."), 422),
        (TooMany(3), 429),
        (StoreError("No."), 503),
        (HTTPException(418, "No."), 418),
    ],
)
def test_each_kind_has_its_status(error: Exception, status: int) -> None:
    assert client(error).get("/page").status_code == status
    answer = client(error).get("/api/thing")
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_and_what_to_do_are_said() -> None:
    error = FreshsetError("It is so.", "Do that.")
    assert client(error).get("/api/thing").json() == {
        "type": "about:blank", "title": "It is so.", "status": 422, "detail": "Do that.",
    }  # fmt: skip
    page = client(error).get("/page").text
    assert "It is so." in page
    assert "Do that." in page


def test_texts_from_outside_are_only_shown() -> None:
    assert BAD not in client(UsageError(BAD, BAD)).get("/page").text
    assert BAD not in client().get("/page", params={"number": BAD}).text


def test_a_wrong_parameter_is_named() -> None:
    answer: Any = client().get("/api/thing", params={"number": "x"})
    assert answer.status_code == 422
    assert answer.json()["title"].startswith("query.number: ")


def test_whoever_is_too_fast_hears_when_to_come_back() -> None:
    answer = client(TooMany(2.1)).get("/api/thing")
    assert answer.headers["retry-after"] == "3"


def test_headers_of_an_error_are_kept() -> None:
    assert client().post("/page").headers["allow"] == "GET"


def test_a_value_that_no_database_takes_is_the_fault_of_the_request() -> None:
    error = StoreError("project.db: a text with NUL.")
    error.__cause__ = sa.exc.DataError("INSERT", {}, ValueError("NUL"))
    answer = client(error).get("/api/thing")
    assert answer.status_code == 422
    assert "project.db" not in answer.text
