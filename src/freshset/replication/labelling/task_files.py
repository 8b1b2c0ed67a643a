"""Labelling tasks as files, which name images by token and tell nobody which are controls."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from freshset.core.errors import DataError, StoreError, UsageError
from freshset.core.files import pretty_json, write_atomic
from freshset.replication import tables
from freshset.replication.collecting.excluding import excluded
from freshset.replication.collecting.images import SHOWN, working_copy
from freshset.replication.project import Project
from freshset.replication.spec import ClassSpec

SCHEMA = "freshset.task/1"


@dataclass(frozen=True, slots=True)
class Shown:
    """A task as a worker may see it.

    Attributes
    ----------
    task_id, batch, status, external_id
        As in the table ``tasks``.
    asked
        The class.
    images
        Token and path of each image, in the order shown.
    """

    task_id: str
    batch: str
    status: str
    external_id: str
    asked: ClassSpec
    images: tuple[tuple[str, str], ...]


def read_tasks(project: Project, batch: str = "") -> list[Shown]:
    """Read the tasks of a batch, or all, in the order of their ids, which tells nothing.

    Raises
    ------
    DataError
        When there are none, or one asks for a class that the spec no longer has.
    """
    task, shown, image = tables.tasks, tables.task_items, tables.images
    query = sa.select(task).order_by(task.c.task_id)
    grid = (
        sa.select(shown.c.task_id, shown.c.token, image.c.path)
        .join(image, image.c.item_id == shown.c.item_id)
        .order_by(shown.c.task_id, shown.c.position)
    )
    with project.read() as connection:
        rows = connection.execute(query.where(task.c.batch == batch) if batch else query).all()
        images: dict[str, list[tuple[str, str]]] = {}
        for task_id, token, path in connection.execute(grid):
            images.setdefault(task_id, []).append((token, path))
    if not rows:
        what = f"No batch {batch!r}" if batch else "No tasks"
        raise DataError(f"{what} in this project.", "Make some: freshset testset tasks")
    classes = project.spec.by_key
    lost = sorted({row.class_key for row in rows} - classes.keys())
    if lost:
        raise DataError(f"There are tasks for {lost[0]!r}, which the spec no longer has.")
    return [
        Shown(
            row.task_id, row.batch, row.status, row.external_id, classes[row.class_key],
            tuple(images.get(row.task_id, ())),
        )
        for row in rows
    ]  # fmt: skip


def unseen_tasks(project: Project, batch: str, status: str) -> list[Shown]:
    """Read the tasks with a status that are still to be shown to somebody.

    Raises
    ------
    DataError
        When there are no tasks at all, or one of these shows an image that was taken down since: a
        grid with a hole would count as a no.
    """
    tasks = [task for task in read_tasks(project, batch) if task.status in status.split()]
    with project.read() as connection:
        gone = excluded(connection, kind="takedown")
    for task in tasks:
        if any(Path(path).stem in gone for _, path in task.images):
            raise DataError(
                f"Batch {task.batch} shows an image that was taken down since.",
                f"Close it and make new tasks: freshset testset tasks --batch {task.batch} --close",
            )
    return tasks


def export_tasks(project: Project, folder: Path, *, batch: str = "") -> int:
    """Write tasks that are not closed as files; returns how many.

    ``tasks.jsonl`` has a line a task with the class and the images' tokens, ``label-studio.json`` the
    same images one by one for Label Studio, ``images/`` the pictures as workers shall see them, called
    by token.

    Raises
    ------
    UsageError
        When the folder is there and not empty.
    DataError
        When there are no such tasks, or an image is missing or was taken down.
    StoreError
        When the files cannot be written.
    """
    tasks = unseen_tasks(project, batch, "open published")
    if not tasks:
        raise DataError("All these tasks are closed.", "Make new ones: freshset testset tasks")
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty.", "Give the folder of a new export.")
    try:
        names = {
            token: _picture(project, token, path, folder)
            for task in tasks
            for token, path in task.images
        }
        lines = [json.dumps(_line(task, names), ensure_ascii=False) + "\n" for task in tasks]
        write_atomic(folder / "label-studio.json", pretty_json([*_for_label_studio(tasks, names)]))
        # Last, so that a folder with this file is a whole one.
        write_atomic(folder / "tasks.jsonl", "".join(lines))
    except OSError as error:
        raise StoreError(
            f"{folder}: cannot be written ({error.strerror}).", "Make room, and export again."
        ) from error
    return len(tasks)


def _picture(project: Project, token: str, path: str, folder: Path) -> str:
    """Copy what is shown of an image; copies are all made in one way, and hold no metadata."""
    source = working_copy(project.folder, path, SHOWN)
    name = f"images/{token}{source.suffix}"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, folder / name)
    return name


def _line(task: Shown, names: dict[str, str]) -> dict[str, Any]:
    one = task.asked
    return {
        "schema": SCHEMA,
        "task_id": task.task_id,
        "class": one.key,
        "name": one.title,
        "definition": one.definition,
        "synonyms": list(one.synonyms),
        "links": list(one.links),
        "images": [{"token": token, "file": names[token]} for token, _ in task.images],
    }


def _for_label_studio(tasks: list[Shown], names: dict[str, str]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        for token, _ in task.images:
            question = f"Does this image show: {task.asked.title}? {task.asked.definition}"
            data = {
                "image": names[token], "token": token, "task_id": task.task_id,
                "class": task.asked.key, "question": question.strip(),
            }  # fmt: skip
            yield {"data": data}
