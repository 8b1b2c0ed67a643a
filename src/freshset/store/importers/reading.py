"""Reading predictions and labels from npy, npz, csv, json and parquet files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from freshset.core.errors import DataError
from freshset.core.files import read_json
from freshset.store.importers.checks import load_npy
from freshset.store.importers.tables import read_csv

ID_NAMES = ("item_id", "image_id", "example_id", "file_name", "filename", "id", "key")
LABEL_NAMES = ("label", "labels", "target", "class", "y", "y_true")
PREDICTION_NAMES = (
    "prediction", "predictions", "pred", "preds", "predicted_class", "y_pred", "topk_id", "top1",
)  # fmt: skip
_NUMBERED = re.compile(r"(pred|prediction|predicted_class|top|rank)_?(\d+)")


@dataclass(frozen=True, slots=True)
class Column:
    """What one file says of each item.

    Attributes
    ----------
    values
        Shape (items,) or, for ordered predictions, (items, k): class ids or class names.
    ids
        Shape (items,), strings; ``None`` when the file has no ids.
    name
        Model that the values belong to, when the file says so.
    """

    values: npt.NDArray[Any]
    ids: npt.NDArray[np.object_] | None = None
    name: str = ""


def read_columns(path: Path, names: Sequence[str]) -> list[Column]:
    """Read a file of labels or predictions.

    Parameters
    ----------
    path
        A ``.npy``, ``.npz``, ``.csv``, ``.json`` or ``.parquet`` file.
    names
        Names that the values' column or key may have (`LABEL_NAMES`, `PREDICTION_NAMES`).

    Returns
    -------
    list of Column
        One, or one a model when the file has a ``model`` column.

    Raises
    ------
    DataError
        When the file cannot be read, is cut short, or has no such column.
    """
    readers: dict[str, Callable[[Path, Sequence[str]], list[Column]]] = {
        ".npy": _read_npy,
        ".npz": _read_npz,
        ".csv": _read_csv,
        ".json": _read_json,
        ".parquet": _read_parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"{path}: unknown kind of file.", f"Use one of: {', '.join(sorted(readers))}."
        )
    if not path.exists():
        raise DataError(f"{path}: no such file.")
    columns = reader(path, names)
    for column in columns:
        if np.ndim(column.values) == 0:
            raise DataError(f"{path}: a single value, not one for each item.")
        if len(column.values) == 0:
            raise DataError(f"{path}: no rows.", "The file is empty; write it again.")
    return columns


def _read_npy(path: Path, _: Sequence[str]) -> list[Column]:
    return [Column(load_npy(path))]


def _read_npz(path: Path, names: Sequence[str]) -> list[Column]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # zipfile and numpy raise many kinds for a damaged archive
        raise DataError(f"{path}: not a whole .npz file.", "Write it again.") from error
    key = _pick(arrays, names) or (next(iter(arrays)) if len(arrays) == 1 else None)
    if key is None:
        raise DataError(
            f"{path}: no array {names[0]!r}; it has {', '.join(arrays)}.",
            "Name the array so, and ids 'item_id'.",
        )
    ids = _pick(arrays, ID_NAMES)
    return [Column(arrays[key], _as_ids(arrays[ids], path) if ids else None)]


def _read_csv(path: Path, names: Sequence[str]) -> list[Column]:
    frame = read_csv(path)
    if all(re.fullmatch(r"-?\d+(\.\d+)?", str(name)) for name in frame.columns):
        # The first line is data already: a file without a header.
        frame = pd.read_csv(path, header=None)
        return [Column(_whole(frame.to_numpy(), path))]
    # Read again with the ids as they are written: '007' must not become 7.
    for name in (_pick(frame.columns, ID_NAMES), _pick(frame.columns, ("model",))):
        if name is not None:
            text = pd.read_csv(path, usecols=[name], dtype=str, keep_default_na=False)
            frame[name] = text[name]
    return _from_frame(frame, names, path)


def _read_parquet(path: Path, names: Sequence[str]) -> list[Column]:
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path}: not a readable Parquet file; it may be truncated.",
            "Copy or write it again.",
        ) from error
    return _from_frame(table.to_pandas(ignore_metadata=True), names, path)


def _read_json(path: Path, names: Sequence[str]) -> list[Column]:
    data = read_json(path)
    if isinstance(data, dict):
        key, ids = _pick(data, names), _pick(data, ID_NAMES)
        if key is not None and isinstance(data[key], dict):
            # The columns of a frame, as pandas writes them: {column: {row: value}}.
            return _from_frame(pd.DataFrame(data), names, path)
        if key is not None:
            found = None if ids is None else _as_ids(np.array(data[ids], dtype=object), path)
            return [Column(_from_list(data[key], path), found)]
        keys = np.array([str(name) for name in data], dtype=object)
        return [Column(_from_list(list(data.values()), path), keys)]
    if isinstance(data, list) and data and all(isinstance(row, dict) for row in data):
        return _from_frame(pd.DataFrame(data), names, path)
    if isinstance(data, list):
        return [Column(_from_list(data, path))]
    raise DataError(f"{path}: not a list or object of class ids.")


def _from_list(rows: Any, path: Path) -> npt.NDArray[Any]:
    """Make an array of JSON values, naming the first row that is not a class id."""
    if not isinstance(rows, list):
        raise DataError(f"{path}: the predictions are not a list.")
    width = len(rows[0]) if rows and isinstance(rows[0], list) else 0
    for row, value in enumerate(rows):
        values = value if isinstance(value, list) else [value]
        if (len(value) if isinstance(value, list) else 0) != width or (width == 0) != (
            not isinstance(value, list)
        ):
            raise DataError(f"{path}: row {row}: not as many values as in row 0.")
        for item in values:
            if type(item) not in (int, str):
                raise DataError(
                    f"{path}: row {row}: {item!r} is not a class id.",
                    "Class ids are whole numbers (or names); write the file again.",
                )
    return np.array(rows)


def _from_frame(frame: pd.DataFrame, names: Sequence[str], path: Path) -> list[Column]:
    if frame.empty:
        raise DataError(f"{path}: no rows.", "The file is empty; write it again.")
    keys = _value_columns(frame, names, path)
    id_name = _pick(frame.columns, ID_NAMES)
    model = _pick(frame.columns, ("model",))
    if model is not None and (frame[model].isna() | (frame[model] == "")).any():
        raise DataError(f"{path}: a row names no model.", "Name the model in every row.")
    groups = (
        [("", frame)]
        if model is None
        else [(str(name), part) for name, part in frame.groupby(model, sort=True)]
    )
    out = []
    for name, part in groups:
        for key in keys:
            empty = np.flatnonzero(part[key].isna().to_numpy())
            if empty.size:
                raise DataError(
                    f"{path}: row {part.index[empty[0]]}: {key!r} is empty or NaN.",
                    "Every item needs a value; write the file again.",
                )
        values = part[keys[0]].to_numpy() if len(keys) == 1 else part[keys].to_numpy()
        if values.dtype == object and isinstance(values.flat[0], (list, np.ndarray)):
            values = _stack(values, path)
        ids = None if id_name is None else _as_ids(part[id_name].to_numpy(dtype=object), path)
        out.append(Column(_whole(values, path), ids, name))
    return out


def _value_columns(frame: pd.DataFrame, names: Sequence[str], path: Path) -> list[str]:
    # Ordered columns (pred_1, pred_2, ...) say more than a top-1 column beside them.
    numbered = [
        (match[1], int(match[2]), str(name))
        for name in frame.columns
        if names is PREDICTION_NAMES and (match := _NUMBERED.fullmatch(str(name).lower()))
    ]
    # Only pred_1, pred_2, ... without a gap are an order; flags such as top1 and top5 are none.
    numbered.sort()
    numbers = [number for _, number, _ in numbered]
    stems = {stem for stem, _, _ in numbered}
    if len(stems) == 1 and len(numbers) > 1 and numbers in _counted(len(numbers)):
        return [name for _, _, name in numbered]
    if "topk_id" in frame.columns and names is PREDICTION_NAMES:
        return ["topk_id"]
    key = _pick(frame.columns, names)
    if key is None:
        raise DataError(
            f"{path}: no column {names[0]!r}; it has {', '.join(map(str, frame.columns))}.",
            f"Name the column one of: {', '.join(names)}.",
        )
    return [key]


def _counted(length: int) -> tuple[list[int], list[int]]:
    return list(range(length)), list(range(1, length + 1))


def _pick(columns: Any, names: Sequence[str]) -> str | None:
    lower = {str(column).lower(): column for column in columns}
    return next((lower[name] for name in names if name in lower), None)


def _as_ids(values: npt.NDArray[Any], path: Path) -> npt.NDArray[np.object_]:
    ids = np.array([str(value) for value in values], dtype=object)
    if (ids == "").any():
        raise DataError(f"{path}: row {int(np.flatnonzero(ids == '')[0])}: the id is empty.")
    return ids


def _stack(values: npt.NDArray[Any], path: Path) -> npt.NDArray[Any]:
    widths = np.array([len(row) for row in values])
    other = np.flatnonzero(widths != widths[0])
    if other.size:
        raise DataError(f"{path}: row {other[0]}: {widths[other[0]]} values, not {widths[0]}.")
    return np.stack([np.asarray(row) for row in values])


def _whole(values: npt.NDArray[Any], path: Path) -> npt.NDArray[Any]:
    """Refuse floats here, where the file and the row are known."""
    if values.dtype == object and all(isinstance(v, (int, np.integer)) for v in values.flat):
        large = [row for row, value in enumerate(values.flat) if abs(int(value)) >= 2**63]
        if large:
            raise DataError(f"{path}: value {large[0]}: {values.flat[large[0]]} is no class id.")
        return values.astype(np.int64)
    if values.dtype.kind == "f":
        rows = values if values.ndim == 1 else values.reshape(len(values), -1)[:, 0]
        bad = np.flatnonzero(np.isnan(rows))
        row = int(bad[0]) if bad.size else 0
        raise DataError(
            f"{path}: row {row}: {rows[row]} is not a class id.",
            "Store class ids as integers; of scores, store the ids of the best classes in order.",
        )
    return values
