from __future__ import annotations

from pathlib import Path

import pytest
from fakes.browser import served
from fakes.hostile import BAD, hostile_project
from playwright.sync_api import Browser, Page


@pytest.mark.parametrize("role", ["worker", "owner"])
def test_texts_from_outside_run_no_script(tmp_path: Path, browser: Browser, role: str) -> None:
    """In a real browser, where scripts of ours put texts into pages."""
    with (
        hostile_project(tmp_path / "project") as project,
        served(project, browser) as site,
    ):
        page = site.page(role, BAD[:80])
        dialogs: list[str] = []
        page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))
        page.goto(f"{site.url}/label")
        page.get_by_role("button", name="Begin").click()
        page.locator("#definition").filter(has_text="<script>").wait_for()
        _check(page)
        paths = ["/me"]
        if role == "owner":
            paths += ["/dashboard", "/log", "/people", "/pairs", "/pool/disc", "/revisions/r1",
                      "/revisions/r1/classes/disc"]  # fmt: skip
        for path in paths:
            page.goto(f"{site.url}{path}", wait_until="networkidle")
            _check(page)
        assert dialogs == []


def _check(page: Page) -> None:
    assert (
        page.evaluate("""() => [...document.querySelectorAll("*")].filter((one) =>
        one.getAttributeNames().some((name) => name.startsWith("on"))
        || /^(javascript|data:text)/i.test(one.getAttribute("href") ?? "")
        || (one.localName === "script" && !one.src)
        || (one.localName === "img" && one.getAttribute("src") === "x")
    ).map((one) => one.outerHTML)""")
        == []
    )
