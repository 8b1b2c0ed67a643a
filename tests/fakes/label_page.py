"""What a worker's page shows, and what the project then knows."""

from __future__ import annotations

import sqlalchemy as sa
from fakes.browser import Site
from playwright.sync_api import Page, expect

from freshset.replication.project import Project
from freshset.replication.tables import answers, task_items


def begun(site: Site, count: int, name: str = "") -> Page:
    """A new worker at the first task, which has so many images."""
    page = site.page("worker", name)
    page.goto(f"{site.url}/label")
    page.get_by_role("button", name="Begin").click()
    places(page, count)
    return page


def places(page: Page, count: int) -> None:
    """Wait until so many images are there."""
    expect(page.get_by_role("checkbox")).to_have_count(count)
    expect(page.locator("#grid")).to_have_attribute("aria-busy", "false")


def ticked(page: Page) -> list[int]:
    """Numbers of the images that are ticked."""
    marks = page.get_by_role("checkbox").evaluate_all(
        "tiles => tiles.map(one => one.getAttribute('aria-checked'))"
    )
    return [number for number, mark in enumerate(marks, start=1) if mark == "true"]


def shown_tokens(page: Page) -> list[str]:
    """What the page calls its images."""
    addresses = page.locator(".tile img").evaluate_all("all => all.map(one => one.src)")
    return [address.rsplit("/", 1)[1].split("?")[0] for address in addresses]


def chosen_by_worker(project: Project) -> dict[tuple[str, str], set[str]]:
    """Tokens of the images that were selected, by worker and task, of all that was answered."""
    same = sa.and_(
        task_items.c.task_id == answers.c.task_id, task_items.c.item_id == answers.c.item_id
    )
    query = sa.select(
        answers.c.worker, answers.c.task_id, answers.c.selected, task_items.c.token
    ).join(task_items, same)
    found: dict[tuple[str, str], set[str]] = {}
    with project.read() as connection:
        for worker, task_id, selected, token in connection.execute(query):
            chosen = found.setdefault((worker, task_id), set())
            if selected:
                chosen.add(token)
    return found
