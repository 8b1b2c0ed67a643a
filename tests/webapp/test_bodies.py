from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from freshset.webapp.bodies import Bodies


async def read(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(error.detail, error.status_code)


APP = Starlette(
    routes=[Route("/{rest:path}", read, methods=["POST"])],
    exception_handlers={HTTPException: refuse},
)
CLIENT = TestClient(Bodies(APP, most=100))


def test_what_fits_passes() -> None:
    assert CLIENT.post("/", content=b"x" * 100).text == "100"


def test_what_is_declared_too_large_is_refused_at_once() -> None:
    assert CLIENT.post("/", content=b"x" * 101).status_code == 413
    problem = CLIENT.post("/api/x", content=b"x" * 101).json()
    assert problem["status"] == 413


def test_what_only_comes_too_large_is_refused_where_it_does() -> None:
    parts = (b"x" * 10 for _ in range(50))
    assert CLIENT.post("/", content=parts).status_code == 413


def test_some_paths_take_more() -> None:
    client = TestClient(Bodies(APP, most=100, larger={"/files": 200}))
    assert client.post("/files", content=b"x" * 200).text == "200"
    assert client.post("/files", content=b"x" * 201).status_code == 413
    assert client.post("/files", content=(b"x" * 10 for _ in range(50))).status_code == 413
    assert client.post("/files/", content=b"x" * 101).status_code == 413


def test_a_length_that_is_no_number_is_refused() -> None:
    assert CLIENT.post("/", content=b"x", headers={"content-length": "-5"}).status_code == 413
