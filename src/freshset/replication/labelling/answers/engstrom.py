"""The answers of Engstrom et al. (2020) on ImageNet and ImageNetV2: columns id, wnid, selected.

They are published as data frames that torch pickled, which nobody should load from elsewhere without
looking; save one as Parquet first: ``torch.load(path).to_parquet("answers.parquet")``.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from freshset.core.errors import DataError
from freshset.replication.labelling.answers.base import Records, answer_records, split_labels
from freshset.store.importers.tables import need_columns
from freshset.store.table_files import read_table

_WORKERS = ("worker", "worker_id", "workerid", "annotator")


def read(path: Path) -> Records:
    """Read a frame of answers.

    Parameters
    ----------
    path
        csv or Parquet with ``id``, ``wnid`` and ``selected``.  Where no column names the worker, each
        answer of an image is taken as another worker's, by its place: rows stay apart, but nothing can
        be said of workers.

    Raises
    ------
    DataError
        When the file cannot be read, a column is missing, or a row is no answer.
    """
    if path.suffix.lower() == ".pt":
        raise DataError(
            f"{path}: a pickled frame, which could run anything when it is loaded.",
            'Save it first: torch.load(path, weights_only=False).to_parquet("answers.parquet").',
        )
    frame = read_table(path)
    if "id" not in frame.columns and frame.index.name == "id":
        frame = frame.reset_index()
    need_columns(frame, ("id", "wnid", "selected"), path)
    selected, chosen = split_labels(_numbers(frame["selected"]), path)
    if (chosen != "").any():
        row = int((chosen != "").to_numpy().argmax())
        raise DataError(f"{path}: row {row}: selected is {chosen.iloc[row]!r}, no answer.")
    name = next((str(c) for c in frame.columns if str(c).lower() in _WORKERS), "")
    nth = frame.groupby(["id", "wnid"]).cumcount()
    workers = frame[name] if name else "unnamed-" + nth.astype(str)
    columns = {"worker": workers, "item": frame["id"], "class_key": frame["wnid"]}
    return answer_records(
        path, columns | {"selected": selected}, {} if name else {"unnamed worker": len(frame)}
    )


def _numbers(column: pd.Series) -> pd.Series:
    """Flags and whole floats as 0 and 1."""
    if column.dtype == bool:
        return column.astype(int)
    return column
