"""What comes before the first task, and how every state of the pages is for those who need help."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.browser import Site, assert_accessible, served, take_picture
from fakes.label_page import places, shown_tokens, ticked
from fakes.scenes import scenes_project
from playwright.sync_api import Browser, Page, expect

from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.labelling.qualification import next_trial
from freshset.replication.tables import people

PAGE = """\
page:
  instructions: |
    Tick a picture if the thing is in it, however small.

    Drawings count, too.
  consent: |
    Your answers become part of a public test set, under a number.

    You can stop at any time.
  qualification: 12
  pass_mark: 0.75
"""


@pytest.fixture
def strict(tmp_path: Path, browser: Browser) -> Iterator[Site]:
    """A site that asks for consent and a trial of twelve images."""
    with scenes_project(tmp_path / "project", candidates=8, page=PAGE) as project:
        make_tasks(project, who="ada", why="first")
        with served(project, browser) as site:
            yield site


def _rightly(site: Site, page: Page, name: str) -> list[int]:
    """Numbers of the images that show what the trial asks for, which no page tells."""
    with site.project.read() as connection:
        query = sa.select(people.c.person_id).where(people.c.name == name)
        person_id = connection.execute(query).scalar_one()
        worker = hash_worker(person_id, site.project.salt)
        trial = next_trial(connection, site.project.spec, worker)
    assert trial is not None
    assert not set(trial.items) & set(shown_tokens(page))
    return [n for n, item in enumerate(trial.items, start=1) if item in trial.positives]


def test_consent_and_a_trial_by_keyboard(strict: Site) -> None:
    page = strict.page("worker", "Bo")
    page.goto(f"{strict.url}/label")
    expect(page.get_by_text("You can stop at any time.")).to_be_visible()
    assert_accessible(page)
    take_picture(page, "label-consent", whole=False)
    page.get_by_role("button", name="I agree").click()
    places(page, 12)
    assert_accessible(page)
    first = shown_tokens(page)
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.get_by_text("6 of 12 images were right; 9 are needed.")).to_be_visible()
    expect(page.get_by_text("You have 2 trials left")).to_be_visible()
    places(page, 12)
    assert not set(first) & set(shown_tokens(page))
    right = _rightly(strict, page, "Bo")
    page.keyboard.press("1")
    for number in range(1, 13):
        if number in right[:-1]:  # one mistake
            page.keyboard.press(" ")
        page.keyboard.press("ArrowRight")
    assert ticked(page) == right[:-1]
    take_picture(page, "label-trial", whole=False)
    page.keyboard.press("Enter")
    expect(page.get_by_text("You passed the trial: 11 of 12 right.")).to_be_visible()
    expect(page.get_by_text("Drawings count, too.").first).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Begin").click()
    places(page, 32)


def test_after_three_trials_somebody_is_named(strict: Site) -> None:
    page = strict.page("worker", "Cy")
    page.goto(f"{strict.url}/label")
    page.get_by_role("button", name="I agree").click()
    for number in (1, 2, 3):
        expect(page.get_by_text(f"{number} of at most 3")).to_be_visible()
        places(page, 12)
        page.get_by_role("button", name="Submit").click()
        dialog = page.get_by_role("dialog", name="Is it on none of them?")
        dialog.get_by_role("button", name="Submit: none").click()
    expect(page.get_by_role("heading", name="You cannot label this test set")).to_be_visible()
    expect(page.get_by_text("ask ada, who can invite you once more")).to_be_visible()
    assert_accessible(page)
    page.emulate_media(color_scheme="dark")
    assert_accessible(page)
    assert page.request.post(f"{strict.url}/api/labelling/next").status == 403


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_is_accessible(site: Site, scheme: str) -> None:
    page = site.page("worker")
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{site.url}/label")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="nothing to label now")).to_be_focused()
    assert_accessible(page)
    make_tasks(site.project, who="ada", why="first")
    page.route("**/labelling/images/*", lambda route: route.abort(), times=1)
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_role("button", name="Load image")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("nobody can say what is not there")).to_be_visible()
    page.get_by_role("checkbox").nth(1).click()
    assert_accessible(page)
    for opens, dialog in (("Instructions", "Instructions"), ("Give back", "Give this task back?")):
        page.get_by_role("button", name=opens).click()
        expect(page.get_by_role("dialog", name=dialog)).to_be_visible()
        assert_accessible(page)
        page.keyboard.press("Escape")
    page.route("**/api/labelling/next", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("heading", name="cannot be reached")).to_be_focused()
    assert_accessible(page)
    page.unroute("**/api/labelling/next")
    page.get_by_role("button", name="Try again").click()
    places(page, 12)
    assert ticked(page) == [2]


def test_without_scripts_the_page_says_so(site: Site) -> None:
    page = site.page("worker")
    page.goto(f"{site.url}/label")
    expect(page.get_by_text("How to label")).to_be_visible()
    expect(page.get_by_text("This page needs JavaScript")).to_be_hidden()
    context = site.browser.new_context(java_script_enabled=False)
    context.add_cookies(page.context.cookies())
    other = context.new_page()
    other.goto(f"{site.url}/label")
    expect(other.get_by_text("This page needs JavaScript")).to_be_visible()
    context.close()
