from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from freshset.webapp.hosts import Hosts
from freshset.webapp.settings import Settings

NAMES = Settings(base_url="https://label.example.org").hosts


def ask(host: str, path: str = "/") -> Any:
    app = Starlette(routes=[Route("/{rest:path}", lambda _: PlainTextResponse("x"))])
    return TestClient(Hosts(app, NAMES)).get(path, headers={"host": host})


@pytest.mark.parametrize(
    "host",
    ["label.example.org", "LABEL.example.org:443", "127.0.0.1:8000", "localhost", "[::1]:80"],
)
def test_its_own_names_let_a_request_in(host: str) -> None:
    assert ask(host).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "label.example.org.evil.example", "127.0.0.1.evil.example", "", "[::2]",
     "evil.example:8000", "x@127.0.0.1"],
)  # fmt: skip
def test_a_name_that_leads_here_from_elsewhere_does_not(host: str) -> None:
    answer = ask(host)
    assert answer.status_code == 421
    assert "not the address of the app" in answer.text


def test_probes_call_the_machine_by_its_number() -> None:
    assert ask("10.1.2.3:8000", "/health/live").status_code == 200
    assert ask("10.1.2.3:8000", "/healthy").status_code == 421
