"""Labels and predictions of one data set, read from plain files and matched by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.stats.types import BoolArray, FloatArray, IntArray
from freshset.store.importers.arrays import to_class_ids
from freshset.store.importers.reading import (
    ID_NAMES,
    LABEL_NAMES,
    PREDICTION_NAMES,
    read_columns,
)
from freshset.store.importers.tables import read_csv
from freshset.transfer.probe.scores import Metric, score, share_right

# A decision about which the makers of a data set would not judge, such as VOC's difficult objects.
_IGNORED = -1


@dataclass(frozen=True, slots=True)
class Labelled:
    """The items of a data set and what they show.

    Attributes
    ----------
    path
        Of the file.
    ids
        Shape (n,), strings; ``None`` where the file has none and rows count.
    labels
        Class ids, shape (n,), or which classes each item shows, shape (n, classes), bool.
    class_names
        In the order of the class ids; empty where labels are numbers.
    ignored
        Decisions that do not count, shape (n, classes); ``None`` for single labels.
    """

    path: Path
    ids: npt.NDArray[np.object_] | None
    labels: npt.NDArray[Any]
    class_names: tuple[str, ...]
    ignored: BoolArray | None = None

    def kept(self, there: BoolArray) -> Labelled:
        """Some of the items."""
        return Labelled(
            self.path,
            None if self.ids is None else self.ids[there],
            self.labels[there],
            self.class_names,
            None if self.ignored is None else self.ignored[there],
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """What one model says of the items of a data set, in their order.

    Attributes
    ----------
    values
        Class ids, shape (n,), or scores between 0 and 1, shape (n, classes); rows without an answer
        are 0.
    there
        Which items it says anything of, shape (n,).
    """

    values: npt.NDArray[Any]
    there: BoolArray

    def judged(self, labelled: Labelled, metric: Metric) -> tuple[npt.NDArray[Any], float]:
        """Predictions and score, of items that it says something of."""
        if metric != "map11":
            right = self.values == labelled.labels
            return self.values, share_right(right, labelled.labels, metric)
        classes = np.arange(self.values.shape[1])
        found = score(self.values.T, classes, labelled.labels, metric, labelled.ignored)
        return np.asarray(self.values > 0.5), found

    def kept(self, there: BoolArray) -> Answered:
        """Some of the items."""
        return Answered(self.values[there], self.there[there])


def read_labels(path: Path, metric: Metric) -> Labelled:
    """Read a file of labels.

    Parameters
    ----------
    path
        For one class an item a column ``label``, in any of the formats of
        `freshset.store.importers.reading.read_columns`.  For ``map11`` a csv file with a column for
        each class: 1 shown, 0 not shown, -1 does not count.  Either may have a column of ids
        (``item_id``).

    Raises
    ------
    DataError
        When the file cannot be read as that.
    """
    if metric == "map11":
        ids, names, values = _by_class(path)
        if not np.isin(values, (_IGNORED, 0, 1)).all():
            raise DataError(f"{path}: labels by class are 1, 0 or -1 (does not count).")
        return Labelled(path, ids, values == 1, names, values == _IGNORED)
    columns = read_columns(path, LABEL_NAMES)
    column = columns[0]
    if len(columns) > 1 or column.values.ndim != 1:
        raise DataError(f"{path}: not one label per item.", "Give one column of labels.")
    numbers = column.values.dtype.kind in "iuf"
    names = () if numbers else tuple(sorted({str(v) for v in column.values}))
    labels = to_class_ids(column.values, names, path.stem, str(path))[:, 0]
    _unique(column.ids, path)
    return Labelled(path, column.ids, labels, names)


def read_answers(path: Path, labelled: Labelled, metric: Metric) -> Answered:
    """Read a file of predictions, in the order of the items.

    Parameters
    ----------
    path
        As that of the labels, with a column ``prediction``; for ``map11`` scores between 0 and 1 in the
        columns of the classes, above one half where a class is decided for.

    Raises
    ------
    DataError
        When the file cannot be read as that, names unknown items or classes, or has ids where the
        labels have none.
    """
    values: npt.NDArray[Any]
    if metric == "map11":
        ids, names, values = _by_class(path)
        if set(names) != set(labelled.class_names):
            raise DataError(
                f"{path}: its classes are not those of {labelled.path.name}.",
                f"Give one column for each of: {', '.join(labelled.class_names)}.",
            )
        values = values[:, [names.index(name) for name in labelled.class_names]]
        if not ((values >= 0) & (values <= 1)).all():
            raise DataError(f"{path}: a score is not between 0 and 1.", "Apply the sigmoid first.")
    else:
        columns = read_columns(path, PREDICTION_NAMES)
        if len(columns) > 1:
            raise DataError(f"{path}: predictions of {len(columns):,} models.", "One file a model.")
        column = columns[0]
        ids = column.ids
        values = to_class_ids(column.values, labelled.class_names, labelled.path.stem, str(path))
        values = values[:, 0]  # of ordered predictions the first
    return _in_order(path, ids, values, labelled)


def _in_order(
    path: Path,
    ids: npt.NDArray[np.object_] | None,
    values: npt.NDArray[Any],
    labelled: Labelled,
) -> Answered:
    n = len(labelled.labels)
    if ids is None or labelled.ids is None:
        if len(values) != n:
            raise DataError(
                f"{path}: {len(values):,} rows, but {labelled.path.name} has {n:,} items.",
                "Give a column item_id in both files, so that rows are matched by item.",
            )
        return Answered(values, np.ones(n, dtype=bool))
    _unique(ids, path)
    row_of = {item: row for row, item in enumerate(ids)}
    known = set(labelled.ids)
    extra = [item for item in ids if item not in known]
    if extra:
        raise DataError(
            f"{path}: {len(extra):,} ids are not in {labelled.path.name} (first {extra[0]!r}).",
            "Use the same ids as the labels.",
        )
    rows: IntArray = np.array([row_of.get(item, -1) for item in labelled.ids], dtype=np.int64)
    return Answered(values[np.maximum(rows, 0)], rows >= 0)


def _by_class(path: Path) -> tuple[npt.NDArray[np.object_] | None, tuple[str, ...], FloatArray]:
    """Ids, names of classes and a value for each, from a csv file."""
    frame = read_csv(path, text=True)
    id_name = next((c for c in frame.columns if str(c).lower() in ID_NAMES), None)
    ids = None
    if id_name is not None:
        ids = frame[id_name].to_numpy(dtype=object)
        frame = frame.drop(columns=id_name)
    _unique(ids, path)
    try:
        values = frame.replace("", "nan").to_numpy(dtype=float)
    except ValueError as error:
        raise DataError(f"{path}: a column of a class is not numbers ({error}).") from error
    if not np.isfinite(values).all() or not values.size:
        raise DataError(f"{path}: empty, or a value is missing.")
    return ids, tuple(map(str, frame.columns)), values


def _unique(ids: Sequence[object] | npt.NDArray[np.object_] | None, path: Path) -> None:
    if ids is not None and len(set(ids)) != len(ids):
        raise DataError(f"{path}: an id occurs twice.", "Remove the duplicate rows.")
