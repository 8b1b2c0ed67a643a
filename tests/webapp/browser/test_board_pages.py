from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.board import board_of, guess
from fakes.browser import PHONE, Site, assert_accessible, served, take_picture
from playwright.sync_api import Browser, Page, expect

from freshset.protocols.leaderboard.incoming import read_upload
from freshset.protocols.policies import PolicySpec
from freshset.replication.project import Project
from freshset.webapp.boards import ServedBoard


@pytest.fixture
def board(tmp_path: Path) -> ServedBoard:
    """A board with five entrants, two of whom nobody can tell apart."""
    board = board_of(
        tmp_path / "board", PolicySpec("ladder"), per_day=5, ends="2999-01-01T00:00:00+00:00"
    )
    path = tmp_path / "sent.csv"
    for who, share in (("Cleo", 0.86), ("Dan", 0.84), ("Eve", 0.72), ("Fay", 0.69), ("Gil", 0.4)):
        for seed in range(3):
            path.write_bytes(guess(len(who) + 7 * ord(who[0]) + seed, share))
            one = read_upload(path, board.board.setup.public, name="x")
            board.board.submit(one, who=who, model=f"net-{seed}", token=str(seed))
    return board


@pytest.fixture
def boarded(project: Project, browser: Browser, board: ServedBoard) -> Iterator[Site]:
    with served(project, browser, board) as site:
        yield site


def submit(page: Page, site: Site, data: bytes, name: str = "resnet.csv") -> None:
    page.goto(f"{site.url}/board/submit")
    page.get_by_label("Predictions").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": data}
    )
    page.get_by_role("button", name="Submit").click()


def test_from_a_file_to_the_private_part(boarded: Site) -> None:
    page = boarded.page("worker", "Bo Lindqvist")
    page.goto(boarded.url)
    page.get_by_role("link", name="Board", exact=True).click()
    page.get_by_role("link", name="Submit predictions").click()
    assert_accessible(page)
    take_picture(page, "board-submit")
    submit(page, boarded, guess(1)[: guess(1).rindex(b"img-399")])
    expect(page.get_by_role("alert")).to_contain_text("where pets has 400 examples")
    assert_accessible(page)

    submit(page, boarded, guess(1, 0.85))
    expect(page.get_by_role("status")).to_contain_text("Your answer for resnet")
    submit(page, boarded, guess(2, 0.5), "weak.csv")
    expect(page.get_by_role("status")).to_contain_text("Not better than before")
    assert_accessible(page)
    take_picture(page, "board-mine")
    row = page.get_by_role("row").filter(has_text="weak")
    row.get_by_role("button", name="Choose").click()
    expect(page.get_by_role("row").filter(has_text="weak")).to_contain_text("counts")

    page.get_by_role("link", name="See the board").click()
    expect(page.get_by_text("Group 1:")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Bo Lindqvist")).to_contain_text("you")
    assert_accessible(page)
    take_picture(page, "board-running")

    owner = boarded.page("owner", "Ada")
    owner.goto(f"{boarded.url}/board")
    owner.get_by_text("End submissions").click()
    owner.get_by_role("button", name="End now").click()
    assert_accessible(owner)
    owner.get_by_role("button", name="Open the private part").click()
    expect(owner.get_by_role("heading", name="Did the public part wear out?")).to_be_visible()
    assert_accessible(owner)
    with owner.expect_download() as got:
        owner.get_by_role("link", name="Standings as csv").click()
    assert got.value.suggested_filename == "pets-standings.csv"
    assert len(got.value.path().read_text("utf-8").splitlines()) == 7
    page.goto(f"{boarded.url}/board")
    row = page.get_by_role("row").filter(has_text="Bo Lindqvist")
    expect(row).to_contain_text("weak")
    expect(page.get_by_role("columnheader", name="Drop, points")).to_be_visible()
    take_picture(page, "board")
    expect(page.locator("svg.span")).to_have_count(6)


def test_the_board_on_a_phone_and_in_the_dark(boarded: Site, board: ServedBoard) -> None:
    page = boarded.page("worker", "Bo", size=PHONE)
    submit(page, boarded, guess(1, 0.85))
    expect(page.get_by_role("status")).to_contain_text("Your answer")
    for path in ("/board", "/board/submit", "/board/mine"):
        page.goto(boarded.url + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert_accessible(page)
    board.board.close(who="ada")
    board.board.open(who="ada")
    page.emulate_media(color_scheme="dark")
    page.goto(f"{boarded.url}/board")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)
    take_picture(page, "board-phone")
