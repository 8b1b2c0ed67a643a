"""Composing labelling tasks: which images a worker sees together, and in which order.

A task asks for one class and shows a grid of images: candidates, positive controls (original images
of the class) and negative controls (original images of the class it is confused with).  The rules are
those by which the tasks of ImageNetV2 were made, draw by draw, so that a legacy generator with their
seed gives their tasks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from freshset.core.errors import DataError

Rng = np.random.Generator | np.random.RandomState


@dataclass(frozen=True, slots=True)
class Grid:
    """The size of a task.

    Attributes
    ----------
    images
        All images of the grid.
    positives, negatives
        Controls among them.
    """

    images: int = 48
    positives: int = 3
    negatives: int = 3

    @property
    def candidates(self) -> int:
        """Places left for candidates."""
        return self.images - self.positives - self.negatives


@dataclass(frozen=True, slots=True)
class Controls:
    """Original images that a class's controls are drawn from, in a fixed order.

    Attributes
    ----------
    positives
        Of the class.
    negatives
        Of the class it is confused with.
    """

    positives: Sequence[str]
    negatives: Sequence[str]


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    Attributes
    ----------
    class_key
        What is asked for.
    candidates, positives, negatives
        Item ids.
    order
        Places of the images in ``candidates + positives + negatives``, in the order shown.
    """

    class_key: str
    candidates: tuple[str, ...]
    positives: tuple[str, ...]
    negatives: tuple[str, ...]
    order: tuple[int, ...]

    @property
    def shown(self) -> tuple[tuple[str, str], ...]:
        """Item id and role (``candidate``, ``positive`` or ``negative``) in the order shown."""
        images = [
            *((item, "candidate") for item in self.candidates),
            *((item, "positive") for item in self.positives),
            *((item, "negative") for item in self.negatives),
        ]
        return tuple(images[place] for place in self.order)


def compose(
    candidates: Iterable[tuple[str, str]],
    controls: Mapping[str, Controls],
    grid: Grid,
    *,
    rng: Rng,
) -> list[Task]:
    """Compose the tasks for all candidates.

    Parameters
    ----------
    candidates
        Item id and class of each, in a fixed order: that of the classes is the order in which they
        first occur.
    controls
        By class.
    rng
        A legacy ``RandomState`` replays the tasks of ImageNetV2, seed 0.

    Returns
    -------
    list of Task
        A class's candidates in chunks of ``grid.candidates``.  Where the last of several chunks is
        short it is filled with random earlier candidates of the class.  Where the only chunk is short
        the rest are controls, half of them positive (the odd one too), as far as there are any.

    Raises
    ------
    DataError
        When a class has fewer originals than controls.

    References
    ----------
    Recht et al. (2019), "Do ImageNet classifiers generalize to ImageNet?", appendix, and the tasks
    published with it.
    """
    by_class: dict[str, list[str]] = {}
    for item, key in candidates:
        by_class.setdefault(key, []).append(item)
    tasks = []
    for key, items in by_class.items():
        pool = _checked(key, controls.get(key, Controls((), ())), grid)
        for chunk in _chunks(items, grid.candidates, rng):
            # Only a class with a single chunk can still be short here.
            missing = grid.candidates - len(chunk)
            positives = min(grid.positives + (missing + 1) // 2, len(pool.positives))
            negatives = min(grid.negatives + missing // 2, len(pool.negatives))
            tasks.append(_task(key, chunk, pool, (positives, negatives), rng))
    return tasks


def compose_originals(
    originals: Iterable[tuple[str, str]],
    candidates: Mapping[str, Sequence[str]],
    controls: Mapping[str, Controls],
    grid: Grid,
    *,
    rng: Rng,
) -> list[Task]:
    """Compose tasks that ask about original images, whose frequencies a matched sample needs.

    A third of each grid are originals of the class, half of the rest are candidates, and the others
    are negative controls, so that such a task looks like any other.

    Parameters
    ----------
    originals
        Item id and class of each image to be asked about, in a fixed order.
    candidates
        Those of each class that may be shown; may be few or none.
    controls
        By class; the negatives are used.

    Raises
    ------
    DataError
        When a class has no original to be told from it.

    References
    ----------
    The tasks by which ImageNetV2 estimated the histograms of 249 classes show 16, 16 and 16.
    """
    by_class: dict[str, list[str]] = {}
    for item, key in originals:
        by_class.setdefault(key, []).append(item)
    third, tasks = max(1, grid.images // 3), []
    for key, items in by_class.items():
        pool = _checked(
            key, controls.get(key, Controls((), ())), Grid(2, 0, min(grid.negatives, 1))
        )
        stock = list(candidates.get(key, ()))
        for start in range(0, len(items), third):
            asked = items[start : start + third]
            size = min((grid.images - len(asked)) // 2, len(stock))
            chunk = (
                [stock[place] for place in rng.choice(len(stock), size, replace=False)]
                if size
                else []
            )
            rest = min(grid.images - len(asked) - size, len(pool.negatives))
            every = Controls(asked, pool.negatives)
            tasks.append(_task(key, chunk, every, (len(asked), rest), rng))
    return tasks


def _task(key: str, chunk: Sequence[str], pool: Controls, sizes: tuple[int, int], rng: Rng) -> Task:
    positives, negatives = (
        tuple(of[place] for place in rng.choice(len(of), size, replace=False)) if size else ()
        for of, size in zip((pool.positives, pool.negatives), sizes, strict=True)
    )
    order = list(range(len(chunk) + sum(sizes)))
    rng.shuffle(order)
    return Task(key, tuple(chunk), positives, negatives, tuple(order))


def _chunks(items: Sequence[str], size: int, rng: Rng) -> list[list[str]]:
    chunks = [list(items[start : start + size]) for start in range(0, len(items), size)]
    last = chunks[-1]
    if len(chunks) > 1 and len(last) < size:
        earlier = len(items) - len(last)
        fill = rng.choice(earlier, size - len(last), replace=False)
        last += [items[place] for place in fill]
    return chunks


def _checked(key: str, pool: Controls, grid: Grid) -> Controls:
    for what, of, least in (
        ("positive", pool.positives, grid.positives),
        ("negative", pool.negatives, grid.negatives),
    ):
        if len(of) < least:
            raise DataError(
                f"Class {key!r} has {len(of)} original images for {least} {what} controls.",
                "Add original images (of the class it is confused with), or ask for fewer controls "
                "in the spec.",
            )
    return pool
