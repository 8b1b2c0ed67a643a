"""Tables of answers: one row an answer, in csv, Parquet, or lines of JSON as freshset exports them.

Columns, by any of these names: ``worker`` (``worker_id``, ``annotator``), the image as ``token``,
``item_id``, ``image`` or ``task`` and the answer as ``selected`` or ``label``; and, where they are
there, ``task_id``, ``class``, ``status``, ``accepted_at``, ``submitted_at``, ``assignment_id``.  The
plain table ``task, worker, label`` of crowd-kit and others is read so: its ``task`` is the image.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from freshset.core.errors import DataError
from freshset.replication.labelling.answers.base import Records, answer_records, split_labels
from freshset.store.table_files import read_table

_NAMES = {
    "worker": ("worker", "worker_id", "workerid", "annotator", "annotator_id"),
    "item": ("token", "item_id", "item", "image", "image_id", "file_name", "task"),
    "answer": ("selected", "label", "answer"),
    "task_id": ("task_id",),
    "class_key": ("class", "class_key", "wnid"),
    "status": ("status",),
    "accepted_at": ("accepted_at",),
    "submitted_at": ("submitted_at",),
    "assignment_id": ("assignment_id",),
}
_NEEDED = ("worker", "item", "answer")


def read(path: Path) -> Records:
    """Read a table of answers.

    Raises
    ------
    DataError
        When the file cannot be read, a column is missing, or a row is no answer; names the row.
    UsageError
        For another kind of file.
    """
    frame = _lines(path) if path.suffix.lower() == ".jsonl" else read_table(path)
    lower = {str(name).lower(): name for name in frame.columns}
    found = {
        ours: lower[next(name for name in names if name in lower)]
        for ours, names in _NAMES.items()
        if any(name in lower for name in names)
    }
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        raise DataError(
            f"{path}: no column for the {missing[0]}.",
            f"Name it one of: {', '.join(_NAMES[missing[0]])}. The columns are: "
            f"{', '.join(map(str, frame.columns))}.",
        )
    selected, chosen = split_labels(frame[found.pop("answer")], path)
    columns = {ours: frame[theirs] for ours, theirs in found.items()}
    return answer_records(path, columns | {"selected": selected, "chosen": chosen})


def _lines(path: Path) -> pd.DataFrame:
    """Read an export, whose first line says how many answers follow."""
    try:
        with path.open(encoding="utf-8") as stream:
            header = json.loads(stream.readline())
            rows = [json.loads(line) for line in stream]
        wanted = int(header["rows"])
        frame = pd.DataFrame(rows, columns=header["columns"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: no whole export of answers ({error}).", "Export it again."
        ) from error
    if len(frame) != wanted:
        raise DataError(
            f"{path}: {len(frame):,} of {wanted:,} answers; the file was cut off.",
            "Export it again. Nothing was imported.",
        )
    return frame
