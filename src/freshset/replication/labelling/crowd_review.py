"""What is done about a crowd's work: approve it, reject it with a reason, ask no further."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from freshset.core.errors import NotFoundError, StoreError, UsageError
from freshset.replication.labelling.crowd_work import Assignment, find_batch, read_assignments
from freshset.replication.labelling.grids import close_tasks
from freshset.replication.labelling.mturk import Client, refusals
from freshset.replication.project import Project
from freshset.replication.tables import answers, tasks

_PAST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Approval:
    """What became of assignments: ``approved`` now, or ``decided`` before, whichever way."""

    approved: int
    decided: int


def approve_assignments(
    project: Project,
    client: Client,
    batch: str,
    wanted: Collection[str],
    *,
    who: str,
    why: str,
) -> Approval:
    """Approve assignments, by which their workers are paid; those decided already stay as they are.

    Each is logged as soon as it is approved, so that after a failure the rest can be approved by
    doing the same again.

    Parameters
    ----------
    wanted
        Ids of assignments of the batch.

    Raises
    ------
    UsageError
        When none is named.
    NotFoundError
        When one is not of the batch; then none is approved.
    StoreError
        When the crowd refuses.
    """
    if not wanted:
        raise UsageError("No assignment was chosen.", "Tick those that shall be approved.")
    there = {one.assignment_id: one for one in read_assignments(project, client, batch)}
    chosen = [_one_of(there, name) for name in sorted(set(wanted))]
    approved = 0
    for one in chosen:
        if not one.waits:
            continue
        _ask(client, "approve_assignment", one, AssignmentId=one.assignment_id)
        with project.change("crowd.approve", who=who, why=why, subject=one.assignment_id) as change:
            change.detail |= _told(one)
        approved += 1
    return Approval(approved, len(chosen) - approved)


def reject_assignment(
    project: Project, client: Client, batch: str, assignment_id: str, *, who: str, why: str
) -> int:
    """Reject one assignment: its worker is not paid, and its answers do not count.

    Answers that were imported already are removed; returns how many.  A rejection that was made
    before is only brought to the project.

    Parameters
    ----------
    why
        What the worker is told.

    Raises
    ------
    NotFoundError
        When it is not of the batch.
    UsageError
        When it was approved, which cannot be undone, or there is no reason.
    StoreError
        When the crowd refuses.
    """
    if not why.strip():
        raise UsageError("A worker is told why.", "Give the reason.")
    there = {one.assignment_id: one for one in read_assignments(project, client, batch)}
    one = _one_of(there, assignment_id)
    if one.status == "Approved":
        raise UsageError("This assignment was approved already, and its worker paid.")
    if one.waits:
        _ask(client, "reject_assignment", one, AssignmentId=assignment_id, RequesterFeedback=why)
    with project.change("crowd.reject", who=who, why=why, subject=assignment_id) as change:
        c = answers.c
        own = sa.delete(answers).where(
            c.task_id == one.task_id, c.worker == one.worker, c.assignment_id == assignment_id
        )
        removed = int(change.connection.execute(own).rowcount)
        change.detail |= _told(one) | {"answers_removed": removed}
    return removed


def stop_asking(project: Project, client: Client, batch: str, *, who: str, why: str) -> int:
    """Close the tasks of a batch; those that were posted can no longer be accepted.

    Returns how many tasks were closed.  Who has accepted one may still submit it, and is to be paid.

    Raises
    ------
    NotFoundError
        When there is no such batch.
    StoreError
        When the crowd refuses; nothing is closed then.
    """
    with project.read() as connection:
        find_batch(connection, batch)
        query = sa.select(tasks.c.external_id).where(
            tasks.c.batch == batch, tasks.c.status == "published", tasks.c.external_id != ""
        )
        hits = list(connection.execute(query).scalars())
    for hit in hits:
        try:
            client.update_expiration_for_hit(HITId=hit, ExpireAt=_PAST)
        except refusals() as error:
            raise StoreError(f"MTurk does not end {hit} ({error}).", "Try again.") from error
    return close_tasks(project, batch, who=who, why=why)


def _one_of(there: dict[str, Assignment], name: str) -> Assignment:
    if name not in there:
        raise NotFoundError(f"The batch has no assignment {name!r}.", "Load the page again.")
    return there[name]


def _ask(client: Client, what: str, one: Assignment, **options: str) -> None:
    try:
        getattr(client, what)(**options)
    except refusals() as error:
        raise StoreError(
            f"MTurk refuses: assignment {one.assignment_id} stays as it was ({error}).",
            "What was done before is kept; do it again for the rest.",
        ) from error


def _told(one: Assignment) -> dict[str, str | int]:
    return {
        "hit": one.hit, "task": one.task_id, "worker": one.worker, "controls": one.controls,
        "right": one.right,
    }  # fmt: skip
