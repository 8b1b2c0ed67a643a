"""Workers who label at their desks, without a browser, and a clock that can be set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from freshset.core.errors import FreshsetError
from freshset.replication.labelling.slots import Lease, Wish, allocate
from freshset.replication.labelling.submissions import Submission, accept
from freshset.replication.labelling.task_images import shown_tokens
from freshset.replication.project import Project, Together

CLOCKED = (
    "freshset.replication.project.now",
    "freshset.replication.labelling.slots.now",
    "freshset.replication.labelling.submissions.now",
)


class Clock:
    """What the project takes for the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead = timedelta()
        for name in CLOCKED:
            monkeypatch.setattr(name, self._now)

    def _now(self) -> str:
        return (datetime.now(UTC) + self._ahead).isoformat(timespec="microseconds")

    def forward(self, **by: float) -> None:
        """Put it forward, or back."""
        self._ahead += timedelta(**by)

    @staticmethod
    def parse(text: str) -> datetime:
        """A time of a table."""
        return datetime.fromisoformat(text)


def take(together: Together, worker: str, *, later_on: Collection[str] = ()) -> Lease | None:
    """Take a task."""
    (lease,) = allocate(together, [Wish(worker, later_on)])
    return lease


def submit(
    together: Together, worker: str, task_id: str, *, lease: str, chosen: Sequence[str]
) -> bool:
    """Answer a task; returns whether it had been answered before, or raises why it is refused."""
    (said,) = accept(together, [Submission(worker, task_id, lease, chosen)])
    if isinstance(said, FreshsetError):
        raise said
    return said


def tokens(project: Project, task_id: str) -> list[str]:
    """Tokens of a task's images, in the order shown."""
    with project.read() as connection:
        return shown_tokens(connection, task_id)


def answer(
    project: Project,
    worker: str,
    lease: Lease,
    ticks: Callable[[str], bool] = lambda token: token[0] < "8",
) -> bool:
    """Answer a task; returns whether it had been answered before."""
    chosen = [token for token in tokens(project, lease.task_id) if ticks(token)]
    with project.together() as together:
        return submit(together, worker, lease.task_id, lease=lease.lease, chosen=chosen)


def answer_all(project: Project, worker: str) -> int:
    """Answer all that there is for a worker; returns how many tasks."""
    count = 0
    while True:
        with project.together() as together:
            lease = take(together, worker)
        if lease is None:
            return count
        assert not answer(project, worker, lease)
        count += 1
