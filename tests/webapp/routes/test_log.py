from __future__ import annotations

from contextlib import closing

import pytest
import sqlalchemy as sa
from fakes.web import Client

from freshset.replication.project import Project
from freshset.webapp.routes import log


def write(project: Project, *whys: str, action: str = "exclude.blacklist") -> None:
    for number, why in enumerate(whys):
        with project.change(action, who="Cy", why=why, subject=f"s{number}", n=number):
            pass


def test_entries_are_shown_newest_first_and_escaped(client_as, project: Project) -> None:
    write(project, "<script>alert(1)</script>")
    text = client_as("owner").get("/log").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert (
        text.index("people.join") < text.index("exclude.blacklist") < text.index("project.create")
    )


def test_filters(client_as, project: Project) -> None:
    write(project, "blurred", "a drawing")
    owner: Client = client_as("owner")
    text = owner.get("/log", params={"action": "exclude.", "text": "DRAW"}).text
    assert "a drawing" in text
    assert "blurred" not in text
    assert "action=exclude.&amp;text=DRAW" in text  # of the download
    assert "No entry is like this" in owner.get("/log", params={"who": "' OR 1=1 --"}).text
    wrong = owner.get("/log", params={"since": '"><b>soon'})
    assert wrong.status_code == 422
    assert "is no time" in wrong.text
    assert "<b>soon" not in wrong.text


def test_pages_follow_each_other(client_as, project: Project, monkeypatch) -> None:
    monkeypatch.setattr(log, "PAGE", 3)
    write(project, *(f"reason {number}" for number in range(4)))
    owner: Client = client_as("owner")
    first = owner.get("/log", params={"action": "exclude."}).text
    assert "reason 1" in first
    assert "reason 0" not in first
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = owner.get(older).text
    assert "reason 0" in second
    assert "reason 1" not in second
    assert 'rel="next"' not in second
    assert owner.get("/log", params={"before": 10**30}).status_code == 422


def test_the_log_is_checked(client_as, project: Project) -> None:
    owner: Client = client_as("owner")
    digest = next(project.entries()).digest
    assert "entries are as they were written" in owner.form("/log/verify").text
    assert "entries are as they" in owner.form("/log/verify", known=f" {digest.upper()} ").text
    assert "no entry of the log has the digest" in owner.form("/log/verify", known="ab").text
    with closing(project._engine.connect()) as connection:
        connection.execute(sa.text("DROP TRIGGER log_refuses_update"))
        connection.execute(sa.text("UPDATE log SET why = 'x' WHERE seq = 1"))
        connection.commit()
    text = owner.form("/log/verify").text
    assert "entry 1 of the log is missing or not as it was written" in text


@pytest.mark.parametrize("role", ["", "worker", "reviewer"])
def test_the_log_is_for_owners(client_as, role: str) -> None:
    client: Client = client_as(role)
    expected = 403 if role else 401
    assert client.get("/log").status_code == expected
    assert client.form("/log/verify").status_code == expected
