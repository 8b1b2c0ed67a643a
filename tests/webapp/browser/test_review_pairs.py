from __future__ import annotations

from pathlib import Path

import pytest
from fakes.browser import PHONE, Site, assert_accessible, take_picture
from fakes.review import PAIRS, Ready, ready
from playwright.sync_api import Page, expect

from freshset.replication.duplicates.state import read_state


@pytest.fixture
def there(site: Site, tmp_path: Path) -> Ready:
    return ready(site.project, tmp_path)


def verdicts(site: Site) -> dict[tuple[str, str], tuple[str, str, int]]:
    with site.project.read() as connection:
        state = read_state(connection)
    return {pair: (one.verdict, one.who, one.version) for pair, one in state.verdicts.items()}


def shown(page: Page) -> tuple[str, str]:
    pair = page.locator("#pair")
    return str(pair.get_attribute("data-a")), str(pair.get_attribute("data-b"))


def test_a_reviewer_judges_pairs_by_keyboard(site: Site, there: Ready) -> None:
    page = site.page("reviewer", "Eve")
    page.goto(site.url + "/pairs")
    assert shown(page) == there.waiting[0]
    page.wait_for_function("document.querySelector('#difference').getContext('2d')"
                           ".getImageData(176, 40, 1, 1).data[0] > 150")  # fmt: skip
    assert_accessible(page)
    take_picture(page, "pairs")
    page.keyboard.press("d")
    page.wait_for_url(f"**/{there.waiting[1][1]}")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/{there.waiting[2][1]}")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**/{there.waiting[1][1]}")
    page.keyboard.press("f")
    page.wait_for_url(f"**/{there.waiting[2][1]}")
    found = verdicts(site)
    assert found[there.waiting[0]] == ("duplicate", "Eve", 1)
    assert found[there.waiting[1]] == ("different", "Eve", 1)
    page.keyboard.press("u")
    page.wait_for_url(f"**/{there.waiting[1][1]}")
    assert verdicts(site)[there.waiting[1]] == ("open", "Eve", 2)
    expect(page.locator("#waiting")).to_have_text(str(PAIRS - 1))
    page.get_by_label("Reason").fill("cropped d u f")  # letters there are no verdicts
    assert verdicts(site)[there.waiting[1]][2] == 2


def test_two_reviewers_on_one_pair_lose_nothing(site: Site, there: Ready) -> None:
    a, b = there.waiting[0]
    eve, bob = site.page("reviewer", "Eve"), site.page("reviewer", "Bob")
    for page in (eve, bob):
        page.goto(f"{site.url}/pairs/{a}/{b}")
    eve.get_by_label("Reason").fill("same disc")
    eve.get_by_role("button", name="Duplicate").click()
    eve.wait_for_url(f"**/{there.waiting[1][1]}")
    bob.get_by_role("button", name="Different").click()
    dialog = bob.get_by_role("dialog", name="Somebody else was quicker")
    expect(dialog).to_contain_text("Eve said “duplicate”")
    expect(dialog).to_contain_text("same disc")
    assert verdicts(site)[a, b] == ("duplicate", "Eve", 1)
    assert_accessible(bob)
    bob.set_viewport_size({"width": 1280, "height": 1050})  # all of the page lies under the shade
    take_picture(bob, "pairs-conflict")
    dialog.get_by_role("button", name="Look again").click()
    expect(bob.locator("#said")).to_contain_text("Eve said duplicate")
    bob.wait_for_load_state()
    assert verdicts(site)[a, b] == ("duplicate", "Eve", 1)
    bob.keyboard.press("f")  # having seen it
    bob.wait_for_url(lambda url: b not in url)
    assert verdicts(site)[a, b] == ("different", "Bob", 2)


def test_one_may_be_put_in_the_place_of_the_other(site: Site, there: Ready) -> None:
    a, b = there.waiting[0]
    eve, bob = site.page("reviewer", "Eve"), site.page("reviewer", "Bob")
    for page in (eve, bob):
        page.goto(f"{site.url}/pairs/{a}/{b}")
    eve.keyboard.press("d")
    eve.wait_for_url(lambda url: b not in url)
    bob.keyboard.press("f")
    bob.get_by_role("button", name="Put mine in its place").click()
    bob.wait_for_url(lambda url: b not in url)
    assert verdicts(site)[a, b] == ("different", "Bob", 2)
    log = list(site.project.entries(action="pairs.verdict"))
    assert [(one.who, one.detail["pairs"][0][2:]) for one in log[-2:]] == [
        ("Eve", ["", "duplicate"]), ("Bob", ["duplicate", "different"]),
    ]  # fmt: skip


def test_a_cut_edge_lets_a_component_fall_apart(site: Site, there: Ready) -> None:
    _, second, third = there.chain
    page = site.page("reviewer", "Eve")
    page.goto(site.url + "/components")
    assert_accessible(page)
    page.get_by_role("link", name="3 images").click()
    expect(page.locator(".edge")).to_have_count(2)
    assert_accessible(page)
    take_picture(page, "component")
    line = page.locator(".edge-line", has=page.locator(f'a[href*="{third}"]'))
    line.get_by_label("Reason to cut").fill("another disc")
    line.get_by_role("button", name="Cut").click()
    expect(page.get_by_role("heading", name="2 images that duplicate each other")).to_be_visible()
    page.goto(f"{site.url}/components/{third}")
    expect(page.get_by_role("heading", name="linked to no other")).to_be_visible()
    assert verdicts(site)[min(second, third), max(second, third)] == ("cut", "Eve", 2)


def test_pairs_on_a_phone(site: Site, there: Ready) -> None:
    page = site.page("reviewer", "Eve", size=PHONE)
    page.goto(site.url + "/pairs")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert_accessible(page)
    take_picture(page, "pairs-phone")
    page.get_by_role("button", name="Duplicate").tap()
    page.wait_for_url(f"**/{there.waiting[1][1]}")
    page.goto(site.url + "/pairs/list")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert_accessible(page)
