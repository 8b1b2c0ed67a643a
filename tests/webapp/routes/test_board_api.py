from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.board import board_of, guess
from fakes.web import Client
from fastapi import FastAPI
from starlette.testclient import TestClient

from freshset.replication.people import invite, join
from freshset.replication.project import Project
from freshset.webapp.app import create_app
from freshset.webapp.boards import ServedBoard
from freshset.webapp.identity import HEADER
from freshset.webapp.settings import Settings

PATH = "/api/board/submissions"


@pytest.fixture
def board(tmp_path: Path) -> ServedBoard:
    return board_of(tmp_path / "board", each=4)


@pytest.fixture
def app(project: Project, board: ServedBoard) -> Iterator[FastAPI]:
    app = create_app(project, Settings(max_upload=60_000), board)
    with TestClient(app):
        yield app


@pytest.fixture
def person(app: FastAPI, project: Project) -> Callable[..., Client]:
    def make(name: str, role: str = "worker") -> Client:
        return Client(app, join(project, invite(project, role, who="ada").invitation_id, name))

    return make


def send(client: Client, data: bytes, name: str = "net.csv", **fields: str) -> Any:
    return client.http.post(
        PATH, files={"file": (name, data)}, data=fields, headers={HEADER: client.csrf}
    )


def test_from_a_submission_to_the_drop(person, board: ServedBoard) -> None:
    bob, cal, ada = person("Bob"), person("Cal"), person("Ada", "owner")
    first = send(bob, guess(1), model="deep", token="t")
    assert first.status_code == 200
    answer = first.json()
    assert (answer["model"], answer["left"], answer["left_of_all"]) == ("deep", 3, 499)
    again = send(bob, guess(1), model="deep", token="t").json()
    assert again == answer | {"repeated": True}
    send(bob, guess(2, 0.4), model="weak")
    send(cal, guess(3, 0.9))

    shown = cal.get("/api/board").json()
    assert [(r["group"], r["entrant"], r["model"]) for r in shown["rows"]] == [
        (1, "Cal", "net"), (2, "Bob", "deep"),
    ]  # fmt: skip
    assert shown["rows"][0]["private"] is None
    mine = bob.get(PATH).json()
    assert [(one["model"], one["counts"]) for one in mine] == [("deep", True), ("weak", False)]
    assert cal.get(PATH).json()[0]["model"] == "net"

    path = "/api/board/choice"
    assert bob.send("PUT", path, {"entry": mine[1]["seq"]}).json() == {"phase": "running"}
    assert cal.send("PUT", path, {"entry": mine[1]["seq"]}).status_code == 404
    assert bob.post("/api/board/open").status_code == 403
    assert bob.get("/api/board/standings.csv").status_code == 403
    early = ada.post("/api/board/open")
    assert (early.status_code, early.json()["title"]) == (409, "Submissions have not ended.")
    assert ada.post("/api/board/close").json() == {"phase": "ended"}
    late = send(cal, guess(4))
    assert late.status_code == 409
    assert ada.post("/api/board/open").json() == {"phase": "opened"}

    shown = bob.get("/api/board").json()
    rows = {one["entrant"]: one for one in shown["rows"]}
    assert rows["Bob"]["model"] == "weak"
    assert rows["Bob"]["private"]["value"] < 0.6 < rows["Cal"]["private"]["value"]
    assert rows["Cal"]["drop"]["low"] < rows["Cal"]["drop"]["value"] < rows["Cal"]["drop"]["high"]
    assert shown["findings"]
    table = ada.get("/api/board/standings.csv")
    assert 'filename="pets-standings.csv"' in table.headers["content-disposition"]
    assert [row[1] for row in csv.reader(io.StringIO(table.text))] == ["entrant", "Cal", "Bob"]
    assert len(board.board.verify()) == 8


def test_wrong_files_are_told_and_use_no_look(person, board: ServedBoard, tmp_path: Path) -> None:
    bob = person("Bob")
    good = guess(1)
    wrong = {
        "wrong length": (good[: good.rindex(b"img-399")], "net.csv", "399 predictions"),
        "another order": (b"\n".join([*good.split(b"\n")[:1], *good.split(b"\n")[:0:-1][1:]]) + b"\n",
                          "net.csv", "another order"),
        "another class": (good.replace(b"fox", b"cow"), "net.csv", "is no class of pets"),
        "no ids": (good.replace(b"item_id", b"row"), "net.csv", "has ids"),
        "kind": (good, "net.exe", "unknown kind"),
        "nothing": (b"", "net.csv", "net.csv"),
    }  # fmt: skip
    before = board.board.entries()
    for what, (data, name, said) in wrong.items():
        answer = send(bob, data, name)
        assert answer.status_code == 422, what
        problem = answer.json()
        text = problem["title"] + problem["detail"]
        assert said in text, (what, text)
        assert str(tmp_path) not in text
        assert "/tmp" not in text
        assert "%" not in text
        assert "accuracy" not in text
    assert send(bob, good, claimed="7").status_code == 422
    assert bob.http.post(PATH, data={"model": "x"}, headers={HEADER: bob.csrf}).status_code == 422
    assert board.board.entries() == before
    assert not (board.board.folder / "predictions").exists()


def test_limits_of_size_and_number(person, board: ServedBoard) -> None:
    bob = person("Bob")
    assert send(bob, b"x" * 70_000).status_code == 413
    assert board.board.history("Bob") == ((), None)
    for seed in range(4):
        assert send(bob, guess(seed)).status_code == 200
    over = send(bob, guess(9))
    assert over.status_code == 409
    assert over.json()["title"] == "All of your 4 submissions are used."


def test_nobody_submits_for_others(app: FastAPI, person) -> None:
    bob = person("Bob")
    plain = bob.http.post(PATH, files={"file": ("a.csv", guess(1))})
    assert plain.status_code == 403
    stranger = Client(app, None)
    # The file of a stranger is not even taken apart.
    assert stranger.http.post(PATH, content=b"no form at all").status_code == 401


def test_it_is_described(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    body = paths[PATH]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert body["required"] == ["file"]
    assert set(paths["/api/board"]["get"]["responses"]) >= {"200", "401", "404"}
    assert "text/csv" in paths["/api/board/standings.csv"]["get"]["responses"]["200"]["content"]
