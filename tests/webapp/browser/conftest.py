from __future__ import annotations

from collections.abc import Iterator

import pytest
from fakes.browser import Site, chromium, served
from playwright.sync_api import Browser

from freshset.replication.project import Project


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of a module; while it is there, no test can run a loop of its own."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def site(project: Project, browser: Browser) -> Iterator[Site]:
    """The project of `tests/webapp/conftest`, served; nothing may go wrong in its scripts."""
    with served(project, browser) as site:
        yield site
