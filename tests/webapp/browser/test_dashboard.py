from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from fakes.browser import PHONE, Site, assert_accessible, take_picture
from fakes.crowd import answered
from playwright.sync_api import Page, expect

from freshset.replication import tables
from freshset.replication.labelling.answers.base import answer_records
from freshset.replication.labelling.answers.importing import import_answers
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project

ME = {"who": "ada", "why": "test"}
_SUBMIT = """async () => {
  const { call } = await import("/static/api.js");
  const { task } = await call("POST", "/api/labelling/next");
  const chosen = task.images.slice(0, 6).map((image) => image.token);
  const place = `/api/labelling/tasks/${task.task_id}/submission`;
  await call("POST", place, { lease: task.lease, chosen });
}"""


def labelled(project: Project, workers: int = 6) -> None:
    """Answers of so many simulated workers, the first of whom ticks everything."""
    skills = {f"w{n}": 0.95 if n else 0.0 for n in range(workers)}
    frame = answered(project, skills, rng=np.random.default_rng(0))
    columns = {str(name): frame[name] for name in frame.columns if name != "token"}
    records = answer_records(Path("made"), columns | {"item": frame["token"]})
    import_answers(project, records, source="table", **ME)


def history(project: Project) -> None:
    """Submissions of simulated workers over the last day, more of them by day than by night."""
    rng, now = np.random.default_rng(1), datetime.now(UTC)
    of = tables.tasks.c
    with project.change("fake", **ME) as change:
        ids = change.connection.execute(sa.select(of.task_id).order_by(of.task_id)).scalars().all()
        rows = []
        for slot in range(10, 60):
            for task in ids:
                hours = 20 * rng.random() ** 2
                if 8 < hours < 14 and rng.random() < 0.8:
                    continue
                ended = now - timedelta(hours=hours)
                begun = ended - timedelta(seconds=40 + 30 * rng.random())
                times = {"leased_at": begun.isoformat(), "submitted_at": ended.isoformat()}
                row = {"task_id": task, "slot": slot, "state": "done", "worker": f"h{slot}"}
                rows.append(row | times)
        change.connection.execute(sa.insert(tables.slots), rows)


def submit(page: Page, site: Site) -> None:
    """A worker takes a task and answers it."""
    page.goto(site.url)
    page.evaluate(_SUBMIT)


def test_it_follows_what_workers_do(site: Site) -> None:
    make_tasks(site.project, **ME)
    worker, owner = site.page("worker", "Bo"), site.page("owner", "Ada")
    owner.goto(f"{site.url}/dashboard")
    expect(owner.locator("#answers")).to_have_text("0")
    expect(owner.get_by_text("Nobody has answered yet")).to_be_visible()
    loaded = owner.evaluate("performance.timeOrigin")
    submit(worker, site)
    # By itself, without a new page.
    expect(owner.locator("#answers")).to_have_text("12")
    expect(owner.locator("#done")).to_contain_text("1")
    assert owner.evaluate("performance.timeOrigin") == loaded
    expect(owner.locator("#said")).to_contain_text("0 answers. 0 of")
    expect(owner.locator("#state")).to_contain_text("As of")


def test_it_rests_while_nobody_looks(site: Site) -> None:
    owner = site.page("owner", "Ada")
    asked: list[int] = []
    owner.on("response", lambda got: "/dashboard/live" in got.url and asked.append(got.status))
    owner.add_init_script("Object.defineProperty(document, 'hidden', { get: () => window.away })")
    owner.clock.install()
    owner.goto(f"{site.url}/dashboard")
    expect(owner.locator("#state")).to_contain_text("As of")
    # Nothing has changed: no body is sent.
    with owner.expect_response("**/dashboard/live") as again:
        owner.clock.run_for(3_100)
    assert again.value.status == 304
    expect(owner.locator("#state")).to_contain_text("As of")
    owner.evaluate("window.away = true; document.dispatchEvent(new Event('visibilitychange'))")
    before = len(asked)
    owner.clock.run_for(30_000)
    assert len(asked) == before
    with owner.expect_response("**/dashboard/live"):
        owner.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")


def test_it_is_for_everybody(site: Site) -> None:
    before, after = (
        "{strategy: threshold, threshold: 0.5, min_answers: 2}",
        ("{strategy: matched-frequency, min_answers: 2, min_original_images: 2}"),
    )
    site.project.change_spec(site.project.spec_text.replace(before, after), **ME)
    make_tasks(site.project, **ME)
    for name in ("Bo", "Cy"):
        submit(site.page("worker", name), site)
    history(site.project)
    labelled(site.project)
    owner = site.page("owner", "Ada")
    owner.goto(f"{site.url}/dashboard")
    owner.get_by_role("heading", name="Workers", exact=True).wait_for()
    expect(owner.locator(".workers tbody tr").first).to_contain_text("below")
    assert_accessible(owner)
    take_picture(owner, "dashboard")
    owner.emulate_media(color_scheme="dark")
    assert_accessible(owner)
    take_picture(owner, "dashboard-dark")
    phone = site.page("owner", "Ed", size=PHONE)
    phone.goto(f"{site.url}/dashboard")
    phone.get_by_role("heading", name="Workers", exact=True).wait_for()
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert_accessible(phone)
    take_picture(phone, "dashboard-phone")


def test_answers_are_downloaded(site: Site) -> None:
    make_tasks(site.project, **ME)
    labelled(site.project, workers=2)
    owner = site.page("owner", "Ada")
    owner.goto(f"{site.url}/dashboard")
    with owner.expect_download() as download:
        owner.get_by_role("link", name="Answers (JSON lines)").click()
    assert download.value.suggested_filename == "shapes-fresh-answers.jsonl"
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["rows"] == len(lines) - 1 > 20


def test_the_log_is_searched(site: Site) -> None:
    for why in ("Blurred <b>badly</b>", "A drawing"):
        with site.project.change("exclude.blacklist", who="Cy", why=why, subject="ab" * 32, n=[1]):
            pass
    owner = site.page("owner", "Ada")
    owner.goto(f"{site.url}/log")
    owner.get_by_label("Words of the reason").fill("blurred")
    owner.get_by_label("Action").fill("exclude.")
    owner.keyboard.press("Enter")
    expect(owner.locator(".entry")).to_have_count(1)
    expect(owner.locator(".why")).to_have_text("Blurred <b>badly</b>")
    owner.locator("summary").click()
    expect(owner.locator(".entry dl")).to_contain_text("[1]")
    assert_accessible(owner)
    owner.get_by_role("link", name="Show all").click()
    owner.get_by_role("button", name="Check all entries").click()
    expect(owner.get_by_role("status")).to_contain_text("entries are as they were written")
    assert_accessible(owner)
    take_picture(owner, "log")
    phone = site.page("owner", "Ed", size=PHONE)
    phone.goto(f"{site.url}/log")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert_accessible(phone)
    take_picture(phone, "log-phone")
