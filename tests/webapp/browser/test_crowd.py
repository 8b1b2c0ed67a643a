from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import parse_qs

import pytest
from fakes.browser import PHONE, Site, assert_accessible, take_picture
from fakes.mturk import FakeMTurk
from playwright.sync_api import Page, Route, expect

from freshset.replication.labelling.grids import make_tasks
from freshset.replication.labelling.mturk import link_question, preview, publish
from freshset.replication.labelling.task_files import Shown, read_tasks
from freshset.webapp.settings import Settings

ME = {"who": "ada", "why": "test"}
SANDBOX = "https://workersandbox.mturk.com"


@dataclass(frozen=True)
class Proxied(Settings):
    """Behind HTTPS for the crowd, while this test comes without."""

    @property
    def secure(self) -> bool:
        return False


@pytest.fixture
def account(site: Site) -> Iterator[FakeMTurk]:
    """The account of a requester, which the app posts to; there is one batch of tasks."""
    make_tasks(site.project, **ME)
    account = FakeMTurk()
    services = site.app.state.services
    settings = Proxied(base_url="https://label.example.org", mturk_live=True)
    site.app.state.services = replace(
        services, mturk=lambda *, live=False: account, settings=settings
    )
    return account


def posted(site: Site, account: FakeMTurk) -> list[Shown]:
    question = link_question("https://label.example.org/mturk/tasks/{task}")
    plan = preview(site.project)
    publish(site.project, account, question=question, plan=plan, signed=("ada", "test"))
    return read_tasks(site.project)


def at_mturk(page: Page) -> list[dict[str, list[str]]]:
    """Catch what is sent to MTurk."""
    sent: list[dict[str, list[str]]] = []

    def answer(route: Route) -> None:
        assert route.request.method == "POST"
        sent.append(parse_qs(route.request.post_data or "", keep_blank_values=True))
        route.fulfill(body="<h1>Thank you</h1>", content_type="text/html")

    page.route(f"{SANDBOX}/mturk/externalSubmit", answer)
    return sent


def test_a_batch_is_posted_looked_at_and_paid(site: Site, account: FakeMTurk) -> None:
    owner = site.page("owner", "Ada")
    owner.goto(f"{site.url}/crowd")
    expect(owner.get_by_text("6 tasks \u00d7 3 workers")).to_be_visible()
    assert_accessible(owner)
    take_picture(owner, "crowd")
    owner.get_by_label("Real workers").check()
    owner.get_by_label("Reason").fill("too soon")
    owner.get_by_role("button", name="Post").click()
    expect(owner.get_by_role("alert")).to_contain_text("need the word LIVE")
    owner.get_by_label("Reason").fill("try it")
    owner.get_by_role("button", name="Post").click()
    expect(owner.get_by_role("status")).to_contain_text("6 tasks were posted")
    assert len(account.hits) == 6
    for number, task in enumerate(read_tasks(site.project)):
        tokens = [token for token, _ in task.images]
        account.submit(task.task_id, f"W{number % 3}", tokens if number % 3 else tokens[:3])
    owner.get_by_role("link", name="Batch 001").click()
    expect(owner.get_by_text("6 of 6 wait for you")).to_be_visible()
    owner.get_by_label("With at least").fill("50")
    owner.get_by_role("button", name="Tick these").click()
    ticked = owner.locator("input[name=assignment]:checked").count()
    assert 4 <= ticked <= 6
    assert_accessible(owner)
    take_picture(owner, "crowd-batch")
    owner.get_by_role("button", name="Approve what is ticked").click()
    expect(owner.get_by_role("status").first).to_contain_text(f"{ticked} assignments were approved")
    assert account.asked.count("approve_assignment") == ticked
    owner.get_by_role("region", name="Assignments").wait_for()
    owner.locator("form[action$='/import']").get_by_label("Reason").fill("look")
    owner.get_by_role("button", name="Import answers now").click()
    expect(owner.get_by_role("status").first).to_contain_text("new answers were imported")


def test_pages_of_the_crowd_fit_a_phone(site: Site, account: FakeMTurk) -> None:
    tasks = posted(site, account)
    account.submit(tasks[0].task_id, "W1", [])
    phone = site.page("owner", "Ada", size=PHONE)
    for path in ("/crowd", "/crowd/batches/001"):
        phone.goto(site.url + path)
        phone.wait_for_load_state("networkidle")
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert_accessible(phone)


def test_a_worker_of_mturk_does_a_task(site: Site, account: FakeMTurk) -> None:
    task = posted(site, account)[0]
    worker = site.page("", size={"width": 900, "height": 640})
    sent = at_mturk(worker)
    where = f"{site.url}/mturk/tasks/{task.task_id}"
    worker.goto(f"{where}?assignmentId=ABC123&hitId=H&workerId=W&turkSubmitTo={SANDBOX}")
    expect(worker.get_by_role("checkbox")).to_have_count(12)
    expect(worker.locator("#grid")).to_have_attribute("aria-busy", "false")
    assert_accessible(worker)
    worker.get_by_role("checkbox").nth(2).click()
    worker.keyboard.press("ArrowRight")
    worker.keyboard.press("Space")
    expect(worker.locator("#count")).to_have_text("2 of 12 ticked")
    worker.keyboard.press("-")
    worker.keyboard.press("-")
    take_picture(worker, "mturk")
    worker.keyboard.press("Enter")
    worker.get_by_role("heading", name="Thank you").wait_for()
    tokens = [token for token, _ in task.images]
    assert sent == [{"assignmentId": ["ABC123"], "selected": ["|".join(tokens[2:4])]}]


def test_none_is_an_answer_too(site: Site, account: FakeMTurk) -> None:
    task = posted(site, account)[0]
    worker = site.page("", size=PHONE)
    sent = at_mturk(worker)
    where = f"{site.url}/mturk/tasks/{task.task_id}"
    worker.goto(f"{where}?assignmentId=ABC123&turkSubmitTo={SANDBOX}")
    expect(worker.locator("#grid")).to_have_attribute("aria-busy", "false")
    worker.get_by_role("button", name="Submit").click()
    assert_accessible(worker)
    worker.get_by_role("button", name="Submit: none").click()
    worker.get_by_role("heading", name="Thank you").wait_for()
    assert sent == [{"assignmentId": ["ABC123"], "selected": [""]}]


def test_a_preview_cannot_be_ticked(site: Site, account: FakeMTurk) -> None:
    task = posted(site, account)[0]
    worker = site.page("")
    where = f"{site.url}/mturk/tasks/{task.task_id}"
    worker.goto(f"{where}?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE&turkSubmitTo={SANDBOX}")
    expect(worker.get_by_text("This is a preview")).to_be_visible()
    worker.get_by_role("checkbox").first.click()
    expect(worker.locator("#count")).to_have_text("0 of 12 ticked")
    expect(worker.get_by_role("button", name="Submit", exact=False).first).to_be_disabled()
    worker.keyboard.press("Enter")
    assert worker.url.startswith(where)
    assert_accessible(worker)
