"""People label tasks: by mouse, by keyboard alone, by touch, two at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.browser import PHONE, Site, assert_accessible, served, take_picture
from fakes.label_page import begun, chosen_by_worker, places, shown_tokens, ticked
from fakes.scenes import scenes_project
from playwright.sync_api import Browser, Page, expect

from freshset.replication.labelling.grids import make_tasks
from freshset.replication.people import invite
from freshset.webapp.links import invitation_link


@pytest.fixture
def desk(site: Site) -> Site:
    """A site with six tasks of 12 images, each for three workers."""
    make_tasks(site.project, who="ada", why="first")
    return site


def test_by_mouse(desk: Site) -> None:
    page = begun(desk, 12)
    first = shown_tokens(page)
    tiles = page.get_by_role("checkbox")
    tiles.nth(1).click()
    tiles.nth(4).click(modifiers=["Shift"])
    assert ticked(page) == [2, 3, 4, 5]
    tiles.nth(2).click()
    tiles.nth(8).click()
    assert ticked(page) == [2, 4, 5, 9]
    expect(page.get_by_text("4 of 12 ticked")).to_be_visible()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    title = page.title()
    page.evaluate("window.mark = 'still the same page'")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("1 done, 5 left")).to_be_visible()
    assert page.evaluate("window.mark") == "still the same page"
    assert not set(first) & set(shown_tokens(page))
    assert ticked(page) == []
    assert page.title() != title
    expect(tiles.first).to_be_focused()
    assert list(chosen_by_worker(desk.project).values()) == [{first[n] for n in (1, 3, 4, 8)}]


def test_by_keyboard_alone_from_the_invitation_on(desk: Site) -> None:
    invitation = invite(desk.project, "worker", who="ada")
    page = desk.page("")
    page.goto(invitation_link(desk.app.state.services, invitation))
    press = page.keyboard.press
    page.keyboard.type("Bo")
    press("Enter")
    page.get_by_role("link", name="Label images").wait_for()
    tab_to(page, "Label images")
    press("Enter")
    page.get_by_role("button", name="Begin").wait_for()
    tab_to(page, "Begin")
    press("Enter")
    places(page, 12)
    tokens = shown_tokens(page)
    press(" ")  # 1
    press("ArrowRight")
    press("l")
    press(" ")  # 3
    press("j")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    columns = page.evaluate(
        "getComputedStyle(document.getElementById('grid')).gridTemplateColumns.split(' ').length"
    )
    assert focused == f"Image {3 + columns} of 12"
    press("k")
    press("h")
    press("Shift+ ")  # 2 and 3, as 3 was ticked last
    press("1")
    press("2")
    press(" ")  # 12
    assert ticked(page) == [1, 2, 3, 12]
    press("Enter")
    expect(page.get_by_text("1 done, 5 left")).to_be_visible()
    assert list(chosen_by_worker(desk.project).values()) == [{tokens[n] for n in (0, 1, 2, 11)}]


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has a name has the focus."""
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == name:
            return
    pytest.fail(f"Tab does not lead to {name!r}")


def test_all_none_undo_and_an_answer_of_none(desk: Site) -> None:
    page = begun(desk, 12)
    press = page.keyboard.press
    press("a")
    assert len(ticked(page)) == 12
    press("n")
    press("5")
    press(" ")
    assert ticked(page) == [5]
    for expected in ([], list(range(1, 13)), []):
        press("z")
        assert ticked(page) == expected
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    press("Enter")
    dialog = page.get_by_role("dialog", name="Is it on none of them?")
    expect(dialog).to_be_visible()
    press("a")  # keys of the grid rest
    dialog.get_by_role("button", name="Look again").click()
    assert ticked(page) == []
    assert chosen_by_worker(desk.project) == {}
    page.get_by_role("button", name="Submit").click()
    dialog.get_by_role("button", name="Submit: none").click()
    expect(page.get_by_text("1 done, 5 left")).to_be_visible()
    assert list(chosen_by_worker(desk.project).values()) == [set()]


def test_two_at_once_until_nothing_is_left(desk: Site) -> None:
    pages = [begun(desk, 12, name) for name in ("Bo", "Cy")]
    for number in range(1, 7):
        for page in pages:
            places(page, 12)
            page.get_by_role("checkbox").nth(number).click()
            page.get_by_role("button", name="Submit").click()
        for page in pages:
            if number < 6:
                expect(page.get_by_text(f"{number} done, {6 - number} left")).to_be_visible()
    for page in pages:
        expect(page.get_by_role("heading", name="Nothing is left for you")).to_be_focused()
        assert page.get_by_role("checkbox").count() == 0
        expect(page.get_by_text("72", exact=True)).to_be_visible()  # images in this session
    entries = list(desk.project.entries(action="answers.submit"))
    assert len({(one.who, one.subject) for one in entries}) == len(entries) == 12
    assert {one.detail["selected"] for one in entries} == {1}
    assert_accessible(pages[0])


def test_a_task_can_be_given_back(desk: Site) -> None:
    page = begun(desk, 12)
    page.get_by_role("checkbox").first.click()
    page.get_by_role("button", name="Give back").click()
    page.get_by_role("button", name="Give it back").click()
    expect(page.get_by_role("heading", name="You gave the task back")).to_be_focused()
    assert_accessible(page)
    page.get_by_role("button", name="Go on").click()
    places(page, 12)
    assert ticked(page) == []


def test_help_keeps_the_focus_and_the_keys(desk: Site) -> None:
    page = begun(desk, 12)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    for _ in range(5):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('#help')"
        )
        page.keyboard.press("a")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("checkbox").first).to_be_focused()
    assert ticked(page) == []


def test_a_held_mouse_shows_an_image_large(desk: Site) -> None:
    page = begun(desk, 12)
    tile = page.get_by_role("checkbox").nth(2)
    tile.hover()
    page.mouse.down()
    zoom = page.get_by_role("dialog", name="Large view")
    expect(zoom).to_be_visible()
    page.mouse.up()
    expect(zoom).to_be_hidden()
    expect(tile).to_be_focused()
    assert ticked(page) == []
    page.keyboard.press("v")
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    expect(zoom.get_by_text("Image 4 of 12, ticked")).to_be_visible()
    page.keyboard.press("Escape")
    assert ticked(page) == [4]


@pytest.fixture
def gallery(tmp_path: Path, browser: Browser) -> Iterator[Site]:
    """A site with pictures that look like something, and grids of 48."""
    with scenes_project(tmp_path / "project", candidates=42) as project:
        make_tasks(project, who="ada", why="first")
        with served(project, browser) as site:
            yield site


def test_on_a_phone_by_touch(gallery: Site) -> None:
    page = gallery.page("worker", "Bo", size=PHONE)
    page.goto(f"{gallery.url}/label")
    page.get_by_role("button", name="Begin").tap()
    places(page, 48)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    tiles = page.get_by_role("checkbox")
    tiles.nth(0).tap()
    tiles.nth(4).tap()
    assert ticked(page) == [1, 5]
    assert_accessible(page)
    take_picture(page, "label-phone", whole=False)
    box = tiles.nth(7).bounding_box()
    assert box is not None
    assert box["width"] > 100
    touch = page.context.new_cdp_session(page)
    point = {"x": box["x"] + 40, "y": box["y"] + 40}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    zoom = page.get_by_role("dialog", name="Large view")
    expect(zoom).to_be_visible()
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(zoom).to_be_visible()  # a finger hides what it holds
    expect(zoom.get_by_text("Image 8 of 48")).to_be_visible()
    assert ticked(page) == [1, 5]
    take_picture(page, "label-phone-large", whole=False)
    zoom.get_by_role("img").tap()
    expect(zoom).to_be_hidden()
    page.get_by_role("button", name="Submit").tap()
    expect(page.get_by_text("1 done")).to_be_visible()
    assert [len(tokens) for tokens in chosen_by_worker(gallery.project).values()] == [2]


def test_at_a_desk_with_48_images(gallery: Site) -> None:
    page = gallery.page("worker", "Bo")
    page.goto(f"{gallery.url}/label")
    assert_accessible(page)
    take_picture(page, "label-begin", whole=False)
    page.get_by_role("button", name="Begin").click()
    places(page, 48)
    expect(page.locator("#examples img")).to_have_count(6)
    for place in (0, 3, 9, 10):
        page.get_by_role("checkbox").nth(place).click()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert_accessible(page)
    take_picture(page, "label", whole=False)
    page.keyboard.press("?")
    assert_accessible(page)
    take_picture(page, "label-keys", whole=False)
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.emulate_media(color_scheme="dark")
    assert_accessible(page)
    take_picture(page, "label-dark", whole=False)
    page.keyboard.press("+")
    expect(page.locator("#grid")).to_have_attribute("data-size", "4")
