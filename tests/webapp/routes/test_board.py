from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.board import board_of, guess
from fakes.hostile import BAD, Found
from fakes.web import Client
from fastapi import FastAPI
from starlette.testclient import TestClient

from freshset.protocols.leaderboard.standings import Standing
from freshset.protocols.policies import NAMES, PolicySpec
from freshset.replication.people import invite, join
from freshset.replication.project import Project
from freshset.stats.types import Estimate
from freshset.webapp.app import create_app
from freshset.webapp.boards import ServedBoard
from freshset.webapp.routes import board as module


@pytest.fixture
def board(tmp_path: Path) -> ServedBoard:
    return board_of(tmp_path / "board", seconds=0.0)


@pytest.fixture
def person(project: Project, board: ServedBoard) -> Iterator[Callable[..., Client]]:
    app: FastAPI = create_app(project, board=board)
    with TestClient(app):

        def make(name: str, role: str = "worker") -> Client:
            return Client(app, join(project, invite(project, role, who="ada").invitation_id, name))

        yield make


def send(client: Client, data: bytes, name: str = "net.csv", token: str = "", **said: str) -> Any:
    fields = {"csrf": client.csrf, "token": token} | said
    return client.http.post("/board/submit", files={"file": (name, data)}, data=fields)


def test_from_the_form_to_the_private_part(person) -> None:
    bob, ada = person("Bob"), person("Ada", "owner")
    assert "Nobody has submitted anything yet" in bob.get("/board").text
    page = bob.get("/board/submit").text
    token = re.search(r'name="token" value="(\w+)"', page)
    assert token is not None
    assert "img-000" in page
    first = send(bob, guess(1), token=token[1])
    assert first.status_code == 303
    told = bob.get(first.headers["location"]).text
    assert "Your answer for net" in told
    assert send(bob, guess(1), token=token[1]).headers["location"] == first.headers["location"]
    send(bob, guess(2, 0.5), model="weak")
    assert bob.form("/board/mine", entry="4").status_code == 303
    page = bob.get("/board").text
    assert "Group 1" in page
    assert "End submissions" not in page
    assert bob.form("/board/close").status_code == 403
    assert "End submissions" in ada.get("/board").text
    assert ada.form("/board/open").status_code == 409
    assert ada.form("/board/close").status_code == 303
    assert "Submissions have ended" in bob.get("/board/submit").text
    assert ada.form("/board/open").status_code == 303
    page = bob.get("/board").text
    assert "the private part is open" in page
    assert "Drop, points" in page


def test_a_wrong_file_shows_the_form_again_with_the_same_token(person, board: ServedBoard) -> None:
    bob = person("Bob")
    answer = send(bob, guess(1)[:-9], token="abc")
    assert answer.status_code == 422
    assert "No look was used" in answer.text
    assert 'name="token" value="abc"' in answer.text
    board.board.close(who="ada")
    assert send(bob, guess(1)).status_code == 409


def test_nobody_sees_answers_of_others(person) -> None:
    bob, cal = person("Bob"), person("Cal")
    where = send(bob, guess(1), model="secret-net").headers["location"]
    page = cal.get(where).text
    assert "secret-net" not in page
    assert "not submitted anything" in page


def test_texts_of_entrants_are_only_shown(person) -> None:
    name = BAD[:74]
    bob = person(name)
    assert send(bob, guess(1), name=f"{BAD[:40]}.csv", model=BAD).status_code == 303
    assert send(bob, b"x", name=f"{BAD[:40]}.csv").status_code == 422
    for path in ("/board", "/board/mine?entry=3", "/board/submit"):
        text = bob.get(path).text
        assert Found(text).faults == []
        assert BAD[:40] not in text


def test_a_board_is_in_the_menu(person) -> None:
    page = person("Bob").get("/").text
    assert 'href="/board"' in page
    assert "pets: the leaderboard" in page


def test_thresholdout_asks_for_a_claim(project: Project, tmp_path: Path) -> None:
    policy = PolicySpec("thresholdout", threshold=0.1, sigma=0.01, budget=0)
    app = create_app(project, board=board_of(tmp_path / "x", policy))
    with TestClient(app):
        bob = Client(app, join(project, invite(project, "worker", who="ada").invitation_id, "Bob"))
        assert 'name="claimed"' in bob.get("/board/submit").text
        assert send(bob, guess(1)).status_code == 422
        told = bob.get(send(bob, guess(1), claimed="0.7").headers["location"]).text
        assert "The budget of answers is spent" in told
        assert "Without a score" in bob.get("/board").text


def test_every_policy_is_told_and_the_drawing_holds_all_intervals() -> None:
    assert set(module.POLICIES) == set(NAMES)
    assert module._scale([]) == (0.0, 1.0)
    row = Standing(1, "a", "m", 1, "", Estimate(0.7, 0.66, 0.74), None, Estimate(0.9, 0.81, 0.94))
    assert module._scale([row]) == pytest.approx((0.65, 0.95))
    same = Standing(1, "a", "m", 1, "", Estimate(1.0, 1.0, 1.0))
    low, high = module._scale([same])
    assert low < high
