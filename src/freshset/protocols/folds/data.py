"""The data that is cut into folds."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from freshset.core.errors import DataError
from freshset.store.importers.reading import LABEL_NAMES
from freshset.store.table_files import KINDS, read_table, texts

_X_NAMES = ("x", "images", "features", "data")
_GROUP_NAMES = ("group", "groups", "writer", "sheet", "source")


@dataclass(frozen=True, slots=True)
class Data:
    """Examples with their labels.

    Attributes
    ----------
    x
        What learners take, one entry an example: an array, a sparse matrix, a data frame or a list.
    y
        Shape (examples,), labels or numbers.
    groups
        Shape (examples,): examples of one group are never apart; ``None`` for none.
    name
        What to call it.
    """

    x: Any
    y: npt.NDArray[Any]
    groups: npt.NDArray[Any] | None = None
    name: str = "data"

    def __len__(self) -> int:
        return len(self.y)

    def check(self) -> None:
        """Raise `DataError` unless there is one label and one group an example."""
        n = self.x.shape[0] if hasattr(self.x, "shape") else len(self.x)
        if np.ndim(self.y) != 1 or len(self.y) != n:
            raise DataError(f"{self.name}: {len(self.y):,} labels for {n:,} examples.")
        if not n:
            raise DataError(f"{self.name}: no examples.")
        if self.groups is not None and len(self.groups) != n:
            raise DataError(f"{self.name}: {len(self.groups):,} groups for {n:,} examples.")

    def rows(self, rows: npt.NDArray[np.int64]) -> Any:
        """Return the entries of ``x`` in some rows."""
        if hasattr(self.x, "iloc"):
            return self.x.iloc[rows]
        if hasattr(self.x, "shape"):
            return self.x[rows]
        return [self.x[row] for row in rows]

    @property
    def has_classes(self) -> bool:
        """Whether labels are classes: anything but fractions and numbers of many values."""
        y = self.y
        return y.dtype.kind not in "fc" or bool(np.all(y == np.rint(y)) and len(np.unique(y)) <= 50)

    @property
    def digest(self) -> str:
        """Digest of examples, labels and groups."""
        import joblib

        return joblib.hash((self.x, self.y, self.groups), hash_name="sha1")


def read_data(path: Path) -> Data:
    """Read examples from a file.

    Parameters
    ----------
    path
        A ``.npz`` file with arrays ``x`` and ``y``, and ``groups`` if there are any; or a ``.csv`` or
        ``.parquet`` table with a column of labels, perhaps a column ``group``, and features in all
        other columns.

    Raises
    ------
    DataError
        When the file cannot be read, or lacks labels or features.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file.")
    if path.suffix.lower() in KINDS:
        return _from_table(path)
    if path.suffix.lower() != ".npz":
        raise DataError(f"{path}: unknown kind of file.", "Use .npz, .csv or .parquet.")
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # zipfile and numpy raise many kinds for a damaged archive
        raise DataError(f"{path}: not a whole .npz file.", "Write it again.") from error
    x, y = (_pick(arrays, names) for names in (_X_NAMES, LABEL_NAMES))
    if x is None or y is None:
        raise DataError(f"{path}: it has {', '.join(arrays)}.", "Name the arrays x and y.")
    groups = _pick(arrays, _GROUP_NAMES)
    chosen = None if groups is None else arrays[groups]
    data = Data(arrays[x], arrays[y], chosen, path.name)
    data.check()
    return data


def _from_table(path: Path) -> Data:
    frame = read_table(path)
    label, group = _pick(frame, LABEL_NAMES), _pick(frame, _GROUP_NAMES)
    if label is None:
        raise DataError(
            f"{path}: no column of labels; it has {', '.join(map(str, frame))}.",
            "Name it label.",
        )
    features = frame.drop(columns=[name for name in (label, group) if name is not None])
    try:
        x = features.to_numpy(dtype=np.float64)
    except ValueError as error:
        raise DataError(
            f"{path}: a feature is no number ({error}).", "Leave out or encode such columns."
        ) from error
    if not features.shape[1]:
        raise DataError(f"{path}: no features beside the labels.")
    groups = None if group is None else texts(frame[group], path).astype(str)
    data = Data(x, _labels(frame[label], path), groups, path.name)
    data.check()
    return data


def _labels(column: pd.Series, path: Path) -> npt.NDArray[Any]:
    """Whole numbers as such, other labels as text; raises `DataError` where one is missing."""
    values = column.to_numpy()
    if values.dtype.kind in "iub" or (values.dtype.kind == "f" and np.isfinite(values).all()):
        return values
    text = texts(column, path).astype(str)
    try:
        return text.astype(np.int64)
    except ValueError:
        return text


def _pick(there: Mapping[str, Any] | Any, names: Sequence[str]) -> str | None:
    known = {str(name).lower(): str(name) for name in there}
    return next((known[name] for name in names if name in known), None)
