"""Requests that another site's page sends with somebody's cookie."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.routes import SAFE, Route, all_routes
from fakes.web import Client

from freshset.replication.people import invite, join
from freshset.webapp.identity import FIELD, HEADER

UNSAFE = [one for one in all_routes() if one.method not in SAFE]


@pytest.fixture(scope="module")
def owner(hostile_app) -> Client:
    project = hostile_app.state.services.project
    invitation = invite(project, "owner", who="ada")
    return Client(hostile_app, join(project, invitation.invitation_id, "forged"))


def is_refused(answer: Any, said: str) -> bool:
    return answer.status_code == 403 and said in answer.text


@pytest.mark.parametrize("route", UNSAFE, ids=str)
def test_no_change_without_the_token_of_the_session(owner: Client, route: Route) -> None:
    path = route.filled("1")
    plain = owner.http.request(route.method, path, json={})
    assert is_refused(plain, "This page is too old")
    form = owner.http.request(route.method, path, data={"why": "x"})
    assert is_refused(form, "This page is too old")
    text = owner.http.request(
        route.method, path, content="{}", headers={"content-type": "text/plain"}
    )
    assert is_refused(text, "This page is too old")
    for wrong in ("", "0" * 32, owner.csrf[:-1], owner.csrf.upper() + " ", "é"):
        sent = {HEADER: wrong.encode()} if wrong else {}
        answer = owner.http.request(route.method, path, json={}, headers=sent)
        assert is_refused(answer, "This page is too old")
        answer = owner.http.request(route.method, path, data={FIELD: wrong})
        assert is_refused(answer, "This page is too old")


@pytest.mark.parametrize("route", UNSAFE, ids=str)
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},  # another port of this machine, or a neighbouring site
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:9000"},
        {"origin": "http://127.0.0.1.evil.example:8000"},
    ],
    ids=str,
)
def test_no_change_from_elsewhere_even_with_the_token(
    owner: Client, route: Route, headers: dict[str, str]
) -> None:
    answer = owner.send(route.method, route.filled("1"), {}, headers=headers)
    assert is_refused(answer, "Another site sent this")


def test_no_stranger_is_signed_in_from_elsewhere(hostile_app) -> None:
    stranger = Client(hostile_app, None)
    for path in ("/join", "/enter"):
        answer = stranger.http.post(
            path, data={"token": "x", "name": "y"}, headers={"sec-fetch-site": "cross-site"}
        )
        assert is_refused(answer, "Another site sent this")


def test_the_token_of_one_session_is_not_that_of_another(hostile_app, visitor) -> None:
    one, other = visitor("owner"), visitor("owner")
    answer = one.http.post("/leave", headers={HEADER: other.csrf})
    assert is_refused(answer, "This page is too old")
    again = Client(hostile_app, one.person)
    assert again.csrf != one.csrf
    assert is_refused(again.http.post("/leave", headers={HEADER: one.csrf}), "too old")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8000"},
    ],
    ids=str,
)
def test_pages_of_ours_may(visitor, headers: dict[str, str]) -> None:
    assert visitor("worker").post("/leave", headers=headers).status_code == 303


def test_reading_changes_nothing(hostile, visitor) -> None:
    clients = [visitor(role) for role in ("owner", "reviewer", "worker")]
    before = hostile.verify_log()
    for client in clients:
        for route in all_routes():
            if route.method == "GET":
                client.get(route.filled("1"))
    assert hostile.verify_log() == before
