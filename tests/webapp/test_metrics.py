from __future__ import annotations

import logging

import pytest
from fakes.web import Client
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.testclient import TestClient

from freshset.replication.project import Project
from freshset.webapp.metrics import Metrics, Watch, printable
from freshset.webapp.proxies import Proxies


def broken(_request: Request) -> Response:
    raise RuntimeError("nobody's business")


APP = Router([Route("/things/{one}", lambda _: PlainTextResponse("x")), Route("/broken", broken)])


def watched(metrics: Metrics, *, access_log: bool = False) -> TestClient:
    app = Watch(APP, metrics, proxies=Proxies(), access_log=access_log)
    return TestClient(app, raise_server_exceptions=False)


def values(metrics: Metrics) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (one.name, *one.labels.values()): one.value for family in families for one in family.samples
    }


def test_requests_are_counted_without_what_is_in_their_addresses() -> None:
    metrics = Metrics()
    client = watched(metrics)
    for number in range(3):
        client.get(f"/things/secret-{number}?token=secret")
    client.request("BREW", "/nothing/secret")
    found = values(metrics)
    assert "secret" not in metrics.text().decode()
    assert found["freshset_requests_total", "other", "other", "404"] == 1
    assert sum(v for k, v in found.items() if k[0] == "freshset_requests_total") == 4


def test_a_fault_is_a_page_that_tells_nothing() -> None:
    metrics = Metrics()
    answer = watched(metrics).get("/broken")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert "business" not in answer.text
    assert any(key[-1] == "500" for key in values(metrics))


def test_two_apps_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.saw_batch(3)
    assert values(one)["freshset_writer_batch_sum",] == 3
    assert values(other)["freshset_writer_batch_sum",] == 0


def test_the_access_log_has_no_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "freshset.access")
    watched(Metrics(), access_log=True).get("/things/a%0Ab%20c?token=secret")
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("fresh")]
    assert line.startswith("testclient GET /things/a?b?c 200 ")
    assert "secret" not in line
    caplog.clear()
    watched(Metrics()).get("/things/a")
    assert not [record for record in caplog.records if record.name.startswith("fresh")]


def test_a_path_is_one_line() -> None:
    assert printable("/a\r\nb c\x1b[0m") == "/a??b?c?[0m"


def test_the_project_is_told_of(client_as, project: Project) -> None:
    owner: Client = client_as("owner")
    client_as("worker")
    text = owner.get("/metrics").text
    families = {one.name: one for one in text_string_to_metric_families(text)}
    people = {one.labels["role"]: one.value for one in families["freshset_people"].samples}
    assert people == {"worker": 1, "reviewer": 0, "owner": 1}
    for name in ("submissions", "leases", "places", "writer_waiting"):
        assert [one.value for one in families[f"freshset_{name}"].samples] == [0]
    assert families["freshset_writer_batch"].samples
