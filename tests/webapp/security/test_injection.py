"""Texts from outside that try to be scripts, wherever they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urldefrag, urljoin

import pytest
from fakes.hostile import BAD, LINKS, Found
from fakes.routes import all_routes
from fakes.web import Client
from fastapi import FastAPI

from freshset.replication.people import block, invite, join, list_people
from freshset.replication.project import Project

MOST = 150
"""Pages that are looked at."""


def crawl(client: Client, start: str = "/") -> Iterator[tuple[str, str]]:
    """Pages of this site that lead to each other, each kind a few times, as address and text."""
    waiting, seen, kinds = [start], {start}, {}
    while waiting and len(seen) < 20 * MOST:
        path = waiting.pop(0)
        answer = client.get(path)
        assert answer.status_code < 500, path
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        yield path, answer.text
        for link in Found(answer.text).links:
            new = urldefrag(urljoin(path, link)).url
            kind = (path.split("?")[0], new.split("?")[0].rsplit("/", 1)[0])
            if new in seen or new.startswith("/static/") or kinds.get(kind, 0) >= 4:
                continue
            kinds[kind] = kinds.get(kind, 0) + 1
            seen.add(new)
            waiting.append(new)


@pytest.fixture
def people(hostile: Project) -> None:
    """People and invitations with bad names, some blocked."""
    name = BAD[:74]
    for number, role in enumerate(("worker", "reviewer", "owner")):
        invitation = invite(hostile, role, note=BAD, who=BAD)
        with hostile.read() as connection:
            taken = {one.name for one in list_people(connection)}
        if f"{name} {number}" not in taken:
            person = join(hostile, invitation.invitation_id, f"{name} {number}")
            if role == "worker":
                block(hostile, person.person_id, who=BAD, why=BAD)


@pytest.mark.parametrize("role", ["owner", "reviewer", "worker"])
def test_stored_texts_are_only_shown(role: str, visitor, people: None) -> None:
    client = visitor(role)
    shown, paths = 0, []
    for path, text in crawl(client):
        found = Found(text)
        assert found.faults == [], path
        assert BAD not in text, path
        shown += "&lt;script&gt;alert(1)" in text
        paths.append(path)
    assert len(paths) > 2
    # Somebody's own page has no bad text, but others' have.
    assert shown > 0, paths


def test_all_pages_without_parameters_are_looked_at(visitor, people: None) -> None:
    client = visitor("owner")
    for route in all_routes():
        if route.method != "GET" or "{" in route.path:
            continue
        answer = client.get(route.path)
        assert answer.status_code < 500, route
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert Found(answer.text).faults == [], route
            assert BAD not in answer.text, route


def test_what_a_request_says_is_only_shown(visitor) -> None:
    client = visitor("owner")
    for route in all_routes():
        names = route.query_names
        for value in (BAD, *LINKS, f"/{BAD}"):
            answer = client.send(
                route.method, route.filled(value), params=dict.fromkeys(names, value)
            )
            assert answer.status_code < 500, (str(route), value)
            kind = answer.headers.get("content-type", "")
            if kind.startswith("text/html"):
                assert Found(answer.text).faults == [], (str(route), value)
            elif answer.content:
                # Nothing else that a browser would look into for scripts.
                assert not kind.startswith(("image/svg", "text/xml", "application/xhtml")), route
                assert answer.headers["x-content-type-options"] == "nosniff"


def test_names_of_people_are_only_shown(visitor, hostile_app: FastAPI) -> None:
    person = visitor("worker", f"{BAD[:70]} me")
    for path, text in crawl(person):
        assert Found(text).faults == [], path
    joined = visitor("").http.post("/join", data={"token": BAD, "name": BAD})
    assert Found(joined.text).faults == []


def test_every_answer_has_the_policy(visitor) -> None:
    client = visitor("owner")
    for path in (
        "/",
        "/people",
        "/nothing",
        "/api/nothing",
        "/static/base.css",
        "/api/openapi.json",
    ):
        said = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in said
        assert "unsafe" not in said
