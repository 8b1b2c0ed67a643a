"""Who may do what: every route is tried by everybody."""

from __future__ import annotations

import pytest
from fakes.hostile import BAD
from fakes.routes import Route, all_routes

from freshset.replication.people import ROLES

ROUTES = all_routes()
PLACES = {
    "/me": "worker",
    "/label": "worker",
    "/labelling": "worker",
    "/board": "worker",
    "/items": "reviewer",
    "/pairs": "reviewer",
    "/components": "reviewer",
    "/revisions": "reviewer",
    "/pool": "reviewer",
    "/dashboard": "owner",
    "/exports": "owner",
    "/log": "owner",
    "/people": "owner",
    "/crowd": "owner",
}
"""The least role of each part of the app and its ``/api``, said once more apart from the routes themselves."""


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_every_route_says_whom_it_is_for(route: Route) -> None:
    assert route.open or route.role is not None, f"{route} lets everybody in"
    assert not (route.open and route.role), f"{route} is said to be open, and is not"


@pytest.mark.parametrize("route", [one for one in ROUTES if not one.open], ids=str)
def test_every_route_is_for_those_that_its_part_of_the_app_is_for(route: Route) -> None:
    path = route.path.removeprefix("/api") + "/"
    found = [place for place in PLACES if path.startswith(f"{place}/")]
    assert found, f"{route}: say in PLACES whom this part of the app is for"
    assert route.role is not None
    least = PLACES[max(found, key=len)]
    assert ROLES.index(route.role) >= ROLES.index(least), route


def test_nobody_gets_beyond_their_role(visitor) -> None:
    clients = {role: visitor(role) for role in ("", *ROLES)}
    for route in ROUTES:
        if route.open:
            continue
        for role, client in clients.items():
            if role and ROLES.index(role) >= ROLES.index(route.role or "owner"):
                continue
            for value in ("1", BAD):
                answer = client.send(route.method, route.filled(value), {})
                wanted = 403 if role else 401
                assert answer.status_code == wanted, f"{route} as {role or 'nobody'}"


def test_everybody_gets_as_far_as_their_role(visitor) -> None:
    clients = {role: visitor(role) for role in ROLES}
    for route in ROUTES:
        if route.open or route.method != "GET":
            continue
        for role, client in clients.items():
            if ROLES.index(role) >= ROLES.index(route.role or "owner"):
                status = client.get(route.filled("1")).status_code
                assert status not in {401, 500}, f"{route} as {role}"
                # Who has not agreed to the conditions yet is told so, whatever the role.
                assert status != 403 or "/labelling/" in route.path, f"{route} as {role}"


def test_a_role_that_was_taken_away_is_gone_at_once(visitor, hostile) -> None:
    owner, other = visitor("owner"), visitor("owner")
    assert other.get("/people").status_code == 200
    path = f"/people/{other.person.person_id}"
    assert owner.form(path, action="worker", why="a mistake").status_code == 303
    assert other.get("/people").status_code == 403
    assert owner.form(path, action="block", why="it is enough").status_code == 303
    assert other.get("/me").status_code == 401
    assert other.post("/api/labelling/next").status_code == 401
