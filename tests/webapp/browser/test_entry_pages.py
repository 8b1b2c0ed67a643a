from __future__ import annotations

from fakes.browser import Site, assert_accessible, take_picture

from freshset.replication.people import invite
from freshset.webapp.links import invitation_link


def test_somebody_joins(site: Site) -> None:
    invitation = invite(site.project, "worker", who="ada")
    page = site.page("")
    page.goto(invitation_link(site.app.state.services, invitation))
    assert_accessible(page)
    take_picture(page, "join")
    page.get_by_label("Your name").fill("Bo")
    page.get_by_role("button", name="Join").click()
    page.get_by_role("link", name="Label images").wait_for()
    assert_accessible(page)
