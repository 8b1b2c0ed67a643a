from __future__ import annotations

from pathlib import Path

import pytest
from fakes.browser import PHONE, Site, assert_accessible, take_picture
from fakes.review import Ready, ready
from playwright.sync_api import expect

from freshset.replication.revisions.chain import load
from freshset.replication.revisions.review import reviews_of


@pytest.fixture
def there(site: Site, tmp_path: Path) -> Ready:
    return ready(site.project, tmp_path)


def items_of(site: Site, name: str, key: str) -> set[str]:
    with site.project.read() as connection:
        return {one.item_id for one in load(connection, name).items if one.class_key == key}


def verdict_of(site: Site, name: str, key: str) -> tuple[str, str, int]:
    with site.project.read() as connection:
        one = next(one for one in reviews_of(connection, name) if one.class_key == key)
    return one.verdict, one.who, one.version


def test_a_reviewer_replaces_an_image(site: Site, there: Ready) -> None:
    page = site.page("reviewer", "Eve")
    page.goto(site.url + "/revisions")
    page.get_by_role("link", name="threshold-0").click()
    page.get_by_role("link", name="square").click()
    page.wait_for_url("**/classes/square")
    page.keyboard.press("g")  # square is good; the next open class is disc
    page.wait_for_url("**/classes/disc")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.locator("#count")).to_have_text("1")
    gone = str(page.locator("#tiles input:checked").get_attribute("value"))
    entries = len(list(site.project.entries()))
    page.keyboard.press("r")
    come = page.locator("#preview .tile[data-item]").last
    come.wait_for()
    expected = str(come.get_attribute("data-item"))
    assert len(list(site.project.entries())) == entries
    page.get_by_role("button", name="Replace", exact=True).click()
    expect(page.locator("#status")).to_contain_text("Say what is wrong")
    page.get_by_label("What is wrong").fill("no disc at all")
    assert_accessible(page)
    take_picture(page, "class-review")
    page.get_by_role("button", name="Replace", exact=True).click()
    page.wait_for_url("**/revisions/threshold-1/classes/disc")
    expect(page.locator(".tile.new")).to_have_attribute("data-item", expected)
    before = items_of(site, "threshold-0", "disc")
    assert items_of(site, "threshold-1", "disc") == before - {gone} | {expected}
    assert verdict_of(site, "threshold-1", "square") == ("good", "Eve", 1)
    page.goto(site.url + "/revisions/threshold-1")
    assert_accessible(page)
    take_picture(page, "revision")


def test_two_reviewers_on_one_class_lose_nothing(site: Site, there: Ready) -> None:
    eve, bob = site.page("reviewer", "Eve"), site.page("reviewer", "Bob")
    for page in (eve, bob):
        page.goto(site.url + "/revisions/threshold-0/classes/disc")
    eve.keyboard.press("p")
    eve.wait_for_url("**/classes/square")
    bob.keyboard.press("g")
    dialog = bob.get_by_role("dialog", name="Somebody else was quicker")
    expect(dialog).to_contain_text("Eve found it problematic")
    assert verdict_of(site, "threshold-0", "disc") == ("problematic", "Eve", 1)
    assert_accessible(bob)
    dialog.get_by_role("button", name="Look again").click()
    expect(bob.locator("#said")).to_contain_text("Eve found it problematic")
    bob.wait_for_load_state()
    bob.keyboard.press("g")
    bob.wait_for_url("**/classes/square")
    assert verdict_of(site, "threshold-0", "disc") == ("good", "Bob", 2)


def test_ticks_come_along_to_what_another_has_drawn(site: Site, there: Ready) -> None:
    eve, bob = site.page("reviewer", "Eve"), site.page("reviewer", "Bob")
    ticked = {}
    for page, key in ((eve, "disc"), (bob, "square")):
        page.goto(f"{site.url}/revisions/threshold-0/classes/{key}")
        page.locator("#tiles input").first.check()
        ticked[key] = page.locator("#tiles input").first.get_attribute("value")
        page.get_by_label("What is wrong").fill("blurred")
    eve.get_by_role("button", name="Replace", exact=True).click()
    eve.wait_for_url("**/threshold-1/classes/disc")
    bob.get_by_role("button", name="Replace", exact=True).click()
    dialog = bob.get_by_role("dialog", name="Somebody else was quicker")
    expect(dialog).to_contain_text("'threshold-1' was drawn")
    dialog.get_by_role("button", name="Go on there").click()
    bob.wait_for_url("**/threshold-1/classes/square")
    expect(bob.locator("#tiles input:checked")).to_have_attribute("value", str(ticked["square"]))
    expect(bob.get_by_label("What is wrong")).to_have_value("blurred")
    bob.get_by_role("button", name="Replace", exact=True).click()
    bob.wait_for_url("**/threshold-2/classes/square")
    assert ticked["disc"] not in items_of(site, "threshold-2", "disc")
    assert ticked["square"] not in items_of(site, "threshold-2", "square")


def test_an_owner_freezes_what_is_ready(site: Site, there: Ready) -> None:
    page = site.page("owner", "Ola")
    page.goto(site.url + "/revisions")
    assert_accessible(page)
    take_picture(page, "revisions")
    for key in ("disc", "square"):
        page.goto(f"{site.url}/revisions/threshold-0/classes/{key}")
        page.get_by_role("button", name="Good").click()
        page.wait_for_url(lambda url, key=key: not url.endswith(key))
    page.goto(site.url + "/revisions/threshold-0")
    expect(page.get_by_text("Nothing. It is ready.")).to_be_visible()
    form = page.locator("form", has_text="Freeze it")
    form.get_by_label("Reason").fill("all reviewed")
    form.get_by_role("button", name="Freeze").click()
    page.get_by_text("Un-freeze it").wait_for(state="attached")
    assert_accessible(page)


def test_the_review_on_a_phone(site: Site, there: Ready) -> None:
    page = site.page("reviewer", "Eve", size=PHONE)
    for path in ("/revisions/threshold-0", "/revisions/threshold-0/classes/disc"):
        page.goto(site.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert_accessible(page)
    take_picture(page, "class-review-phone")
    page.locator("#tiles label").first.tap()
    expect(page.locator("#count")).to_have_text("1")
    page.get_by_role("button", name="Good").tap()
    page.wait_for_url("**/classes/square")
    assert verdict_of(site, "threshold-0", "disc")[0] == "good"
