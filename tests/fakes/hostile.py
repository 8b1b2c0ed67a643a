"""A project in which everything that comes from outside tries to run a script in somebody's browser."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import sqlalchemy as sa
from fakes.desk import submit, take
from fakes.web import SPEC, picture, write_pictures

from freshset.replication.collecting.candidates import Collecting, collect
from freshset.replication.collecting.excluding import blacklist
from freshset.replication.collecting.sources.folder import Folder
from freshset.replication.collecting.sources.testset import ORIGINAL, TestSetSource
from freshset.replication.duplicates.pairs import Said, record_verdicts
from freshset.replication.labelling.frequencies import pooled_frequencies
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project
from freshset.replication.sampling.choose import draw_revision
from freshset.replication.tables import members, task_items

BAD = """<img src=x onerror=alert(1)>"'><script>alert(1)<!--{{ 7*7 }}"""
"""What a browser would run if a page took it for its own; without a slash, so that it fits a path."""
BAD_FILE = "<img src=x onerror=alert(1)>'\"&{{ 7*7 }}.png"
LINKS = ("javascript:alert(1)", "data:text/html,<script>alert(1)</script>", '"onclick="alert(1)')
_PAGE = f"page: {{instructions: {json.dumps(BAD)}}}\n"


def hostile_project(folder: Path, *, database: str = "") -> Project:
    """Tasks, answers, verdicts, a blacklisted image and a drawn revision, all with bad texts."""
    project = Project.create(folder, hostile_spec(), who=BAD, why=BAD, database=database)
    place = folder.parent
    for pool, seed, count in (("test", 1, 8), ("train", 2, 4)):
        path = write_pictures(place / pool, count, seed=seed)
        source = TestSetSource(path=str(path), label=f"{ORIGINAL}{pool}", every_class=True)
        how = Collecting(pool="train" if pool == "train" else "test")
        collect(project, source, who=BAD, why=BAD, how=how)
    _collect(project, place / "pool", seed=3)
    with project.read() as connection:
        query = sa.select(members.c.item_id).where(members.c.pool == "candidate")
        items = sorted(connection.execute(query).scalars())
    record_verdicts(project, [Said(items[0], items[1], "duplicate", 0)], who=BAD, why=BAD)
    blacklist(project, [items[2]], who=BAD, why=BAD)
    make_tasks(project, who=BAD, why=BAD)
    for worker in ("a" * 32, "b" * 32, "c" * 32):
        _answer_all(project, worker)
    frequencies = pooled_frequencies(project).frequencies
    draw_revision(project, frequencies, name="r1", who=BAD, why=BAD)
    _collect(project, place / "more", seed=4)
    make_tasks(project, who=BAD, why=BAD)
    return project


def _collect(project: Project, path: Path, *, seed: int) -> None:
    write_pictures(path, 12, seed=seed)
    for key in ("disc", "square"):
        picture(key, 77 + seed).save(path / key / BAD_FILE)
    collect(project, Folder(path=path), who=BAD, why=BAD)


def hostile_spec() -> str:
    """The spec of `fakes.web` with bad names, texts and links."""
    bad, links = json.dumps(BAD), json.dumps(LINKS)
    return (
        SPEC.replace("name: disc\n", f"name: {bad}\n")
        .replace("definition: A filled round shape.", f"definition: {bad}")
        .replace("synonyms: [circle]", f"synonyms: [{bad}]")
        .replace('links: ["https://en.wikipedia.org/wiki/Disk_(mathematics)"]', f"links: {links}")
        .replace("A shape with four equal sides.", f"{bad}\n    links: {links}")
        .replace("min_answers: 2}", "min_answers: 2}\nduplicates: {thresholds: {}}")
        + _PAGE
    )


def _answer_all(project: Project, worker: str) -> None:
    while True:
        with project.together() as together:
            lease = take(together, worker)
            if lease is None:
                return
            query = sa.select(task_items.c.token).where(
                task_items.c.task_id == lease.task_id, task_items.c.role != "negative"
            )
            chosen = list(together.connection.execute(query).scalars())
            submit(together, worker, lease.task_id, lease=lease.lease, chosen=chosen)


class Found(HTMLParser):
    """What of a page a browser would run, load or follow.

    Attributes
    ----------
    faults
        Scripts in the page, handlers and styles in attributes, and addresses that are scripts.
    links
        Addresses of this site that the page leads to or loads.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.links: list[str] = []
        self._script = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"iframe", "object", "embed", "base", "style"}:
            self.faults.append(tag)
        self._script = tag == "script"
        if self._script and not (given.get("src") or "").startswith("/static/"):
            self.faults.append(str(given))
        for name, text in given.items():
            value = (text or "").strip()
            if name.startswith("on") or name in {"style", "srcdoc"}:
                self.faults.append(f"{tag} {name}={value}")
            if name in {"href", "src", "action", "formaction", "poster", "srcset", "data"}:
                self._address(tag, value)

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.faults.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def _address(self, tag: str, value: str) -> None:
        if tag == "img" and value.startswith(("data:,", "data:image/png")):
            return
        if value.startswith("/") and not value.startswith("//"):
            self.links.append(value)
        elif not value.startswith(("#", "?", "https://", "http://")) or "\n" in value:
            self.faults.append(f"{tag} {value}")
        elif value.startswith("?"):
            self.links.append(value)
