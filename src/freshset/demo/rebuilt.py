"""A fresh test set built from a pool of candidates, with labels of simulated annotators.

The candidates are the digits of the writers that no model has seen; the original is the old test set.
The whole way is that of any project: images are collected, tasks with hidden controls are made,
answers imported, and three strategies draw a set each, which is frozen.  The annotators and the
reviewer are simulated, and every name and title says so.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from PIL import Image
from scipy.special import expit

from freshset.core.frequencies import Frequencies
from freshset.core.records import TestSet
from freshset.demo.digits import OLD, Digits
from freshset.replication import tables
from freshset.replication.collecting.candidates import Collecting, collect
from freshset.replication.collecting.sources.folder import Folder
from freshset.replication.labelling.answers.importing import import_answers
from freshset.replication.labelling.answers.tables import read as read_answers
from freshset.replication.labelling.frequencies import pooled_frequencies
from freshset.replication.labelling.grids import make_tasks
from freshset.replication.project import Project
from freshset.replication.revisions.freeze import freeze, testset_of
from freshset.replication.revisions.review import Judgement, set_reviews
from freshset.replication.sampling.choose import draw_revision

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LOOKS_LIKE = (6, 7, 3, 8, 9, 3, 8, 1, 3, 4)
"""For each digit the one that it is most easily taken for; its images are the negative controls."""

TITLE = "digits-simulated-labels"
STRATEGIES = ("matched-frequency", "threshold", "top")
ANNOTATORS = 30

_WHO, _WHY = "demo", "A demonstration with simulated annotators"
_SIDE = 32
"""Side of the pictures in pixels; the digits themselves have 8 x 8."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The sets that were built.

    Attributes
    ----------
    testsets
        By strategy.
    rows
        Row numbers of their items among the digits, in the order of their items.
    old, candidates
        Simulated selection frequencies of the old test set, with its own names of items and classes,
        and of the candidates that the sets were drawn from.
    """

    testsets: Mapping[str, TestSet]
    rows: Mapping[str, npt.NDArray[np.int64]]
    old: Frequencies
    candidates: Frequencies


def rebuild(
    digits: Digits, folder: Path, *, seed: int = 0, step: Callable[[str], object] = str
) -> Rebuilt:
    """Build a test set by each of `STRATEGIES` from the digits of unseen writers.

    Parameters
    ----------
    folder
        Gets the images and ``project/``, which stay to be looked at; what was there goes.
    seed
        Of the simulated annotators.
    step
        Called with a short text after each of two steps.
    """
    shutil.rmtree(folder, ignore_errors=True)
    write_images(digits, digits.old, folder / "original")
    write_images(digits, digits.new, folder / "candidates")
    with Project.create(
        folder / "project", spec_text(STRATEGIES[0]), who=_WHO, why=_WHY
    ) as project:
        collect(
            project, Folder(path=folder / "original"), how=Collecting("test"), who=_WHO, why=_WHY
        )
        collect(project, Folder(path=folder / "candidates"), who=_WHO, why=_WHY)
        step("collected candidates")
        for originals in (False, True):
            make_tasks(project, originals=originals, who=_WHO, why=_WHY)
        _annotate(project, digits, folder / "answers.csv", seed)
        frequencies = pooled_frequencies(project).frequencies
        sets = {strategy: _draw(project, strategy, frequencies) for strategy in STRATEGIES}
        rows = _rows(project)
    step("built test sets with simulated annotators")
    places = {
        strategy: np.array([rows[item] for item in one.ids.tolist()], dtype=np.int64)
        for strategy, one in sets.items()
    }
    labels = np.array([NAMES.index(key) for key in frequencies.class_keys.tolist()])
    which = np.array([rows[item] for item in frequencies.item_ids.tolist()])
    old = frequencies[np.isin(which, digits.old) & (digits.labels[which] == labels)]
    return Rebuilt(
        sets, places, _with_old_names(old, rows), frequencies[np.isin(which, digits.new)]
    )


def write_images(digits: Digits, rows: npt.NDArray[np.int64], folder: Path) -> None:
    """Write digits into one folder a class, as people like to see them: large, dark on light."""
    for row in rows:
        path = folder / NAMES[digits.labels[row]] / f"digit-{row:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(digits, int(row)).save(path)


def picture(digits: Digits, row: int, *, ink: float = 1.0) -> Image.Image:
    """Draw one digit; less `ink` makes it lighter."""
    grey = 255 - 255 * ink * digits.images[row].reshape(8, 8) / 16
    small = Image.fromarray(grey.round().astype(np.uint8))
    return small.resize((_SIDE, _SIDE), Image.Resampling.NEAREST)


def spec_text(strategy: str, *, per_class: int = 20, extra: str = "") -> str:
    """Spec of a fresh set of digits, as YAML.

    Parameters
    ----------
    extra
        Sections to add.
    """
    classes = "".join(
        f"  - key: {name}\n    definition: The digit {digit}, written by hand.\n"
        f"    confused_with: {NAMES[like]}\n"
        for digit, (name, like) in enumerate(zip(NAMES, LOOKS_LIKE, strict=True))
    )
    rules = {"matched-frequency": "  upward: true\n", "threshold": "  threshold: 0.7\n"}
    return (
        f"name: {TITLE}\n"
        f"original: {OLD}\n"
        f"per_class: {per_class}\n"
        f"sampling:\n  strategy: {strategy}\n  min_answers: 6\n{rules.get(strategy, '')}"
        "tasks:\n  grid: 48\n  positives: 3\n  negatives: 3\n  answers: 10\n"
        f"workers:\n  policy: drop\n{extra}"
        f"classes:\n{classes}"
    )


def chances(digits: Digits) -> npt.NDArray[np.float64]:
    """How likely a simulated annotator says that a digit shows a class, shape (digits, 10).

    A digit is compared with the nearest other ones of each class: the closer the class is beside the
    closest other one, the likelier is a yes.  This stands in for people; it is not measured on any.
    """
    x = digits.images
    squares = (x**2).sum(axis=1)
    distance = squares[:, None] + squares[None] - 2 * x @ x.T
    np.fill_diagonal(distance, np.inf)
    near = np.stack(
        [np.sort(distance[:, digits.labels == c], axis=1)[:, :5].mean(axis=1) for c in range(10)],
        axis=1,
    )
    near = np.sqrt(near.clip(min=0))
    best_two = np.sort(near, axis=1)[:, :2]
    rival = np.where(near == best_two[:, :1], best_two[:, 1:], best_two[:, :1])
    return np.asarray(expit(14 * ((rival - near) / (rival + near) - 0.05)))


def _annotate(project: Project, digits: Digits, path: Path, seed: int) -> None:
    """Answer all tasks; one annotator in ten does not look."""
    rng = np.random.default_rng(seed)
    chance, rows = chances(digits), _rows(project)
    place = {name: number for number, name in enumerate(NAMES)}
    careless = np.arange(ANNOTATORS) % 10 == 0
    with project.read() as connection, path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(("worker", "task_id", "token", "selected"))
        for task, key, shown in _tasks(connection):
            p = np.array([chance[rows[item], place[key]] for _, item in shown])
            for worker in rng.permutation(ANNOTATORS)[: project.spec.tasks.answers]:
                yes = rng.random(len(p)) < (0.5 if careless[worker] else p)
                name = f"simulated-{worker:02d}"
                out.writerows(
                    (name, task, token, int(said))
                    for (token, _), said in zip(shown, yes, strict=True)
                )
    import_answers(project, read_answers(path), source="simulated", who=_WHO, why=_WHY)


def _tasks(connection: sa.Connection) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Tasks with what they ask for, and token and image of each place.

    Ids and tokens are random; in the order of class and images the same annotators get the same tasks.
    """
    items = tables.task_items.c
    query = (
        sa.select(items.task_id, tables.tasks.c.class_key, items.token, items.item_id)
        .join(tables.tasks, tables.tasks.c.task_id == items.task_id)
        .order_by(tables.tasks.c.class_key, items.task_id, items.position)
    )
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for task, key, token, item in connection.execute(query):
        found.setdefault((task, key), []).append((token, item))
    made = [(task, key, shown) for (task, key), shown in found.items()]
    return sorted(made, key=lambda one: (one[1], [item for _, item in one[2]]))


def _draw(project: Project, strategy: str, frequencies: Frequencies) -> TestSet:
    """Draw, review and freeze one set; the reviewer of the demo is content with all classes."""
    if project.spec.sampling.strategy != strategy:
        project.change_spec(spec_text(strategy), who=_WHO, why=_WHY)
    draw_revision(project, frequencies, name=strategy, who=_WHO, why=_WHY)
    good = [Judgement(name, "good") for name in NAMES]
    set_reviews(project, strategy, good, who="simulated reviewer", why=_WHY)
    freeze(project, strategy, allow_incomplete="A demonstration", who=_WHO, why=_WHY)
    return testset_of(project, strategy)


def _rows(project: Project) -> dict[str, int]:
    """Row number among the digits of every image."""
    origins = tables.origins.c
    query: sa.Select[Any] = sa.select(origins.item_id, origins.key)
    with project.read() as connection:
        found = connection.execute(query.where(origins.item_id.is_not(None))).all()
    return {item: int(Path(key).stem.removeprefix("digit-")) for item, key in found}


def _with_old_names(frequencies: Frequencies, rows: Mapping[str, int]) -> Frequencies:
    items = [f"digit-{rows[item]:04d}" for item in frequencies.item_ids.tolist()]
    classes = [str(NAMES.index(key)) for key in frequencies.class_keys.tolist()]
    return replace(
        frequencies,
        item_ids=np.array(items, dtype=object),
        class_keys=np.array(classes, dtype=object),
    )
