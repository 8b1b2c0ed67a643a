"""A served app, and people who use it in a real Chromium."""

from __future__ import annotations

import io
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from starlette.responses import Response

from freshset.replication.people import invite, join
from freshset.replication.project import Project
from freshset.webapp.app import create_app
from freshset.webapp.boards import ServedBoard
from freshset.webapp.identity import COOKIE, open_session
from freshset.webapp.serving import listen, make_server
from freshset.webapp.settings import Settings

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a screen."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: the checks of the pages cannot run")
        # Chromium comes from the system, not from a package index; CI installs it and fails without.
        pytest.skip("no Chromium here: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()


class Site:
    """A served project and browsers of people who have joined it.

    Attributes
    ----------
    url
        Without a slash at the end.
    problems
        What scripts of the pages complained of, but for answers that a test provokes.
    """

    def __init__(self, project: Project, browser: Browser, url: str, app: Any) -> None:
        self.project, self.browser, self.url, self.app = project, browser, url, app
        self.problems: list[str] = []
        self._contexts: list[BrowserContext] = []

    def page(self, role: str, name: str = "", *, size: dict[str, int] | None = None) -> Page:
        """A new person's browser, at no page yet; a phone where it is of `PHONE` size."""
        size = size or DESK
        phone = size["width"] < 600
        context = self.browser.new_context(viewport=size, has_touch=phone, is_mobile=phone)
        self._contexts.append(context)
        if role:
            invitation = invite(self.project, role, who="ada")
            person = join(self.project, invitation.invitation_id, name or f"{role} {invitation.at}")
            response = Response()
            open_session(response, self.app.state.services, person)
            value = response.headers["set-cookie"].split(";")[0].split("=", 1)[1]
            context.add_cookies([{"name": COOKIE, "value": value, "url": self.url}])
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._heard)
        return page

    def _heard(self, message: Any) -> None:
        # Chromium also reports answers that tests provoke, such as a lost connection.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(message.text)

    def close(self) -> None:
        """Close all browsers."""
        for context in self._contexts:
            context.close()


@contextmanager
def served(project: Project, browser: Browser, board: ServedBoard | None = None) -> Iterator[Site]:
    """Serve a project, and maybe a leaderboard, on a free port of this machine."""
    place = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{place.getsockname()[1]}"
    app = create_app(project, Settings(base_url=url), board)
    server = make_server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    site = Site(project, browser, url, app)
    try:
        yield site
        assert site.problems == []
    finally:
        site.close()
        server.should_exit = True
        thread.join()
        place.close()


def assert_accessible(page: Page) -> None:
    """No violation that axe-core calls serious or critical."""
    found = Axe().run(page).response["violations"]
    serious = [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
    assert serious == []


def take_picture(page: Page, name: str, *, whole: bool = True) -> None:
    """Write a screenshot for the documentation where FRESHSET_PICTURES names a folder.

    It shows the whole page, or what fits the window; in 128 colours, which take a third of the room.
    """
    folder = os.environ.get("FRESHSET_PICTURES")
    if folder:
        image = Image.open(io.BytesIO(page.screenshot(full_page=whole))).convert("RGB")
        small = image.quantize(128, dither=Image.Dither.NONE)
        small.save(Path(folder) / f"{name}.png", optimize=True)
