"""What comes before the first task: consent, and a short trial with known answers.

The answers of the trial never leave this module; people are only told how many of theirs were right,
and no image comes twice, so that nobody can find out by trying.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa

from freshset.core.errors import ConflictError, DataError, UsageError
from freshset.core.files import sha256_bytes
from freshset.replication.labelling.answers.importing import hash_worker
from freshset.replication.labelling.grids import rivals
from freshset.replication.people import Person
from freshset.replication.project import Project
from freshset.replication.spec import Spec
from freshset.replication.tables import (
    exclusions,
    invitations,
    log,
    members,
    people,
    slots,
    task_items,
    tasks,
)

TRIES = 3
"""Trials that a person has."""

QUALIFY = "people.qualify"

Step = Literal["consent", "qualification"]


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial that a person is asked to do.

    Attributes
    ----------
    number
        Which of the person's trials it is, from 1.
    class_key
        The class that is asked for.
    items
        Ids of the images, in the order shown.
    positives
        Those of the class; not for pages.
    """

    number: int
    class_key: str
    items: tuple[str, ...]
    positives: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended.

    Attributes
    ----------
    right, shown
        Images that were ticked or left rightly, and all.
    needed
        How many had to be right.
    passed
        Whether that was enough.
    left
        Trials that the person still has.
    """

    right: int
    shown: int
    needed: int
    passed: bool
    left: int


def missing_step(person: Person, spec: Spec) -> Step | None:
    """What a person must do before the first task; ``None`` for nothing."""
    if spec.page.consent and not person.consented_at:
        return "consent"
    if spec.page.qualification and not person.qualified_at:
        return "qualification"
    return None


def consent_digest(spec: Spec) -> str:
    """Digest of the text that workers agree to."""
    return sha256_bytes(spec.page.consent.encode())


def give_consent(project: Project, person: Person, digest: str) -> None:
    """Note that somebody has agreed to the text of the spec, whose digest the log keeps.

    Who has agreed before stays as noted first.

    Parameters
    ----------
    digest
        Of the text that the person was shown.

    Raises
    ------
    ConflictError
        When the spec has another text by now.
    """
    who = hash_worker(person.person_id, project.salt)
    with project.change("people.consent", who=who, why="Agreed", subject=who) as change:
        if digest != consent_digest(project.spec):
            raise ConflictError("The text has changed.", "Read it again.")
        change.detail["text"] = digest
        update = sa.update(people).where(
            people.c.person_id == person.person_id, people.c.consented_at == ""
        )
        change.connection.execute(update.values(consented_at=change.at))


def next_trial(connection: sa.Connection, spec: Spec, worker: str) -> Trial | None:
    """The trial that somebody has to do next, the same until it is done; ``None`` if none is left.

    Half of the images show one class, which the worker decides, and half the class that it is confused
    with: original ones, rather of the training part than of the test part, rather such as no open task
    shows, and none that an earlier trial of the worker had.

    Parameters
    ----------
    worker
        The hash by which the log knows the worker.

    Raises
    ------
    DataError
        When the project's original images do not do even for the first one.
    """
    past = _past(connection, worker)
    if len(past) >= TRIES:
        return None
    number = len(past) + 1
    used = {item for detail in past for item in detail["items"]}
    rng = np.random.default_rng(int(sha256_bytes(f"trial:{worker}:{number}".encode())[:16], 16))
    keys, rival = list(spec.by_key), rivals(spec)
    for place in rng.permutation(len(keys)):
        key = keys[place]
        drawn = _draw(connection, (key, rival[key]), spec.page.qualification, used, rng)
        if drawn is not None:
            own, others = drawn
            items = [*own, *others]
            shuffled = tuple(items[i] for i in rng.permutation(len(items)))
            return Trial(number, key, shuffled, frozenset(own))
    if past:
        return None
    raise DataError(
        "The trial cannot be made: there are too few original images.",
        "Add original images of two classes that are confused, or set page.qualification to 0.",
    )


def score_trial(project: Project, person: Person, number: int, chosen: frozenset[str]) -> Outcome:
    """Score what somebody ticked in a trial, and let the person pass if that was good enough.

    Parameters
    ----------
    number
        Of the trial, as it was shown.
    chosen
        Ids of the images that were ticked.

    Raises
    ------
    ConflictError
        When that trial was done already, in another window for instance.
    UsageError
        When an image is not of the trial.
    """
    who = hash_worker(person.person_id, project.salt)
    with project.change(QUALIFY, who=who, why="Trial", subject=who) as change:
        spec = project.spec
        trial = next_trial(change.connection, spec, who)
        if trial is None or trial.number != number:
            raise ConflictError("You have done this trial already.", "Load the page again.")
        if not chosen <= set(trial.items):
            raise UsageError("An image is not of this trial.", "Load the page again.")
        right = sum((item in chosen) == (item in trial.positives) for item in trial.items)
        needed = math.ceil(spec.page.pass_mark * len(trial.items) - 1e-9)
        passed = right >= needed
        change.detail |= {
            "trial": number, "class": trial.class_key, "items": list(trial.items), "right": right,
            "needed": needed, "passed": passed,
        }  # fmt: skip
        if passed:
            update = sa.update(people).where(people.c.person_id == person.person_id)
            change.connection.execute(update.values(qualified_at=change.at))
    return Outcome(right, len(trial.items), needed, passed, TRIES - number)


def last_outcome(connection: sa.Connection, worker: str) -> Outcome | None:
    """How the last trial of a worker ended; ``None`` where there was none."""
    past = _past(connection, worker)
    if not past:
        return None
    last = past[-1]
    return Outcome(
        last["right"], len(last["items"]), last["needed"], last["passed"], TRIES - len(past)
    )


def has_begun(connection: sa.Connection, worker: str) -> bool:
    """Whether a worker was ever asked about a task."""
    query = sa.select(slots.c.task_id).where(slots.c.worker == worker).limit(1)
    return connection.execute(query).first() is not None


def inviter(connection: sa.Connection, person: Person) -> str:
    """Name of whoever invited a person; empty where nobody did."""
    query = (
        sa.select(invitations.c.who)
        .join(people, people.c.invitation_id == invitations.c.invitation_id)
        .where(people.c.person_id == person.person_id)
    )
    return str(connection.execute(query).scalar() or "")


def _past(connection: sa.Connection, worker: str) -> list[dict[str, Any]]:
    """What the log says of the trials that a worker has done."""
    query = sa.select(log.c.detail).where(log.c.action == QUALIFY, log.c.subject == worker)
    return list(connection.execute(query.order_by(log.c.seq)).scalars())


def _draw(
    connection: sa.Connection,
    keys: tuple[str, str],
    size: int,
    used: set[str],
    rng: np.random.Generator,
) -> tuple[list[str], list[str]] | None:
    """Images of a class, the odd one too, and of another; ``None`` where there are too few."""
    pools = {key: _pool(connection, key) for key in keys}
    own, other = (pools[key] for key in keys)
    wanted = (
        ({item: rank for item, rank in own.items() if item not in used}, (size + 1) // 2),
        (
            {i: rank for i, rank in other.items() if i not in used and i not in own},
            size // 2,
        ),
    )
    if any(len(pool) < count for pool, count in wanted) or (size > 1 and keys[0] == keys[1]):
        return None
    out = []
    for pool, count in wanted:
        items = sorted(pool)
        order = rng.random(len(items))
        best = sorted(range(len(items)), key=lambda i: (pool[items[i]], order[i]))
        out.append([items[i] for i in best[:count]])
    return out[0], out[1]


def _pool(connection: sa.Connection, class_key: str) -> dict[str, int]:
    """Original images of a class; 0 for those to take first, 2 for those to take last."""
    open_ = (
        sa.select(task_items.c.item_id)
        .join(tasks, tasks.c.task_id == task_items.c.task_id)
        .where(tasks.c.status != "closed", task_items.c.item_id == members.c.item_id)
    )
    query = sa.select(members.c.item_id, members.c.pool, open_.exists()).where(
        members.c.class_key == class_key,
        members.c.pool.in_(("train", "test")),
        members.c.item_id.not_in(sa.select(exclusions.c.item_id)),
    )
    ranks: dict[str, int] = {}
    for item, pool, busy in connection.execute(query):
        rank = 2 if busy else int(pool == "test")
        ranks[item] = min(rank, ranks.get(item, rank))
    return ranks
