from __future__ import annotations

import pytest
from fakes.web import Client

from freshset.replication.people import find_person, list_invitations, list_people
from freshset.replication.project import Project

FORM = {"role": "worker", "note": "lab 3", "uses": "2", "days": "3"}


def link_in(page: str) -> str:
    return page.partition('readonly value="http://127.0.0.1:8000')[2].partition('"')[0]


def test_an_owner_invites_and_two_people_join(client_as, project: Project) -> None:
    owner: Client = client_as("owner", "Ada")
    made = owner.form("/people/invitations", **FORM)
    assert made.status_code == 201
    assert "An invitation for lab 3" in made.text
    link = link_in(made.text)
    assert link.startswith("/join?token=")
    for name in ("Bo", "Cy"):
        page = client_as("").get(link)
        assert "invited as a worker" in page.text
        token = link.partition("=")[2]
        assert (
            client_as("").http.post("/join", data={"token": token, "name": name}).status_code == 303
        )
    people = owner.get("/people").text
    for word in ("Ada", "Bo", "Cy", "3 people have joined", "2 of 2"):
        assert word in people
    assert link not in people
    (entry,) = (one for one in project.entries(action="people.invite") if one.why == "lab 3")
    assert entry.who == "Ada"


def test_numbers_that_make_no_sense_are_refused(client_as, project: Project) -> None:
    owner: Client = client_as("owner")
    for wrong in ({"uses": "0"}, {"uses": "x"}, {"days": "nan"}, {"role": "king"}, {"days": "-1"}):
        assert owner.form("/people/invitations", **FORM | wrong).status_code == 422
    with project.read() as connection:
        assert len(list_invitations(connection)) == 1


def test_an_invitation_is_taken_back(client_as, project: Project) -> None:
    owner: Client = client_as("owner")
    owner.form("/people/invitations", **FORM)
    with project.read() as connection:
        (invitation,) = (one for one in list_invitations(connection) if one.note == "lab 3")
    path = f"/people/invitations/{invitation.invitation_id}/revoke"
    assert owner.form(path).status_code == 422
    assert owner.form(path, why="a wrong address").status_code == 303
    assert "taken back" in owner.get("/people").text
    assert owner.form("/people/invitations/nothing/revoke", why="x").status_code == 404


@pytest.mark.parametrize(
    ("action", "after"),
    [
        ("block", {"active": False, "epoch": 2}),
        ("end-sessions", {"epoch": 2}),
        ("reviewer", {"role": "reviewer"}),
        ("owner", {"role": "owner"}),
    ],
)
def test_an_owner_changes_a_standing_at_once(
    client_as, project: Project, action: str, after: dict[str, object]
) -> None:
    owner, worker = client_as("owner", "Ada"), client_as("worker", "Bo")
    worker.post("/api/labelling/next")
    path = f"/people/{worker.person.person_id}"
    assert owner.form(path, action=action).status_code == 422
    assert owner.form(path, action=action, why="because").status_code == 303
    with project.read() as connection:
        person = find_person(connection, worker.person.person_id)
    for name, value in after.items():
        assert getattr(person, name) == value
    status = worker.post("/api/labelling/next").status_code
    assert status == (401 if "epoch" in after else 200)
    assert [one.why for one in project.entries(action="people.")][-1] == "because"


def test_a_blocked_person_comes_back_by_a_new_link(client_as, project: Project) -> None:
    owner, worker = client_as("owner"), client_as("worker", "Bo")
    path = f"/people/{worker.person.person_id}"
    owner.form(path, action="block", why="enough")
    assert "blocked" in owner.get("/people").text
    assert owner.form(f"{path}/link", why="sorry").status_code == 422
    owner.form(path, action="unblock", why="sorry")
    assert worker.get("/me").status_code == 401
    page = owner.form(f"{path}/link", why="sorry")
    assert "A way back for Bo" in page.text
    link = link_in(page.text)
    again: Client = client_as("")
    assert "signs you in as <strong>Bo</strong>" in again.get(link).text
    assert again.http.post("/enter", data={"token": link.partition("=")[2]}).status_code == 303
    assert "You are in, Bo" in again.get("/me").text


def test_the_last_owner_stays(client_as, project: Project) -> None:
    owner: Client = client_as("owner", "Ada")
    answer = owner.form(f"/people/{owner.person.person_id}", action="worker", why="tired")
    assert answer.status_code == 422
    assert "Ada is the last owner" in answer.text
    with project.read() as connection:
        assert [one.role for one in list_people(connection)] == ["owner"]


def test_nobody_else_sees_people(client_as) -> None:
    for role in ("worker", "reviewer"):
        assert client_as(role).get("/people").status_code == 403
        assert client_as(role).form("/people/invitations", **FORM).status_code == 403
    assert client_as("").get("/people").status_code == 401
