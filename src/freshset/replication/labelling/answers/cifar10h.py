"""CIFAR-10H: which of the ten classes each person chose for a test image of CIFAR-10."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from freshset.core.errors import DataError
from freshset.core.frequencies import Frequencies
from freshset.replication.labelling.answers.base import Records, answer_records
from freshset.store.importers.checks import load_npy
from freshset.store.importers.tables import need_columns
from freshset.store.table_files import read_table

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"
)  # fmt: skip
_NEEDED = ("annotator_id", "is_attn_check", "chosen_label", "cifar10_test_test_idx")


def read(path: Path) -> Records:
    """Read the raw answers, ``cifar10h-raw.csv``.

    Images are called by their place in the test set.  Attention checks are left out and counted.

    Raises
    ------
    DataError
        When a column is missing, or a row is wrong.

    References
    ----------
    Peterson et al. (2019), "Human uncertainty makes classification more robust".
    """
    frame = read_table(path)
    need_columns(frame, _NEEDED, path)
    check = pd.to_numeric(frame["is_attn_check"], errors="coerce")
    if check.isna().any():
        row = int(check.isna().to_numpy().argmax())
        raise DataError(f"{path}: row {row}: is_attn_check is {frame['is_attn_check'][row]!r}.")
    real = frame[check == 0]
    columns = {
        "worker": real["annotator_id"],
        "item": real["cifar10_test_test_idx"].str.removesuffix(".0"),
        "chosen": real["chosen_label"],
    }
    return answer_records(path, columns, {"attention check": int((check != 0).sum())})


def read_counts(path: Path) -> Frequencies:
    """Read the pooled counts, ``cifar10h-counts.npy``, shape (images, 10).

    Raises
    ------
    DataError
        When it holds no counts of ten classes.
    """
    counts = load_npy(path)
    if counts.ndim != 2 or counts.shape[1] != len(CLASSES) or counts.dtype.kind not in "iuf":
        raise DataError(
            f"{path}: shape {counts.shape}, not one row an image and one column a class."
        )
    table = counts.astype(np.float64)
    if not (table >= 0).all() or (table != np.round(table)).any():
        raise DataError(
            f"{path}: these are no counts.", "Give cifar10h-counts.npy, not the probabilities."
        )
    n = len(table)
    items = np.repeat(np.array([str(i) for i in range(n)], dtype=object), len(CLASSES))
    answers = np.repeat(table.sum(axis=1), len(CLASSES))
    return Frequencies(items, np.tile(np.array(CLASSES, dtype=object), n), table.ravel(), answers)
