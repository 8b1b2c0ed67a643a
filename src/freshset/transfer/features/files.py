"""Features in files that others made: npy, npz, csv and parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from freshset.core.errors import DataError
from freshset.core.records import TestSet
from freshset.store.importers.checks import load_npy
from freshset.store.importers.reading import ID_NAMES, LABEL_NAMES
from freshset.store.importers.tables import read_csv

FEATURE_NAMES = ("features", "feature", "embeddings", "embedding", "x")
"""Names of the array of an npz file, or of the one column of a table that holds lists."""


@dataclass(frozen=True, slots=True)
class FeatureFile:
    """What a file of features holds.

    Attributes
    ----------
    matrix
        Shape (rows, width), numbers; an npy file stays on the disk.
    ids
        Item ids of the rows; ``None`` when the file has none.
    """

    matrix: npt.NDArray[Any]
    ids: tuple[str, ...] | None = None

    def rows_of(self, testset: TestSet, where: str) -> npt.NDArray[np.int64]:
        """Return the row of the file for every item of a set; the file may have more.

        Parameters
        ----------
        where
            The file, for messages.

        Raises
        ------
        DataError
            When an item is missing or twice, or a file without ids has another number of rows.
        """
        if self.ids is None:
            if len(self.matrix) != testset.n:
                raise DataError(
                    f"{where}: {len(self.matrix):,} rows for {testset.n:,} items of {testset.id}.",
                    "Give the ids of the items, or one row an item in their order.",
                )
            return np.arange(testset.n)
        row_of: dict[str, int] = {}
        for row, item in enumerate(self.ids):
            if row_of.setdefault(item, row) != row:
                raise DataError(
                    f"{where}: rows {row_of[item]} and {row} have one id, {item!r}.",
                    "Remove the duplicate rows.",
                )
        missing = [item for item in testset.ids if item not in row_of]
        if missing:
            raise DataError(
                f"{where}: {len(missing):,} of {testset.n:,} items of {testset.id} are missing, the "
                f"first is {missing[0]!r}.",
                "Take features of all items, under the ids that the data set has.",
            )
        return np.array([row_of[item] for item in testset.ids], dtype=np.int64)


def read_features(path: Path) -> FeatureFile:
    """Read a file of features.

    Parameters
    ----------
    path
        A ``.npy`` file; a ``.npz`` file with ``features`` and, where there are ids, ``item_id``; or a
        ``.csv`` or ``.parquet`` table of numbers, in which ids have a column of that name.

    Raises
    ------
    DataError
        When the file cannot be read, or holds anything but numbers.
    """
    readers: dict[str, Callable[[Path], FeatureFile]] = {
        ".npy": lambda path: FeatureFile(load_npy(path, mapped=True)),
        ".npz": _read_npz,
        ".csv": lambda path: _from_frame(read_csv(path), path),
        ".parquet": _read_parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"{path}: unknown kind of file.", f"Use one of: {', '.join(sorted(readers))}."
        )
    if not path.exists():
        raise DataError(f"{path}: no such file.")
    found = reader(path)
    values = found.matrix
    if values.ndim != 2 or 0 in values.shape or values.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: an array of {values.dtype} and shape {values.shape}.",
            "Features are numbers, one row an item.",
        )
    if found.ids is not None and len(found.ids) != len(values):
        raise DataError(f"{path}: {len(values):,} rows, but {len(found.ids):,} ids.")
    return found


def _read_npz(path: Path) -> FeatureFile:
    try:
        # numpy leaves a damaged file open that it has opened itself.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # zipfile and numpy raise many kinds for a damaged archive
        raise DataError(f"{path}: not a whole .npz file.", "Write it again.") from error
    name = _named(arrays, FEATURE_NAMES)
    if name is None:
        raise DataError(
            f"{path}: no array {FEATURE_NAMES[0]!r}; it has {', '.join(arrays)}.",
            f"Name the array {FEATURE_NAMES[0]!r}, and ids 'item_id'.",
        )
    ids = _named(arrays, ID_NAMES)
    return FeatureFile(arrays[name], None if ids is None else _texts(arrays[ids]))


def _read_parquet(path: Path) -> FeatureFile:
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: not a readable Parquet file; it may be truncated.", "Copy or write it again."
        ) from error
    return _from_frame(table.to_pandas(ignore_metadata=True), path)


def _from_frame(frame: pd.DataFrame, path: Path) -> FeatureFile:
    id_name = _named(frame.columns, ID_NAMES)
    ids = None
    if id_name is not None and path.suffix.lower() == ".csv":
        # As they are written: '007' must not become 7.
        ids = _texts(
            pd.read_csv(path, usecols=[id_name], dtype=str, keep_default_na=False)[id_name]
        )
    elif id_name is not None:
        ids = _texts(frame[id_name])
    lists = _named(frame.columns, FEATURE_NAMES)
    if lists is not None and frame[lists].dtype == object:
        return FeatureFile(_stacked(frame[lists].to_list(), path), ids)
    columns = [name for name in frame.columns if name != id_name]
    labels = _named(columns, LABEL_NAMES)
    if labels is not None:
        raise DataError(
            f"{path}: the column {labels!r} looks like labels, which are no features.",
            "Remove or rename it.",
        )
    texts = [str(name) for name in columns if frame[name].dtype.kind not in "fiu"]
    if texts:
        raise DataError(f"{path}: the column {texts[0]!r} holds no numbers.", "Remove it.")
    return FeatureFile(frame[columns].to_numpy(), ids)


def _stacked(rows: list[Any], path: Path) -> npt.NDArray[Any]:
    widths = {np.shape(row) for row in rows}
    if len(widths) != 1:
        raise DataError(f"{path}: rows of several lengths: {sorted(widths)[:3]}.")
    return np.stack([np.asarray(row) for row in rows])


def _named(names: Iterable[Any], wanted: tuple[str, ...]) -> Any:
    lower = {str(name).lower(): name for name in names}
    return next((lower[name] for name in wanted if name in lower), None)


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(value.decode() if isinstance(value, bytes) else str(value) for value in values)
