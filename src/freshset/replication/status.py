"""Where a project stands: what each class has, and what has been done."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from freshset.replication.collecting.quota import Quota, quota_table
from freshset.replication.project import Project
from freshset.replication.spec import Spec
from freshset.replication.tables import (
    answers,
    exclusions,
    images,
    log,
    members,
    origins,
    pairs,
    revisions,
    tasks,
)


@dataclass(frozen=True, slots=True)
class ClassStatus:
    """One class.

    Attributes
    ----------
    key, title
        Of the class.
    wanted
        Images that the fresh set shall have.
    candidates
        Images that there are; excluded ones are not counted.
    excluded
        Candidates that are on the blacklist or were taken down.
    failures
        Finds of which there is no image.
    test, train
        Images of the original's parts.
    answers
        Answers of workers.
    """

    key: str
    title: str
    wanted: int
    candidates: int
    excluded: int
    failures: int
    test: int
    train: int
    answers: int

    @property
    def short(self) -> bool:
        """Whether there are fewer candidates than images are wanted."""
        return self.candidates < self.wanted


@dataclass(frozen=True, slots=True)
class Status:
    """A whole project.

    Attributes
    ----------
    name, original, strategy
        Of the spec.
    classes
        In the order of the spec.
    images
        Image files, the original's included.
    several_classes
        Images that are candidates of more than one class.
    quotas
        Of keywords, where the original's images have any.
    tasks, revisions
        How many are in each state.
    verdicts
        Reviewed pairs by verdict.
    entries
        Of the log.
    """

    name: str
    original: str
    strategy: str
    classes: tuple[ClassStatus, ...]
    images: int
    several_classes: int
    quotas: tuple[Quota, ...]
    tasks: dict[str, int]
    verdicts: dict[str, int]
    revisions: dict[str, int]
    entries: int

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        body = {name: getattr(self, name) for name in self.__slots__}
        body["classes"] = [asdict(one) | {"short": one.short} for one in self.classes]
        body["quotas"] = [quota.to_dict() for quota in self.quotas]
        return {"schema": "freshset.testset-status/1", **body}


def read_status(project: Project) -> Status:
    """Read where a project stands.

    Raises
    ------
    StoreError
        When the database cannot be read.
    """
    spec = project.spec
    with project.read() as connection:
        several = (
            sa.select(members.c.item_id)
            .where(members.c.pool == "candidate")
            .group_by(members.c.item_id)
            .having(sa.func.count() > 1)
        )
        return Status(
            spec.name,
            spec.original,
            spec.sampling.strategy,
            _classes(connection, spec),
            _total(connection, sa.select(images.c.item_id)),
            _total(connection, several),
            quota_table(connection, spec),
            _by(connection, tasks.c.status),
            _by(connection, pairs.c.verdict),
            _by(connection, revisions.c.state),
            _total(connection, sa.select(log.c.seq)),
        )


def unguarded(project: Project) -> tuple[str, ...]:
    """Tell what near-duplicates nothing keeps out of a sample.

    Returns
    -------
    Sentences; none where the spec has thresholds, and the project images of the original test and
    training set.
    """
    with project.read() as connection:
        pools = _by(connection, members.c.pool)
    out = []
    if not project.spec.duplicates.thresholds:
        out.append(
            "The spec has no thresholds of duplicates, so that near-duplicates are not looked for: "
            "only equal pixels and verdicts keep images out."
        )
    lacking = [name for name in ("test", "train") if not pools[name]]
    if lacking:
        sets = " and ".join({"test": "test set", "train": "training set"}[name] for name in lacking)
        out.append(
            f"The project has no images of the original's {sets}, so that copies of them are not "
            "found. Add them: freshset testset original"
        )
    return tuple(out)


@dataclass(frozen=True, slots=True)
class Failure:
    """An image that a source named and that could not be had: what it is called there, and why."""

    source: str
    key: str
    class_key: str
    reason: str


def read_failures(project: Project) -> tuple[Failure, ...]:
    """Read which images could not be had, in the order of sources and names.

    Raises
    ------
    StoreError
        When the database cannot be read.
    """
    c = origins.c
    query = sa.select(c.source, c.key, c.class_key, c.failure).where(c.failure != "")
    with project.read() as connection:
        rows = connection.execute(query.order_by(c.source, c.key, c.class_key)).all()
    return tuple(Failure(*row) for row in rows)


def _classes(connection: sa.Connection, spec: Spec) -> tuple[ClassStatus, ...]:
    gone = sa.select(exclusions.c.item_id)
    pool, key = members.c.pool, members.c.class_key
    there = _by(connection, pool, key, where=(members.c.item_id.not_in(gone),))
    excluded = _by(connection, key, where=(pool == "candidate", members.c.item_id.in_(gone)))
    failures = _by(connection, origins.c.class_key, where=(origins.c.failure != "",))
    asked = _by(connection, answers.c.class_key)
    return tuple(
        ClassStatus(
            one.key,
            one.title,
            spec.size_of(one.key),
            there["candidate", one.key],
            excluded[one.key],
            failures[one.key],
            there["test", one.key],
            there["train", one.key],
            asked[one.key],
        )
        for one in spec.classes
    )


def _by(
    connection: sa.Connection, *columns: sa.Column[Any], where: tuple[Any, ...] = ()
) -> Counter[Any]:
    """Rows by the values of a column, or of several."""
    query = sa.select(*columns, sa.func.count()).where(*where).group_by(*columns)
    rows = connection.execute(query.order_by(*columns)).all()
    return Counter({row[0] if len(columns) == 1 else tuple(row[:-1]): row[-1] for row in rows})


def _total(connection: sa.Connection, query: sa.Select[Any]) -> int:
    counted = sa.select(sa.func.count()).select_from(query.subquery())
    return int(connection.execute(counted).scalar_one())
