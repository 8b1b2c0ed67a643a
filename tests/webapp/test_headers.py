from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from freshset.webapp.headers import Headers, policy_of


def client(*, secure: bool = False) -> TestClient:
    def kept(_request: object) -> Response:
        return PlainTextResponse("x", headers={"cache-control": "private, max-age=5"})

    app = Starlette(
        routes=[Route("/kept", kept), Route("/{rest:path}", lambda _: PlainTextResponse("x"))]
    )
    return TestClient(Headers(app, secure=secure))


def test_every_answer_has_them() -> None:
    headers = client().get("/people").headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers


def test_https_is_for_good() -> None:
    assert "max-age=" in client(secure=True).get("/").headers["strict-transport-security"]


def test_what_a_route_says_about_keeping_stays() -> None:
    assert client().get("/kept").headers["cache-control"] == "private, max-age=5"
    assert client().get("/static/base.css").headers["cache-control"] == "no-cache"


def test_pages_for_mechanical_turk_stand_within_its_pages_and_submit_to_it() -> None:
    headers = client().get("/mturk/task").headers
    assert "x-frame-options" not in headers
    said = headers["content-security-policy"]
    for place in ("https://www.mturk.com", "https://workersandbox.mturk.com"):
        assert said.count(place) == 2
    assert "frame-ancestors 'none'" not in said


@pytest.mark.parametrize("path", ["/", "/mturk", "/mturk/x", "/api/x", "/static/x.js"])
def test_nothing_in_line_and_nothing_from_elsewhere(path: str) -> None:
    said = policy_of(path)
    assert said.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in said
    assert "*" not in said
