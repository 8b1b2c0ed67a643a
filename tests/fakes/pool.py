"""Projects that hold made-up images, and made-up answers about them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import sqlalchemy as sa

from freshset.core.frequencies import Frequencies
from freshset.replication import tables
from freshset.replication.project import Project

ANIMALS = """\
name: animals/fresh
original: animals/test
per_class: 3
classes:
  - {key: cat, definition: It purrs., confused_with: dog}
  - {key: dog, definition: It barks., confused_with: cat, per_class: 2}
sampling: {%s}
seeds: {sample: 7}
"""


def frequencies(rows: Iterable[tuple[str, str, float, float]]) -> Frequencies:
    """Image, class, selected, answers."""
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return Frequencies(
        np.array(columns[0], dtype=object),
        np.array(columns[1], dtype=object),
        np.array(columns[2], dtype=float),
        np.array(columns[3], dtype=float),
    )


def add_images(
    project: Project, ids: Iterable[str], class_key: str, *, pool: str = "candidate", word: str = ""
) -> None:
    """Put images into a pool; an image that is there already only gets another use."""
    with project.change("test.images", who="ada", why="test") as change:
        known = set(change.connection.execute(sa.select(tables.images.c.item_id)).scalars())
        for item in ids:
            if item not in known:
                row = {"item_id": item, "path": f"images/{item}.png", "pixels": item}
                row |= {"width": 8, "height": 8, "format": "PNG", "bytes": 100}
                change.connection.execute(sa.insert(tables.images), [row])
            use = {"item_id": item, "pool": pool, "class_key": class_key, "keyword": word}
            change.connection.execute(sa.insert(tables.members), [use])


def exclude(project: Project, item: str, *, kind: str = "blacklist") -> None:
    """Blacklist an image, or take it down."""
    with project.change(f"test.{kind}", who="ada", why="blurred") as change:
        row = {"item_id": item, "kind": kind, "reason": "blurred", "who": "ada", "at": change.at}
        change.connection.execute(sa.insert(tables.exclusions), [row])


def animals(project: Project, count: int = 8) -> Frequencies:
    """Candidates c0, c1, ... and d0, d1, ... of which all 10 workers said yes to all."""
    rows = []
    for letter, key in (("c", "cat"), ("d", "dog")):
        ids = [f"{letter}{k}" for k in range(count)]
        add_images(project, ids, key)
        rows += [(one, key, 10.0, 10.0) for one in ids]
    return frequencies(rows)


def pair(project: Project, a: str, b: str, verdict: str = "duplicate") -> None:
    """Give a verdict on two images, or another one."""
    with project.change("test.pair", who="ada", why="looked") as change:
        here = (tables.pairs.c.a == min(a, b)) & (tables.pairs.c.b == max(a, b))
        change.connection.execute(sa.delete(tables.pairs).where(here))
        row = {"a": min(a, b), "b": max(a, b), "verdict": verdict, "who": "ada", "at": change.at}
        change.connection.execute(sa.insert(tables.pairs), [row | {"version": 1}])
