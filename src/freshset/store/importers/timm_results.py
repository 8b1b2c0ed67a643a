"""Result tables of timm (``results/results-*.csv``): percentages, so intervals are approximate."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_file
from freshset.core.identifiers import KNOWN_TESTSETS, canonical_testset
from freshset.core.records import Source
from freshset.store.base import Counts, Store
from freshset.store.importers.report import ImportReport
from freshset.store.importers.tables import need_columns, number, put_counts, read_csv


def read(
    path: Path, store: Store, *, testset: str, n: int | None = None, replace: bool = False
) -> ImportReport:
    """Import one results file.

    Parameters
    ----------
    path
        A csv with the columns ``model``, ``top1`` and ``top5`` (percent).
    testset
        Id of the test set that the file is about.
    n
        Number of its items, where freshset does not know the set.
    replace
        Overwrite cells that came from other files.
    """
    name = canonical_testset(testset)
    if n is None:
        if name not in KNOWN_TESTSETS:
            raise UsageError(f"The number of items of {name!r} is not known.", "Give it with --n.")
        n = KNOWN_TESTSETS[name].n
    if n < 1:
        raise UsageError(f"--n {n}: not a number of items.", "Give the size of the test set.")
    frame = read_csv(path)
    need_columns(frame, ("model", "top1"), path)
    source = Source("timm", path.name, sha256_file(path))
    metrics = [metric for metric in ("top1", "top5") if metric in frame.columns]
    names = _model_names(frame, path)
    cells = []
    for row, record in enumerate(frame.to_dict("records")):
        where = f"{path}: row {row}"
        correct = {}
        for metric in metrics:
            percent = number(record[metric], where, metric)
            if not 0 <= percent <= 100:
                raise DataError(f"{where}: {metric} is {percent}, not a percentage.")
            correct[metric] = percent / 100 * n
        cells.append(Counts(names[row], name, n, correct, source, approximate=True))
    if not cells:
        raise DataError(f"{path}: no rows.")
    if all(cell.correct["top1"] <= 0.01 * n for cell in cells):
        raise DataError(
            f"{path}: no top1 above 1, so these look like fractions and not percentages.",
            "Multiply them by 100, or import a table with an 'accuracy' column.",
        )
    return put_counts(cells, store, replace=replace)


def _model_names(frame: pd.DataFrame, path: Path) -> list[str]:
    """Model names; one that was run at several image sizes says which."""
    names = frame["model"].astype(str)
    if "img_size" in frame.columns:
        several = names.duplicated(keep=False)
        names = names.where(~several, names + "?img_size=" + frame["img_size"].astype(str))
    repeated = names.duplicated()
    if repeated.any():
        row = int(repeated.to_numpy().argmax())
        raise DataError(f"{path}: row {row}: {names[row]!r} occurs twice.")
    return list(names)
