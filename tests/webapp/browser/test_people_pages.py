from __future__ import annotations

import pytest
from fakes.browser import PHONE, Site, assert_accessible, take_picture
from playwright.sync_api import expect

from freshset.replication.people import invite, join


@pytest.fixture
def peopled(site: Site) -> Site:
    """A site with a few people and invitations."""
    for role, name in (("worker", "Bo Lindqvist"), ("worker", "Cy"), ("reviewer", "Dana Okafor")):
        invitation = invite(site.project, role, note=f"for {name}", who="ada")
        join(site.project, invitation.invitation_id, name)
    invite(site.project, "worker", uses=30, note="Students of lab 3", who="ada")
    return site


def test_an_owner_invites_and_blocks(peopled: Site) -> None:
    page = peopled.page("owner", "Ada")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{peopled.url}/people")
    assert_accessible(page)
    take_picture(page, "people")
    page.get_by_label("For whom").fill("Edda")
    page.get_by_role("button", name="Make a link").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert_accessible(page)
    take_picture(page, "people-link")
    link = page.get_by_label("Link").input_value()
    assert page.evaluate("navigator.clipboard.readText()") == link

    newcomer = peopled.page("")
    newcomer.goto(link)
    newcomer.get_by_label("Your name").fill("Edda")
    newcomer.get_by_role("button", name="Join").click()
    newcomer.get_by_role("heading", name="You are in, Edda").wait_for()
    assert_accessible(newcomer)
    take_picture(newcomer, "me")
    own = newcomer.get_by_label("Your own link").input_value()

    page.get_by_role("link", name="Back to all people").click()
    row = page.get_by_role("row").filter(has_text="Edda")
    row.get_by_text("Change").click()
    assert_accessible(page)
    row.get_by_label("Reason").fill("Left the lab")
    row.get_by_role("button", name="Block").click()
    expect(page.get_by_role("row").filter(has_text="Edda")).to_contain_text("blocked")
    newcomer.goto(own)
    expect(newcomer.get_by_role("heading")).to_contain_text("lets nobody in")


def test_somebody_comes_back_on_a_phone(peopled: Site) -> None:
    owner = peopled.page("owner", "Ada", size=PHONE)
    owner.goto(f"{peopled.url}/people")
    assert_accessible(owner)
    take_picture(owner, "people-phone")
    assert owner.evaluate("document.documentElement.scrollWidth <= innerWidth")
    owner.get_by_role("link", name="Ada", exact=True).click()
    link = owner.get_by_label("Your own link").input_value()
    take_picture(owner, "me-phone")
    assert owner.evaluate("document.documentElement.scrollWidth <= innerWidth")
    other = peopled.page("", size=PHONE)
    other.goto(link)
    assert_accessible(other)
    take_picture(other, "enter-phone")
    other.get_by_role("button", name="Continue as Ada").click()
    expect(other.get_by_role("heading", name="Hello, Ada")).to_be_visible()
