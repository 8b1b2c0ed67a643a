"""The OpenAPI description against the app: schemathesis makes up requests, the app keeps its word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from fakes.web import Client
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from freshset.replication.project import Project
from freshset.replication.tables import members, pairs, task_items, tasks
from freshset.webapp.app import create_app
from freshset.webapp.errors import API, PROBLEM
from freshset.webapp.identity import HEADER

CHECKS: Any = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
EXAMPLES = 4
QUICKLY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def real(hostile: Project) -> dict[str, list[Any]]:
    """Ids that the project has, by the name of the parameter, so that requests get somewhere."""
    with hostile.read() as connection:

        def column(one: sa.Column[Any]) -> list[Any]:
            return sorted(connection.execute(sa.select(one).distinct()).scalars())

        pair = connection.execute(sa.select(pairs.c.a, pairs.c.b)).first()
        assert pair is not None
        return {
            "task_id": column(tasks.c.task_id), "item_id": column(members.c.item_id),
            "token": column(task_items.c.token), "key": ["disc", "square"], "name": ["r1"],
            "a": [pair.a], "b": [pair.b], "number": [0, 1],
        }  # fmt: skip


def operations(app: FastAPI) -> Iterator[Any]:
    schema = openapi.from_dict(app.openapi())
    for found in schema.get_all_operations():
        yield found.ok()


def send(client: Client, case: Any) -> Any:
    asked = case.as_transport_kwargs(base_url=str(client.http.base_url))
    asked.pop("cookies", None)
    asked["headers"] = dict(asked["headers"]) | {HEADER: client.csrf}
    if isinstance(asked.get("data"), bytes | str):  # what the client calls content
        asked["content"] = asked.pop("data")
    for number, (name, (filename, value, *rest)) in enumerate(asked.get("files") or ()):
        if not isinstance(value, str | bytes):  # a made-up part that no client could send so
            asked["files"][number] = (name, (filename, str(value), *rest))
    answer = client.http.request(**asked)
    answer.request.read()  # forms with files are streams, which the checks want to see again
    return answer


def try_out(
    client: Client, operation: Any, mode: GenerationMode, real: dict[str, list[Any]]
) -> None:
    ids = st.fixed_dictionaries(
        {name: st.sampled_from(values) for name, values in real.items()}
    ) | st.just({})

    @QUICKLY
    @given(case=operation.as_strategy(generation_mode=mode), ids=ids)
    def ask(case: Any, ids: dict[str, Any]) -> None:
        given_ids = case.path_parameters or {}
        case.path_parameters = given_ids | {k: v for k, v in ids.items() if k in given_ids}
        case.validate_response(send(client, case), checks=CHECKS)

    ask()


@pytest.mark.parametrize("role", ["owner", "worker"])
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
def test_the_app_does_what_its_description_says(
    role: str,
    mode: GenerationMode,
    visitor: Callable[..., Client],
    hostile_app: FastAPI,
    unlimited: None,
    real: dict[str, list[Any]],
) -> None:
    client = visitor(role)
    count = 0
    for operation in operations(hostile_app):
        if mode is GenerationMode.NEGATIVE and not _takes_anything(operation):
            continue
        if role == "worker" and not operation.path.startswith(API + "labelling/"):
            continue  # is refused, see test_roles
        try_out(client, operation, mode, real)
        count += 1
    assert count > 3


def _takes_anything(operation: Any) -> bool:
    return bool(operation.body) or any(True for _ in operation.iter_parameters())


def test_the_description_is_complete(project: Project) -> None:
    described = create_app(project).openapi()
    schemes = described["components"]["securitySchemes"]
    assert {one["in"] for one in schemes.values()} == {"cookie", "header"}
    known = {tag["name"] for tag in described["tags"]}
    for path, methods in described["paths"].items():
        for method, one in methods.items():
            where = f"{method} {path}"
            assert one["summary"], where
            assert one.get("description"), where
            assert set(one["tags"]) <= known, (where, one["tags"])
            assert len(one["tags"]) == 1, where
            if not path.startswith(API):
                continue
            changes = method in {"post", "put", "patch", "delete"}
            assert one["security"] == [
                {name: [] for name in schemes if changes or name == "session"}
            ]
            for status in ("401", "403", "404", "422", "429", "503"):
                assert list(one["responses"][status]["content"]) == [PROBLEM], where
            for status, answer in one["responses"].items():
                assert answer["description"], (where, status)
            assert ("413" in one["responses"]) == changes


def test_the_description_is_served_and_pages_are_no_part_of_it(client_as) -> None:
    answer = client_as("").get("/api/openapi.json")
    assert answer.status_code == 200
    paths = answer.json()["paths"]
    assert all(path.startswith((API, "/health/")) for path in paths)
    assert answer.json()["info"]["version"]
