"""Tables of submissions to a finished competition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from freshset.core.errors import DataError
from freshset.stats.types import FloatArray
from freshset.store.table_files import numbers, read_table

PUBLIC_NAMES = ("public", "public_score", "publicscore", "score_public", "public_leaderboard_score")
PRIVATE_NAMES = (
    "private", "private_score", "privatescore", "score_private", "private_leaderboard_score",
)  # fmt: skip
TEAM_NAMES = ("team", "teamname", "team_name", "teamid", "team_id", "user", "who")
TIME_NAMES = ("time", "submissiondate", "submission_date", "date", "at", "submitted")


@dataclass(frozen=True, slots=True)
class Submissions:
    """Submissions to one competition, in the order of time where it is known.

    Attributes
    ----------
    public, private
        Accuracies, fractions, shape (submissions,).
    team
        Shape (submissions,); empty texts where the table has none.
    time
        Shape (submissions,), as the table writes them; empty texts where it has none.
    dropped
        Rows without both scores, which are left out.
    """

    public: FloatArray
    private: FloatArray
    team: npt.NDArray[np.object_]
    time: npt.NDArray[np.object_]
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.public)


def read_submissions(path: Path) -> Submissions:
    """Read a table of submissions.

    Parameters
    ----------
    path
        ``.csv`` or ``.parquet`` with public and private accuracies, as fractions or in percent, and
        perhaps team and time.

    Raises
    ------
    DataError
        When a column is missing or a score is no accuracy.
    """
    frame = read_table(path)
    public, private, team, time = (
        _find(frame, names) for names in (PUBLIC_NAMES, PRIVATE_NAMES, TEAM_NAMES, TIME_NAMES)
    )
    if public is None or private is None:
        raise DataError(
            f"{path}: no column of {'public' if public is None else 'private'} scores; it has "
            f"{', '.join(map(str, frame))}.",
            "Name the columns public and private.",
        )
    there = ~(_absent(frame[public]) | _absent(frame[private]))
    kept = frame[there]
    if kept.empty:
        raise DataError(f"{path}: no row has both scores.")
    scores = np.stack(
        [numbers(kept[name].reset_index(drop=True), path) for name in (public, private)]
    )
    if scores.max() > 1:
        scores = scores / 100
    if scores.min() < 0 or scores.max() > 1:
        raise DataError(
            f"{path}: scores from {scores.min():g} to {scores.max():g} are no accuracies.",
            "The tests are about shares of right answers, as fractions or in percent.",
        )
    names = [_texts(kept, column) for column in (team, time)]
    order = _order(names[1]) if time is not None else np.arange(len(kept))
    return Submissions(
        scores[0][order], scores[1][order], names[0][order], names[1][order], int((~there).sum())
    )


def _find(frame: pd.DataFrame, names: Sequence[str]) -> str | None:
    known = {str(name).strip().lower().replace(" ", "_"): str(name) for name in frame}
    return next((known[name] for name in names if name in known), None)


def _absent(column: pd.Series) -> npt.NDArray[np.bool_]:
    empty: Any = column.isna() | column.astype(str).str.strip().str.lower().isin(
        ["", "nan", "none"]
    )
    return np.asarray(empty, dtype=bool)


def _texts(frame: pd.DataFrame, name: str | None) -> npt.NDArray[np.object_]:
    if name is None:
        return np.full(len(frame), "", dtype=object)
    return frame[name].astype(str).to_numpy(dtype=object)


def _order(times: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
    """By time where all can be read, else as the table has them."""
    read = pd.to_datetime(pd.Series(times), errors="coerce", utc=True, format="mixed")
    if read.isna().any():
        return np.arange(len(times))
    return np.argsort(read.to_numpy(), kind="stable").astype(np.int64)
