"""Workers in threads and processes of their own, who all want tasks at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fakes.desk import take

from freshset.replication.project import Project


def take_all(
    folder: Path, database: str, prefix: str, workers: int, put: Callable[[list[str]], object]
) -> None:
    """Take a task for each of some workers, each in a transaction; tells which tasks were given."""
    given = []
    with Project.open(folder, database=database) as project:
        for number in range(workers):
            with project.together() as together:
                lease = take(together, f"{prefix}-{number}")
            given += [lease.task_id] if lease else []
    put(given)
