from __future__ import annotations

from pathlib import Path

import pytest
from fakes.browser import PHONE, Site, assert_accessible, take_picture
from fakes.review import Ready, ready
from playwright.sync_api import expect


@pytest.fixture
def there(site: Site, tmp_path: Path) -> Ready:
    return ready(site.project, tmp_path)


def test_filters_and_the_slider(site: Site, there: Ready) -> None:
    page = site.page("reviewer", "Eve")
    page.goto(site.url + "/pool")
    assert_accessible(page)
    page.get_by_role("link", name="square").click()
    expect(page.locator("#found-title")).to_have_text("20 images")
    assert_accessible(page)
    take_picture(page, "pool")
    slider = page.get_by_label("At least")
    slider.focus()
    for _ in range(16):
        slider.press("ArrowRight")
    expect(page.locator("#range-said")).to_have_text("0.80 to 1.00")
    expect(page.locator("#found-title")).not_to_have_text("20 images")
    shown = page.locator(".tile strong").all_inner_texts()
    assert shown
    assert all(float(value) >= 0.8 for value in shown)
    assert "low=0.8" in page.url
    page.get_by_label("Show").select_option("below-threshold")
    expect(page.locator("#found-title")).to_have_text("0 images")
    page.get_by_label("At least").fill("0")
    expect(page.locator("#found .tag").first).to_have_text("below the threshold")


def test_an_image_goes_on_the_blacklist_and_off_again(site: Site, there: Ready) -> None:
    page = site.page("reviewer", "Eve")
    page.goto(f"{site.url}/items/{there.waiting[0][0]}")
    assert_accessible(page)
    take_picture(page, "item")
    page.get_by_label("Reason").fill("<b>blurred</b>")
    page.get_by_role("button", name="Blacklist").click()
    expect(page.locator(".notice.bad")).to_contain_text("<b>blurred</b> (Eve")
    assert_accessible(page)
    page.get_by_label("Reason").fill("a slip")
    page.get_by_role("button", name="Release").click()
    page.get_by_role("button", name="Blacklist").wait_for()
    actions = [one.action for one in site.project.entries(action="image")]
    assert actions == ["image.blacklist", "image.release"]


def test_the_pool_on_a_phone(site: Site, there: Ready) -> None:
    page = site.page("reviewer", "Eve", size=PHONE)
    for path in ("/pool", "/pool/disc", f"/items/{there.chain[0]}"):
        page.goto(site.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert_accessible(page)
    page.goto(site.url + "/pool/disc")
    take_picture(page, "pool-phone")
