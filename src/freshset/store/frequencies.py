"""Selection frequencies in files: csv or Parquet, one row an image and class.

Columns: ``item_id``, ``class``, ``selected`` and ``answers``.  Zero answers stay zero answers: the
frequency of such a row is unknown.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from freshset.core.errors import DataError
from freshset.core.files import write_atomic
from freshset.core.frequencies import Frequencies
from freshset.store.importers.tables import need_columns
from freshset.store.table_files import numbers, read_table, table_kind, texts

COLUMNS = ("item_id", "class", "selected", "answers")
SCHEMA = "freshset.frequencies/1"


def read_frequencies(path: Path | str) -> Frequencies:
    """Read selection frequencies.

    Parameters
    ----------
    path
        A ``.csv`` or ``.parquet`` file with the columns `COLUMNS`; other columns are ignored.

    Raises
    ------
    DataError
        When the file cannot be read, a column is missing, or a row is wrong; names the row, from 0.
    UsageError
        For another kind of file.
    """
    path = Path(path)
    frame = read_table(path)
    need_columns(frame, COLUMNS, path)
    if frame.empty:
        raise DataError(f"{path}: no rows.", "The file is empty; write it again.")
    ids, classes = (texts(frame[name], path) for name in ("item_id", "class"))
    selected, answers = (numbers(frame[name], path) for name in ("selected", "answers"))
    bad = ~((selected >= 0) & (selected <= answers))
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{path}: row {row}: {selected[row]:g} of {answers[row]:g} answers selected.",
            "Counts lie between 0 and the number of answers.",
        )
    twice = pd.DataFrame({"item": ids, "class": classes}).duplicated().to_numpy()
    if twice.any():
        row = int(twice.argmax())
        raise DataError(f"{path}: row {row}: {ids[row]!r} for {classes[row]!r} occurs twice.")
    return Frequencies(ids, classes, selected, answers)


def write_frequencies(path: Path | str, frequencies: Frequencies) -> None:
    """Write selection frequencies as csv or Parquet, by the name of the file.

    Raises
    ------
    UsageError
        For another kind of file.
    """
    path = Path(path)
    kind = table_kind(path)
    frame = _frame(frequencies)
    if kind == ".csv":
        write_atomic(path, frequencies_csv(frequencies))
        return
    kinds = {name: pa.string() if name in COLUMNS[:2] else pa.float64() for name in COLUMNS}
    schema = pa.schema(kinds, metadata={"schema": SCHEMA})
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_pandas(frame, schema, preserve_index=False), sink, compression="zstd"
    )
    write_atomic(path, sink.getvalue().to_pybytes())


def frequencies_csv(frequencies: Frequencies) -> str:
    """Return selection frequencies as csv."""
    frame = _frame(frequencies)
    # Whole counts are written as such, so that the file reads as counts.
    for name in ("selected", "answers"):
        if (frame[name] == frame[name].round()).all():
            frame[name] = frame[name].astype(np.int64)
    return frame.to_csv(index=False, lineterminator="\n")


def _frame(frequencies: Frequencies) -> pd.DataFrame:
    columns = (
        frequencies.item_ids,
        frequencies.class_keys,
        frequencies.selected,
        frequencies.answers,
    )
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
