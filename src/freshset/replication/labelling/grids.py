"""Labelling tasks of a project: made from what still lacks answers, with names that tell nothing."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from freshset.core.errors import DataError
from freshset.replication import tables
from freshset.replication.labelling.answer_table import project_answers
from freshset.replication.labelling.frequencies import pool
from freshset.replication.labelling.quality import worker_quality
from freshset.replication.labelling.tasks import Controls, Grid, Task, compose, compose_originals
from freshset.replication.project import Project
from freshset.replication.spec import Spec

Pair = tuple[str, str]
"""Item id and class key."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Tasks that were made together.

    Attributes
    ----------
    batch
        Its name.
    tasks, images
        How many tasks, and places in their grids.
    asked
        Images and classes that were to be asked about.
    left_out
        Candidates that no task shows, by reason: ``answered`` (enough answers), ``waiting`` (in a task
        that is still open), ``excluded``, and ``original`` (an original image, or marked as a
        duplicate of one).
    """

    batch: str
    tasks: int
    images: int
    asked: int
    left_out: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema ``freshset.task-batch/1``."""
        return {"schema": "freshset.task-batch/1"} | asdict(self)


def make_tasks(
    project: Project, *, who: str, why: str, originals: bool = False, again: bool = False
) -> Batch:
    """Make labelling tasks for every candidate that lacks answers.

    Parameters
    ----------
    originals
        Ask about original images instead, as many as each class lacks for its histogram; see
        `freshset.replication.labelling.tasks.compose_originals`.
    again
        Also ask about images that are in tasks still open.

    Raises
    ------
    DataError
        When nothing is left to ask, or a class has too few original images for its controls.

    Notes
    -----
    The batch's number and ``seeds.tasks`` of the spec decide all draws.  Ids and tokens are random
    apart from them: nobody can tell from one which image is a control.
    """
    with project.change("tasks.make", who=who, why=why) as change:
        spec, connection = project.spec, change.connection
        number = _batches(connection) + 1
        grid = Grid(spec.tasks.grid, spec.tasks.positives, spec.tasks.negatives)
        rng = np.random.default_rng([spec.seeds.tasks, number])
        excluded = set(connection.execute(sa.select(tables.exclusions.c.item_id)).scalars())
        candidates, left_out = _lacking(connection, spec, excluded, again=again)
        controls = _controls(connection, spec, excluded)
        asked = candidates
        if originals:
            asked = _lacking_originals(connection, spec, controls)
            stock: dict[str, list[str]] = {}
            for item, key in candidates:
                stock.setdefault(key, []).append(item)
            made = compose_originals(asked, stock, controls, grid, rng=rng)
        else:
            made = compose(candidates, controls, grid, rng=rng)
        if not made:
            raise DataError(
                "No image lacks answers that could be asked about.", _next(left_out, originals)
            )
        name = f"{number:03d}"
        batch = Batch(name, len(made), sum(len(t.order) for t in made), len(asked), left_out)
        _store(connection, made, name, change.at)
        change.detail |= batch.to_dict() | {"originals": originals, "again": again}
    return batch


def _next(left_out: Mapping[str, int], originals: bool) -> str:
    if not originals and left_out.get("waiting"):
        return (
            f"{left_out['waiting']:,} wait in open tasks: import their answers, close their batch, or "
            "ask again with --again."
        )
    return "Collect more candidates, or see `freshset testset forecast` for what is missing."


def close_tasks(project: Project, batch: str, *, who: str, why: str) -> int:
    """Close the tasks of a batch that are still open, so that their images may be asked about again.

    Returns how many there were.

    Raises
    ------
    DataError
        When there is no such batch.
    """
    of = tables.tasks
    with project.change("tasks.close", who=who, why=why, subject=batch) as change:
        if not change.connection.execute(sa.select(of.c.batch).where(of.c.batch == batch)).first():
            raise DataError(f"No batch {batch!r} in this project.")
        query = sa.update(of).where(of.c.batch == batch, of.c.status != "closed")
        count = int(change.connection.execute(query.values(status="closed")).rowcount)
        change.detail["closed"] = count
    return count


def rivals(spec: Spec) -> dict[str, str]:
    """The class that each is confused with: the spec says so, or the next one is taken.

    A spec's only class is its own.
    """
    keys = list(spec.by_key)
    following = dict(zip(keys, keys[1:] + keys[:1], strict=True))
    return {key: one.confused_with or following[key] for key, one in spec.by_key.items()}


def _batches(connection: sa.Connection) -> int:
    return int(
        connection.execute(sa.select(sa.func.count(tables.tasks.c.batch.distinct()))).scalar_one()
    )


def _members(connection: sa.Connection, spec: Spec, pools: Collection[str]) -> list[Pair]:
    """Images of pools with their classes: classes as in the spec, images by id."""
    of = tables.members.c
    query = sa.select(of.item_id, of.class_key).where(of.pool.in_(pools)).distinct()
    place = {key: number for number, key in enumerate(spec.by_key)}
    pairs = [(row.item_id, row.class_key) for row in connection.execute(query)]
    return sorted((p for p in pairs if p[1] in place), key=lambda p: (place[p[1]], p[0]))


def _lacking(
    connection: sa.Connection, spec: Spec, excluded: Collection[str], *, again: bool
) -> tuple[list[Pair], dict[str, int]]:
    answers = _answered(connection, spec)
    waiting = set() if again else _waiting(connection)
    known = {item for item, _ in _members(connection, spec, ("train", "test"))}
    known |= _original_duplicates(connection)
    reasons: Counter[str] = Counter()
    out = []
    for pair in _members(connection, spec, ("candidate",)):
        checks = {
            "excluded": pair[0] in excluded,
            "original": pair[0] in known,
            "answered": answers.get(pair, 0) >= spec.tasks.answers,
            "waiting": pair in waiting,
        }
        reason = next((name for name, holds in checks.items() if holds), "")
        if reason:
            reasons[reason] += 1
        else:
            out.append(pair)
    return out, dict(sorted(reasons.items()))


def _lacking_originals(
    connection: sa.Connection, spec: Spec, controls: Mapping[str, Controls]
) -> list[Pair]:
    """Original images to ask about: as many of each class as it lacks for its histogram."""
    answers, waiting = _answered(connection, spec), _waiting(connection)
    out = []
    for key, own in controls.items():
        enough = [i for i in own.positives if answers.get((i, key), 0) >= spec.sampling.min_answers]
        lacking = [i for i in own.positives if i not in enough and (i, key) not in waiting]
        missing = max(0, spec.sampling.min_original_images - len(enough))
        out += [(item, key) for item in lacking[:missing]]
    return out


def _answered(connection: sa.Connection, spec: Spec) -> dict[Pair, int]:
    """Answers that count, by image and class."""
    if spec.workers.policy == "drop":
        answers = project_answers(connection)
        counted = pool(answers, weight=worker_quality(answers, spec.workers).weight)
        pairs = zip(counted.item_ids.tolist(), counted.class_keys.tolist(), strict=True)
        return dict(zip(pairs, counted.answers.astype(int).tolist(), strict=True))
    of = tables.answers.c
    query = sa.select(of.item_id, of.class_key, sa.func.count()).group_by(of.item_id, of.class_key)
    return {(item, key): int(count) for item, key, count in connection.execute(query)}


def _waiting(connection: sa.Connection) -> set[Pair]:
    task, image = tables.tasks, tables.task_items
    # A positive control is asked about like any other image; only candidates and the originals of
    # their own tasks are waited for.
    query = (
        sa.select(image.c.item_id, task.c.class_key)
        .join(task, task.c.task_id == image.c.task_id)
        .where(task.c.status != "closed", image.c.role != "negative")
    )
    return {(item, key) for item, key in connection.execute(query)}


def _original_duplicates(connection: sa.Connection) -> set[str]:
    """Images that somebody marked as duplicates of an original one."""
    pair, member = tables.pairs.c, tables.members.c
    original = sa.select(member.item_id).where(member.pool.in_(("train", "test")))
    out: set[str] = set()
    for one, other in ((pair.a, pair.b), (pair.b, pair.a)):
        query = sa.select(one).where(pair.verdict == "duplicate", other.in_(original))
        out |= set(connection.execute(query).scalars())
    return out


def _controls(
    connection: sa.Connection, spec: Spec, excluded: Collection[str]
) -> dict[str, Controls]:
    pools: dict[str, list[str]] = {key: [] for key in spec.by_key}
    for item, key in _members(connection, spec, ("test",)):
        if item not in excluded:
            pools[key].append(item)
    out = {}
    for key, other in rivals(spec).items():
        own = set(pools[key])
        out[key] = Controls(pools[key], [i for i in pools[other] if other != key and i not in own])
    return out


def _store(connection: sa.Connection, made: list[Task], batch: str, at: str) -> None:
    rows, images = [], []
    for task in made:
        task_id = secrets.token_hex(16)
        rows.append(
            {
                "task_id": task_id, "batch": batch, "class_key": task.class_key, "created_at": at,
                "status": "open", "external_id": "",
            }
        )  # fmt: skip
        images += [
            {
                "task_id": task_id, "position": place, "item_id": item, "role": role,
                "token": secrets.token_hex(16),
            }
            for place, (item, role) in enumerate(task.shown)
        ]  # fmt: skip
    connection.execute(sa.insert(tables.tasks), rows)
    connection.execute(sa.insert(tables.task_items), images)
