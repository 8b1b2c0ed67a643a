"""The one form that answers take before they enter a project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from freshset.core.errors import DataError

COLUMNS = (
    "worker", "item", "class_key", "task_id", "chosen", "selected", "status", "accepted_at",
    "submitted_at", "assignment_id",
)  # fmt: skip
"""Columns of `Records.rows`.

``item`` is a token of a task, an item id or the name of a file; ``class_key`` and ``task_id`` may be
empty where the project knows them.  ``selected`` is 1, 0, 0.5 for "maybe", or nan where ``chosen``
names the class that the worker chose instead.  All others are text, empty where nothing is known.
"""

GRID_COLUMNS = (
    "worker", "task_id", "external_id", "tokens", "status", "accepted_at", "submitted_at",
    "assignment_id",
)  # fmt: skip
"""Columns of `Records.grids`: ``tokens`` are those selected, joined by ``|``."""

COUNTED = frozenset(("", "submitted", "approved"))
"""Statuses of answers that count; an answer without a status counts."""

_YES_NO = {
    "1": 1.0, "1.0": 1.0, "yes": 1.0, "true": 1.0, "y": 1.0,
    "0": 0.0, "0.0": 0.0, "no": 0.0, "false": 0.0, "n": 0.0,
    "0.5": 0.5, "maybe": 0.5, "unsure": 0.5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Records:
    """What a file of answers holds.

    Attributes
    ----------
    path
        The file, or what to call the place.
    rows
        One row an answer, `COLUMNS`.
    grids
        One row a submitted grid, `GRID_COLUMNS`; every image of the task that is not selected was
        not.
    skipped
        What the file holds beside answers, by what it is, such as ``attention check``.
    """

    path: Path
    rows: pd.DataFrame
    grids: pd.DataFrame
    skipped: Mapping[str, int] = field(default_factory=dict)


def answer_records(
    path: Path, columns: Mapping[str, Any], skipped: Mapping[str, int] | None = None
) -> Records:
    """Make records of answers; columns that are not given are empty.

    Raises
    ------
    DataError
        When there are no answers, or one names no worker or no image.
    """
    rows = _filled(columns, COLUMNS)
    rows["selected"] = columns.get("selected", np.nan)
    _need(rows, ("worker", "item"), path)
    return Records(path, rows, _filled({}, GRID_COLUMNS), skipped or {})


def grid_records(
    path: Path, columns: Mapping[str, Any], skipped: Mapping[str, int] | None = None
) -> Records:
    """Make records of submitted grids; columns that are not given are empty.

    Raises
    ------
    DataError
        When there are none, or one names no worker.
    """
    grids = _filled(columns, GRID_COLUMNS)
    _need(grids, ("worker",), path)
    return Records(path, _filled({"selected": []}, COLUMNS), grids, skipped or {})


def split_labels(labels: pd.Series, path: Path) -> tuple[pd.Series, pd.Series]:
    """Read a column of answers: yes, no and maybe in the usual spellings, or names of classes.

    Returns
    -------
    selected, chosen
        As in `COLUMNS`: a row has the one or the other.

    Raises
    ------
    DataError
        When a row is empty, or is a number that is no answer.
    """
    text = plain_texts(labels, str.strip)
    codes, unique = pd.factorize(text)
    values = np.array([_YES_NO.get(one.lower(), np.nan) for one in unique] + [np.nan])
    selected = pd.Series(values[codes], index=text.index)
    rest = text[selected.isna()]
    numeric = pd.to_numeric(rest, errors="coerce").notna() | (
        rest.str.lower().isin(["", "nan", "none"])
    )
    # A column of class ids is one of names; a number among yes and no is a mistake.
    wrong = numeric if selected.notna().any() else rest.str.lower().isin(["", "nan", "none"])
    if wrong.any():
        row = int(np.flatnonzero(selected.isna())[wrong.to_numpy().argmax()])
        raise DataError(
            f"{path}: row {row}: {labels.name!r} is {text.iloc[row]!r}, no answer.",
            "Answers are 1, 0 or 0.5 (yes, no, maybe), or the class that was chosen.",
        )
    return selected, text.where(selected.isna(), "")


def plain_texts(column: pd.Series, change: Callable[[str], str] = str) -> pd.Series:
    """Values as text, empty where nothing is; equal values share one string, which saves memory."""
    codes, unique = pd.factorize(column)
    texts = np.array([*(change(str(one)) for one in unique), ""], dtype=object)
    return pd.Series(texts[codes], index=column.index, name=column.name, dtype=object)


def _filled(columns: Mapping[str, Any], names: tuple[str, ...]) -> pd.DataFrame:
    given = {
        name: pd.Series(columns[name]).reset_index(drop=True) for name in names if name in columns
    }
    frame = pd.DataFrame(given).reindex(columns=list(names))
    for name in names:
        if name != "selected":
            frame[name] = plain_texts(frame[name])
    return frame


def _need(frame: pd.DataFrame, names: tuple[str, ...], path: Path) -> None:
    if frame.empty:
        raise DataError(f"{path}: no answers.", "The file is empty; export it again.")
    for name in names:
        empty = (frame[name] == "").to_numpy()
        if empty.any():
            raise DataError(
                f"{path}: row {int(empty.argmax())}: no {name}.",
                "Every answer needs its worker and its image; export the file again.",
            )
