"""What other processes do to a project while a test looks on."""

from __future__ import annotations

import resource
from multiprocessing.queues import Queue
from pathlib import Path

import sqlalchemy as sa

from freshset.core.errors import StoreError
from freshset.replication import tables
from freshset.replication.collecting.candidates import Collecting, collect
from freshset.replication.collecting.sources.folder import Folder
from freshset.replication.project import Project


def add_settings(folder: Path, database: str, prefix: str, n: int) -> None:
    """Write n settings, each with its entry."""
    with Project.open(folder, database=database) as project:
        for i in range(n):
            with project.change("x.add", who=prefix, why="y", n=i) as change:
                row = {"key": f"{prefix}{i}", "value": i}
                change.connection.execute(sa.insert(tables.settings), [row])


def fill_the_disk(folder: Path, queue: Queue) -> None:
    """Write until no more than a little fits, as on a full disk."""
    with Project.open(folder) as project:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
        done = 0
        try:
            for i in range(100):
                with project.change("x.add", who="a", why="b", n=i) as change:
                    row = {"key": f"k{i}", "value": "x" * 30_000}
                    change.connection.execute(sa.insert(tables.settings), [row])
                done += 1
        except StoreError as error:
            queue.put((done, error.message, error.hint))


def collect_folder(folder: Path, database: str, path: Path) -> None:
    """Collect candidates in small batches."""
    with Project.open(folder, database=database) as project:
        source = Folder(path=path)
        collect(project, source, who="bob", why="more", how=Collecting(batch=5, workers=2))
