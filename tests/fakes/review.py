"""A project that waits for reviewers: near-duplicates, answers, and a drawn revision; all made up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from fakes.found import put_found
from fakes.web import SPEC, picture
from PIL import Image

from freshset.replication import tables
from freshset.replication.collecting.candidates import collect
from freshset.replication.collecting.sources.folder import Folder
from freshset.replication.duplicates.pairs import Said, record_verdicts
from freshset.replication.duplicates.state import read_state
from freshset.replication.labelling.frequencies import pooled_frequencies
from freshset.replication.project import Project
from freshset.replication.sampling.choose import draw_revision

WHO = {"who": "ada", "why": "test"}
PAIRS = 4
"""Pairs that wait at first."""


@dataclass(frozen=True)
class Ready:
    """What there is to review.

    Attributes
    ----------
    waiting
        Pairs that wait, closest first, the lower id first.
    chain
        Three images of a component, linked in a row.
    revision
        Name of the first revision.
    """

    project: Project
    waiting: list[tuple[str, str]]
    chain: tuple[str, str, str]
    revision: str = "threshold-0"


def copies(folder: Path, count: int) -> Path:
    """Pictures of discs, and of each another one that is nearly the same."""
    (folder / "disc").mkdir(parents=True)
    for number in range(count):
        one = picture("disc", 7_000 + number)
        pixels = np.asarray(one).astype(int)
        pixels[10:24, 60:80] += 60  # a lighter spot
        one.save(folder / "disc" / f"a-{number}.png")
        other = np.clip(pixels, 0, 255).astype(np.uint8)
        Image.fromarray(other).save(folder / "disc" / f"b-{number}.png")
    return folder


def answer_all(project: Project, *, answers: int = 5) -> None:
    """Answers of so many workers about every image and class; the more yes the lower the id ends."""
    with project.change("answers.import", who="ada", why="test") as change:
        m = tables.members.c
        query = sa.select(m.item_id, m.class_key).where(m.pool != "train").distinct()
        rows = [
            {"worker": f"w{worker}", "item_id": item, "class_key": key,
             "selected": float(worker < 2 + int(item[-1], 16) % (answers - 1))}
            for item, key in change.connection.execute(query)
            for worker in range(answers)
        ]  # fmt: skip
        change.connection.execute(sa.insert(tables.answers), rows)


def ready(project: Project, folder: Path) -> Ready:
    """Make a project of `fakes.web.shapes_project` ready for reviewers."""
    project.change_spec(SPEC + "duplicates: {thresholds: {pixels: 100, phash: 6}}\n", **WHO)
    path = copies(folder / "copies", PAIRS + 2)
    collect(project, Folder(path=path), **WHO)
    with project.read() as connection:
        state = read_state(connection)
        o = tables.origins.c
        rows = connection.execute(sa.select(o.key, o.item_id))
        by_name = {Path(key).stem: item for key, item in rows}
    everybody = state.candidates.keys() | state.originals
    found: dict[str, tuple[dict[str, float], float]] = {
        item: ({}, 200.0) for item in state.candidates
    }
    hashes = {item: (dict[str, float](), 20.0) for item in state.candidates}
    waiting = []
    for number in range(PAIRS):
        a, b = sorted((by_name[f"a-{number}"], by_name[f"b-{number}"]))
        waiting.append((a, b))
        for one, other in ((a, b), (b, a)):
            found[one][0][other] = 10.0 + number
            hashes[one][0][other] = 2.0 * number
    put_found(project, "pixels", found, everybody)
    put_found(project, "phash", hashes, everybody)
    first, second = by_name[f"a-{PAIRS}"], by_name[f"b-{PAIRS}"]
    third = by_name[f"a-{PAIRS + 1}"]
    links = [Said(first, second, "duplicate"), Said(second, third, "duplicate")]
    record_verdicts(project, links, who="ada", why="looked")
    answer_all(project)
    frequencies = pooled_frequencies(project).frequencies
    draw_revision(project, frequencies, name="threshold-0", **WHO)
    return Ready(project, waiting, (first, second, third))
