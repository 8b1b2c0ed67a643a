"""Tidy tables of counts: one row per model and test set.

Columns: ``model``, ``testset``, ``n`` and ``correct`` (with ``correct_top5`` if known), or
``accuracy`` (with ``accuracy_top5``) as fractions, from which counts are only approximate.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from freshset.core.errors import DataError
from freshset.core.files import sha256_file
from freshset.core.identifiers import KNOWN_TESTSETS, canonical_testset
from freshset.core.records import Source, TestSet
from freshset.store.base import Counts, Store
from freshset.store.importers.report import ImportReport


def read(path: Path, store: Store, *, replace: bool = False) -> ImportReport:
    """Import a table of counts.

    Parameters
    ----------
    path
        A csv file; lines that start with ``#`` are comments.
    replace
        Overwrite cells that came from other files.
    """
    frame = read_csv(path, comment="#")
    source = Source("table", path.name, sha256_file(path))
    cells = _counts(frame, path, source)
    if not cells:
        raise DataError(f"{path}: no rows.")
    return put_counts(cells, store, replace=replace)


def put_counts(cells: list[Counts], store: Store, *, replace: bool) -> ImportReport:
    """Store count cells with the test sets that they name."""
    report = ImportReport()
    sizes: dict[str, int] = {}
    for cell in cells:
        if sizes.setdefault(cell.testset, cell.n) != cell.n:
            raise DataError(
                f"{cell.source.file}: {cell.testset!r} has {sizes[cell.testset]:,} items in one "
                f"row and {cell.n:,} in another.",
                "Give test sets of different size different ids.",
            )
    with store.batch(replace=replace) as batch:
        for testset, n in sizes.items():
            known = KNOWN_TESTSETS.get(testset)
            batch.put_testset(TestSet(testset, n, known.n_classes if known else 0))
            report.testsets.append(testset)
        for cell in cells:
            report.put(batch, cell)
    if any(cell.approximate for cell in cells):
        report.warnings.append(
            "Counts were derived from rounded accuracies: intervals are approximate."
        )
    return report


def read_csv(path: Path, comment: str | None = None, *, text: bool = False) -> pd.DataFrame:
    """Read a csv file, with every cell as it is written if wanted; `DataError` names the file."""
    try:
        if text:
            return pd.read_csv(path, comment=comment, dtype=str, keep_default_na=False)
        return pd.read_csv(path, comment=comment)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{path}: cannot be read as csv ({error}).") from error


def need_columns(frame: pd.DataFrame, names: tuple[str, ...], path: Path) -> None:
    """Raise `DataError` unless the frame has these columns."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataError(
            f"{path}: no column {missing[0]!r}.",
            f"The columns are: {', '.join(map(str, frame.columns))}.",
        )


def _counts(frame: pd.DataFrame, path: Path, source: Source) -> list[Counts]:
    approximate = "correct" not in frame.columns
    stem = "accuracy" if approximate else "correct"
    need_columns(frame, ("model", "testset", "n", stem), path)
    columns = {"top1": stem, "top5": f"{stem}_top5"}
    columns = {metric: name for metric, name in columns.items() if name in frame.columns}
    out, seen = [], set()
    for row, record in enumerate(frame.to_dict("records")):
        where = f"{path}: row {row}"
        n = number(record["n"], where, "n")
        if n < 1 or n != int(n):
            raise DataError(f"{where}: n is {record['n']}, not a whole number of items.")
        correct = {}
        for metric, name in columns.items():
            if pd.isna(record[name]) and metric != "top1":
                continue
            value = number(record[name], where, name) * (n if approximate else 1)
            if not 0 <= value <= n:
                hint = "Accuracies are fractions: write 0.761, not 76.1." if approximate else ""
                raise DataError(f"{where}: {name} is {record[name]}, out of range.", hint)
            correct[metric] = value
        model, testset = str(record["model"]), canonical_testset(str(record["testset"]))
        if (model, testset) in seen:
            raise DataError(f"{where}: {model!r} on {testset!r} occurs twice.")
        seen.add((model, testset))
        out.append(Counts(model, testset, int(n), correct, source, approximate))
    return out


def number(value: Any, where: str, name: str) -> float:
    """Return a finite number, or raise `DataError` naming row and column."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        result = float("nan")
    if not np.isfinite(result):
        raise DataError(f"{where}: {name} is {value!r}, not a number.")
    return result
