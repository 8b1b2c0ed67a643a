"""Numbers of a project that the datasheet of a package tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from freshset.replication.package.base import Contents
from freshset.replication.tables import (
    answers,
    class_reviews,
    exclusions,
    members,
    origins,
    pairs,
    tasks,
)
from freshset.stats.answer_agreement import krippendorff_alpha, percent_agreement
from freshset.stats.types import FloatArray

Numbers = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a project counts, beside what the revision itself says.

    Attributes
    ----------
    pools
        Images by pool, an image of two classes counted once.
    found, failed
        Results of the search by source: images, and what could not be had.
    licences
        Images of the package by licence, empty where none is told.
    excluded
        Images by kind of exclusion.
    verdicts
        Reviewed pairs by verdict.
    tasks, answers, workers
        All of the project.
    asked
        Answers to the questions whether the packaged images show their classes.
    agreement, alpha
        Of those answers: share of pairs of answers that agree, and Krippendorff's alpha; nan where
        no image has two answers.
    reviewed
        Classes of this revision whose review is done.
    """

    pools: Numbers
    found: Numbers
    failed: Numbers
    licences: Numbers
    excluded: Numbers
    verdicts: Numbers
    tasks: int
    answers: int
    workers: int
    asked: int
    agreement: float
    alpha: float
    reviewed: int


def gather_facts(connection: sa.Connection, contents: Contents) -> Facts:
    """Count what the datasheet tells."""
    table = _answer_table(connection, contents)
    several = table[table.sum(axis=1) >= 2]
    reviews = class_reviews.c
    done = reviews.reviewed & (reviews.revision == contents.head.name)
    failed = origins.c.item_id.is_(None)
    return Facts(
        pools=_counts(connection, members.c.pool, members.c.item_id.distinct()),
        found=_counts(connection, origins.c.source, where=~failed),
        failed=_counts(connection, origins.c.source, where=failed),
        licences=dict(
            sorted(Counter(image.origin["licence"] for image in contents.images).items())
        ),
        excluded=_counts(connection, exclusions.c.kind),
        verdicts=_counts(connection, pairs.c.verdict, where=pairs.c.verdict != "open"),
        tasks=_count(connection, tasks.c.task_id),
        answers=_count(connection, answers.c.item_id),
        workers=_count(connection, answers.c.worker.distinct()),
        asked=int(table.sum()),
        agreement=percent_agreement(several) if len(several) else float("nan"),
        alpha=krippendorff_alpha(several) if len(several) else float("nan"),
        reviewed=_count(connection, reviews.class_key, where=done),
    )


def _counts(
    connection: sa.Connection,
    by: sa.Column[str],
    what: sa.ColumnElement[str] | None = None,
    *,
    where: sa.ColumnElement[bool] | None = None,
) -> dict[str, int]:
    query = sa.select(by, sa.func.count() if what is None else sa.func.count(what)).group_by(by)
    rows = connection.execute(query if where is None else query.where(where))
    return dict(sorted((str(name), int(number)) for name, number in rows))


def _count(
    connection: sa.Connection,
    what: sa.ColumnElement[str],
    *,
    where: sa.ColumnElement[bool] | None = None,
) -> int:
    query = sa.select(sa.func.count(what))
    return int(connection.execute(query if where is None else query.where(where)).scalar_one())


def _answer_table(connection: sa.Connection, contents: Contents) -> FloatArray:
    """Answers of the packaged images by value (no, maybe, yes), shape (images, 3)."""
    place = {(image.item_id, image.of.key): row for row, image in enumerate(contents.images)}
    c = answers.c
    query = sa.select(c.item_id, c.class_key, c.selected, sa.func.count()).group_by(
        c.item_id, c.class_key, c.selected
    )
    table = np.zeros((len(contents.images), 3))
    for item, key, selected, number in connection.execute(query):
        if (row := place.get((item, key))) is not None:
            table[row, round(2 * selected)] += number
    return table
