"""Answers as arrays, from a project or straight from somebody's file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from freshset.core.errors import DataError
from freshset.replication import tables
from freshset.replication.databases import plain_rows
from freshset.replication.labelling.answers.base import COUNTED, Records
from freshset.stats.types import FloatArray, IntArray

_EXPECTED = {"positive": 1.0, "negative": 0.0}


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """Answers of workers to questions: does this image show that class?

    Attributes
    ----------
    worker, question
        Rows of `workers` and of the questions, shape (answers,).
    selected
        1, 0 or 0.5, shape (answers,).
    expected
        What a worker should say where the image is a control: 1 or 0, else nan; shape (answers,).
    workers
        Names, shape (workers,).
    item_ids, class_keys
        Of each question, shape (questions,); sorted by class and then by image.
    """

    worker: IntArray
    question: IntArray
    selected: FloatArray
    expected: FloatArray
    workers: npt.NDArray[np.object_]
    item_ids: npt.NDArray[np.object_]
    class_keys: npt.NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.worker)

    @property
    def values(self) -> IntArray:
        """Answers as 0 (no), 1 (maybe) and 2 (yes)."""
        return np.asarray(np.round(2 * self.selected), dtype=np.int64)


def project_answers(connection: sa.Connection) -> AnswerTable:
    """Read all answers of a project."""
    given, shown = tables.answers.c, tables.task_items
    same = sa.and_(shown.c.task_id == given.task_id, shown.c.item_id == given.item_id)
    query = sa.select(
        given.worker, given.item_id, given.class_key, given.selected, shown.c.role
    ).select_from(tables.answers.outerjoin(shown, same))
    rows = np.array(plain_rows(connection, query), dtype=object).reshape(-1, 5)
    worker, item, key, selected, role = rows.T
    expected = np.array([_EXPECTED.get(one, np.nan) for one in role.tolist()], dtype=np.float64)
    return _table(worker, (item, key), selected.astype(np.float64), expected)


def record_answers(records: Records) -> AnswerTable:
    """Take answers as a file has them, without a project: names of workers and images as they are.

    Where workers chose a class, each answer says yes to it and no to all others that occur.

    Raises
    ------
    DataError
        For submitted grids, whose images only a project knows.
    """
    rows = records.rows
    if len(records.grids):
        raise DataError(
            f"{records.path}: submitted grids say nothing without their tasks.",
            "Import them into their project.",
        )
    rows = rows[rows["status"].str.lower().isin(COUNTED)]
    chosen = rows["chosen"] != ""
    parts = [rows[~chosen]]
    if chosen.any():
        classes = sorted(set(rows.loc[chosen, "chosen"]))
        every = rows[chosen].loc[lambda some: some.index.repeat(len(classes))]
        every = every.assign(class_key=np.tile(classes, int(chosen.sum())))
        parts.append(every.assign(selected=(every["class_key"] == every["chosen"]).astype(float)))
    frame = pd.concat(parts)
    frame = frame[~frame.duplicated(["worker", "item", "class_key"])]
    worker, item, key = (frame[name].to_numpy(object) for name in ("worker", "item", "class_key"))
    expected = np.full(len(frame), np.nan)
    return _table(worker, (item, key), frame["selected"].to_numpy(np.float64), expected)


def _table(
    worker: npt.NDArray[np.object_],
    asked: tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]],
    selected: FloatArray,
    expected: FloatArray,
) -> AnswerTable:
    worker_codes, workers = pd.factorize(worker, sort=True)
    item_codes, items = pd.factorize(asked[0], sort=True)
    class_codes, classes = pd.factorize(asked[1], sort=True)
    both = class_codes.astype(np.int64) * max(1, len(items)) + item_codes
    questions, question = np.unique(both, return_inverse=True)
    return AnswerTable(
        worker_codes.astype(np.int64),
        question.astype(np.int64),
        selected,
        expected,
        np.asarray(workers, dtype=object),
        np.asarray(items, dtype=object)[questions % max(1, len(items))],
        np.asarray(classes, dtype=object)[questions // max(1, len(items))],
    )
