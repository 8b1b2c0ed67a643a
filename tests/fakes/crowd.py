"""A project's images without files, and simulated people who answer its tasks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd
import sqlalchemy as sa

from freshset.replication import tables
from freshset.replication.project import Project


def item(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def add_images(project: Project, pool: str, sizes: Mapping[str, int], prefix: str = "") -> None:
    """Images ``POOL-CLASS-NUMBER.jpg``, known by the digest of that name, without files."""
    names = {
        f"{prefix}{pool}-{key}-{number}.jpg": key
        for key, size in sizes.items()
        for number in range(size)
    }
    with project.change("fake.images", who="test", why="test") as change:
        images = [
            {
                "item_id": item(name), "path": f"images/{name}", "pixels": item(name), "width": 8,
                "height": 8, "format": "JPEG", "bytes": 10,
            }
            for name in names
        ]  # fmt: skip
        members = [
            {"item_id": item(name), "pool": pool, "class_key": key, "keyword": ""}
            for name, key in names.items()
        ]
        change.connection.execute(sa.insert(tables.images), images)
        change.connection.execute(sa.insert(tables.members), members)


def shown(project: Project) -> pd.DataFrame:
    """Every image of every task, with the task's class."""
    task, image = tables.tasks.c, tables.task_items.c
    query = sa.select(
        task.task_id, task.class_key, image.item_id, image.role, image.token, image.position
    ).join(tables.task_items, task.task_id == image.task_id)
    query = query.order_by(task.task_id, image.position)
    with project.read() as connection:
        return pd.DataFrame(connection.execute(query).all())


def answered(
    project: Project, workers: Mapping[str, float], *, rng: np.random.Generator
) -> pd.DataFrame:
    """Simulated answers: a worker of skill s knows with probability s, and guesses otherwise.

    One of skill 0 ticks everything, and so fails half of the controls for certain.

    Candidates with an even first digit are of their class.
    """
    images = shown(project)
    truth = (images["role"] == "positive") | (
        (images["role"] == "candidate") & images["item_id"].str[0].isin(list("02468ace"))
    )
    parts = []
    for number, (name, skill) in enumerate(workers.items()):
        knows = rng.random(len(images)) < skill
        guess = (rng.random(len(images)) < 0.5) | (skill == 0)
        part = images[["task_id", "token"]].assign(
            worker=name,
            selected=np.where(knows, truth, guess).astype(int),
            submitted_at=f"2030-01-01T{number:02d}:00:00Z",
            assignment_id=f"{name}-" + images["task_id"],
        )
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
