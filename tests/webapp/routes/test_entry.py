from __future__ import annotations

from fakes.web import Client

from freshset.replication.people import invite
from freshset.replication.project import Project
from freshset.webapp.identity import COOKIE


def test_a_link_lets_somebody_in_once(client_as, project: Project) -> None:
    stranger: Client = client_as("")
    invitation = invite(project, "worker", who="ada")
    services = stranger.http.app.state.services
    token = services.signer.sign("invitation", {"i": invitation.invitation_id})
    page = stranger.get("/join", params={"token": token})
    assert page.status_code == 200
    assert "invited as a worker" in page.text
    came = stranger.http.post("/join", data={"token": token, "name": "Bo"})
    assert (came.status_code, came.headers["location"]) == (303, "/me")
    assert COOKIE in stranger.http.cookies
    assert "Bo" in stranger.get("/me").text
    again = client_as("").http.post("/join", data={"token": token, "name": "Cy"})
    assert again.status_code == 422
    assert "was used" in again.text


def test_a_forged_link_lets_nobody_in(client_as) -> None:
    answer = client_as("").get("/join", params={"token": "abc.def.ghi"})
    assert answer.status_code == 404
    assert "no link of an invitation" in answer.text


def test_leaving_needs_the_token_of_the_page(client_as) -> None:
    worker: Client = client_as("worker")
    assert worker.http.post("/leave").status_code == 403
    assert worker.form("/leave").status_code == 303
    assert "open the link of your invitation" in worker.get("/").text


def test_people_see_how_they_come_back(client_as) -> None:
    worker: Client = client_as("worker", "Bo")
    page = worker.get("/me").text
    link = page.partition('readonly value="http://127.0.0.1:8000')[2].partition('"')[0]
    other: Client = client_as("")
    assert "Welcome back" in other.get(link).text
    assert other.get("/me").status_code == 401
    came = other.http.post("/enter", data={"token": link.partition("=")[2]})
    assert (came.status_code, came.headers["location"]) == (303, "/")
    assert "Bo" in other.get("/").text


def test_signing_out_everywhere_else_ends_links_too(client_as) -> None:
    worker: Client = client_as("worker", "Bo")
    page = worker.get("/me").text
    link = page.partition('readonly value="http://127.0.0.1:8000')[2].partition('"')[0]
    other: Client = client_as("")
    other.http.post("/enter", data={"token": link.partition("=")[2]})
    assert worker.form("/me/sessions").status_code == 303
    assert worker.get("/me").status_code == 200
    assert other.get("/me").status_code == 401
    assert client_as("").get(link).status_code == 404


def test_somebody_who_is_in_already_may_join_as_another(client_as, project: Project) -> None:
    worker: Client = client_as("worker", "Bo")
    invitation = invite(project, "reviewer", who="ada")
    services = worker.http.app.state.services
    token = services.signer.sign("invitation", {"i": invitation.invitation_id})
    assert worker.csrf in worker.get("/join", params={"token": token}).text
    assert worker.form("/join", token=token, name="Cy").status_code == 303
    assert "You are in, Cy" in worker.get("/me").text
