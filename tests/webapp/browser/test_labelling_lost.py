"""Nothing that a worker ticks is lost: lost connections, reloads, other windows, expired leases."""

from __future__ import annotations

import time

import sqlalchemy as sa
from fakes.browser import Site
from fakes.label_page import begun, chosen_by_worker, places, shown_tokens, ticked
from playwright.sync_api import Page, Route, expect

from freshset.replication.labelling.grids import make_tasks
from freshset.replication.tables import drafts, slots

DRAFT = "**/api/labelling/tasks/*/draft"
SUBMISSION = "**/api/labelling/tasks/*/submission"


def _start(site: Site, *, seconds: int = 600, answers: int = 3) -> Page:
    """A worker at the first task, who has so many seconds for it."""
    text = site.project.spec_text.replace(
        "answers: 3}", f"answers: {answers}, seconds: {seconds}}}"
    )
    text = text.replace("min_answers: 2", "min_answers: 1")
    site.project.change_spec(text, who="ada", why="test")
    make_tasks(site.project, who="ada", why="first")
    return begun(site, 12)


def _saved(site: Site) -> list[list[str]]:
    with site.project.read() as connection:
        return list(connection.execute(sa.select(drafts.c.chosen)).scalars())


def _wait_until_saved(site: Site, tokens: list[str]) -> None:
    end = time.monotonic() + 5
    while _saved(site) != [tokens] and time.monotonic() < end:
        time.sleep(0.05)
    assert _saved(site) == [tokens]


def _tick(page: Page, *numbers: int) -> None:
    for number in numbers:
        page.get_by_role("checkbox").nth(number - 1).click()


def _lose_answer(route: Route) -> None:
    """Let a request through, and lose what comes back."""
    route.fetch()
    route.abort()


def test_a_connection_lost_in_mid_task(site: Site) -> None:
    page = _start(site)
    tokens = shown_tokens(page)
    _tick(page, 1)
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.context.set_offline(True)
    _tick(page, 2, 3)
    expect(page.get_by_text("Your ticks are kept here")).to_be_visible()
    assert _saved(site) == [tokens[:1]]
    page.context.set_offline(False)
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert _saved(site) == [tokens[:3]]
    page.context.set_offline(True)
    _tick(page, 4)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Your answer is kept here")).to_be_visible()
    assert chosen_by_worker(site.project) == {}
    page.context.set_offline(False)
    expect(page.get_by_text("1 done, 5 left")).to_be_visible()
    assert list(chosen_by_worker(site.project).values()) == [set(tokens[:4])]


def test_what_only_this_browser_knows_survives_a_reload(site: Site) -> None:
    page = _start(site)
    tokens = shown_tokens(page)
    _tick(page, 1)
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.route(DRAFT, lambda route: route.abort())
    _tick(page, 6)
    expect(page.get_by_text("Your ticks are kept here")).to_be_visible()
    assert _saved(site) == [tokens[:1]]
    page.reload()  # what is sent while a page is left passes the route
    page.unroute(DRAFT)
    places(page, 12)
    assert ticked(page) == [1, 6]
    _wait_until_saved(site, [tokens[0], tokens[5]])


def test_a_reload_while_an_answer_is_under_way(site: Site) -> None:
    page = _start(site)
    tokens = shown_tokens(page)
    page.route(DRAFT, _lose_answer, times=1)
    _tick(page, 1)
    expect(page.get_by_text("Your ticks are kept here")).to_be_visible()
    assert _saved(site) == [tokens[:1]]
    page.route(DRAFT, lambda route: route.abort())
    _tick(page, 2)  # the server has an older state than this, and of a newer version
    page.reload()
    places(page, 12)
    assert ticked(page) == [1, 2]
    page.unroute(DRAFT)
    _wait_until_saved(site, tokens[:2])


def test_an_answer_that_is_lost_on_its_way_back(site: Site) -> None:
    page = _start(site)
    tokens = shown_tokens(page)
    page.route(DRAFT, _lose_answer, times=1)
    _tick(page, 2)
    expect(page.get_by_text("Your ticks are kept here")).to_be_visible()
    _tick(page, 3)
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()  # no other window is suspected
    assert _saved(site) == [tokens[1:3]]
    page.route(SUBMISSION, _lose_answer, times=1)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("1 done, 5 left")).to_be_visible()
    assert list(chosen_by_worker(site.project).values()) == [set(tokens[1:3])]
    assert len(list(site.project.entries(action="answers.submit"))) == 1


def test_two_windows_with_one_task(site: Site) -> None:
    page = _start(site)
    other = page.context.new_page()
    other.goto(page.url)
    places(other, 12)
    _tick(page, 1)
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    _tick(other, 2)
    expect(other.get_by_text("open in another window")).to_be_visible()
    other.get_by_role("button", name="Take those ticks").click()
    assert ticked(other) == [1]
    _tick(other, 3)
    expect(other.get_by_text("Saved", exact=True)).to_be_visible()
    tokens = shown_tokens(other)
    assert _saved(site) == [[tokens[0], tokens[2]]]
    other.get_by_role("button", name="Submit").click()
    expect(other.get_by_text("1 done, 5 left")).to_be_visible()
    _tick(page, 5)
    expect(page.get_by_text("no longer yours")).to_be_visible()
    page.get_by_role("button", name="Next task").click()
    places(page, 12)
    assert shown_tokens(page) == shown_tokens(other)


def test_time_that_runs_out(site: Site) -> None:
    page = _start(site, seconds=2, answers=1)
    tokens = shown_tokens(page)
    _tick(page, 1)
    expect(page.get_by_text("time for this task is over")).to_be_visible()
    page.get_by_role("button", name="Submit").click()  # nobody has taken the place
    expect(page.get_by_text("1 done, 5 left")).to_be_visible()
    assert list(chosen_by_worker(site.project).values()) == [{tokens[0]}]
    places(page, 12)
    late = shown_tokens(page)
    expect(page.get_by_text("time for this task is over")).to_be_visible()
    with site.project.change("test.take", who="ada", why="another worker was quicker") as change:
        taken = sa.update(slots).where(slots.c.state == "leased")
        change.connection.execute(taken.values(state="done", worker="somebody else"))
    _tick(page, 2)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("others have answered it since")).to_be_visible()
    page.get_by_role("button", name="Next task").click()
    places(page, 12)
    assert not set(late) & set(shown_tokens(page))
    assert len(chosen_by_worker(site.project)) == 1


def test_a_missing_picture_does_not_count_as_a_no(site: Site) -> None:
    page = site.page("worker")
    page.goto(f"{site.url}/label")
    lost: list[str] = []

    def lose_one(route: Route) -> None:
        if not lost or route.request.url == lost[0]:
            lost.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    make_tasks(site.project, who="ada", why="first")
    page.route("**/labelling/images/*", lose_one)
    page.get_by_role("button", name="Begin").click()
    tile = page.get_by_role("checkbox", name="could not be loaded")
    expect(tile).to_be_visible()
    page.keyboard.press("a")
    assert len(ticked(page)) == 11
    page.keyboard.press("Enter")
    expect(page.get_by_text("One image is missing")).to_be_visible()
    assert chosen_by_worker(site.project) == {}
    page.get_by_role("button", name="Load image").click()
    expect(tile).to_be_hidden()
    places(page, 12)
    expect(page.get_by_text("One image is missing")).to_be_hidden()
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 done, 5 left")).to_be_visible()
    assert [len(one) for one in chosen_by_worker(site.project).values()] == [12]


def test_somebody_who_was_signed_out_is_told_and_keeps_the_ticks(site: Site) -> None:
    page = _start(site)
    cookies = page.context.cookies()
    page.context.clear_cookies()
    _tick(page, 1)
    expect(page.get_by_text("You are not signed in.")).to_be_visible()
    _tick(page, 2)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("button", name="Load the page again")).to_be_focused()
    assert _saved(site) == []
    page.context.add_cookies(cookies)
    page.get_by_role("button", name="Load the page again").click()
    places(page, 12)
    assert ticked(page) == [1, 2]
