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
