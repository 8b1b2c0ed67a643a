"""Predictions in plain files, with a labels file: the importer for one's own models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.core.files import read_json, sha256_file
from freshset.core.identifiers import canonical_testset
from freshset.core.provenance import touched_near
from freshset.core.records import Source, TestSet
from freshset.store.base import Examples, Store
from freshset.store.importers.checks import check_repair, check_topk, class_ids, repaired
from freshset.store.importers.reading import (
    LABEL_NAMES,
    PREDICTION_NAMES,
    Column,
    read_columns,
)
from freshset.store.importers.report import ImportReport


def read(
    path: Path | Sequence[Path] | Mapping[str, Path],
    store: Store,
    *,
    testset: str,
    labels: Path | None = None,
    classes: str | None = None,
    repair: str = "none",
    replace: bool = False,
) -> ImportReport:
    """Import one or more predictions files of one test set.

    Parameters
    ----------
    path
        One file, several, or files by model name.  A file without a name given is one model, named
        by the file, or several, named by its ``model`` column.
    testset
        Id of the test set.
    labels
        Its labels file; not needed when the store has the test set.
    classes
        Number of classes, or a file of class names in the order of their ids (one a line, or a JSON
        list).  By default class names are the sorted labels and class ids go up to the largest.
    repair
        ``worst-first`` reorders predictions whose last column is the best one.
    replace
        Overwrite cells that came from other files.
    """
    check_repair(repair)
    files = _named(path)
    name = canonical_testset(testset)
    report = ImportReport(testsets=[name])
    with store.batch(replace=replace) as batch:
        items = _testset(store, name, labels, classes)
        batch.put_testset(items)
        seen: dict[str, Path] = {}
        for given, file in files:
            for column in read_columns(file, PREDICTION_NAMES):
                who = given or column.name or file.stem
                if who in seen:
                    raise DataError(
                        f"{file}: the model {who!r} was read from {seen[who]} already.",
                        "Rename a file, or name the model with --model.",
                    )
                seen[who] = file
                topk = _topk(column, items, str(file), report)
                topk, done = repaired(topk, items, repair)
                source = Source("predictions", file.name, sha256_file(file))
                report.put(batch, Examples(who, name, topk, source, done))
    return report


def _named(path: Path | Sequence[Path] | Mapping[str, Path]) -> list[tuple[str, Path]]:
    if isinstance(path, Path):
        return [("", path)]
    if isinstance(path, Mapping):
        return [(name, Path(file)) for name, file in path.items()]
    return [("", Path(file)) for file in path]


def _topk(
    column: Column, items: TestSet, where: str, report: ImportReport
) -> npt.NDArray[np.int32]:
    values = to_class_ids(column.values, items.class_names, items.id, where)
    if column.ids is None:
        topk = check_topk(values, items, where)
        if items.ids_given:
            report.warnings.append(f"{where}: has no ids; its rows were matched by position.")
        return topk
    order = _match(column.ids, items, where)
    return check_topk(values[order], items, where)


def _match(ids: npt.NDArray[np.object_], items: TestSet, where: str) -> npt.NDArray[np.intp]:
    """Row of the file for every item of the test set."""
    row_of: dict[str, int] = {}
    for row, item in enumerate(ids):
        if item in row_of:
            raise DataError(
                f"{where}: row {row}: the id {item!r} occurs twice (first in row {row_of[item]}).",
                "Remove the duplicate rows.",
            )
        row_of[item] = row
    missing = [item for item in items.ids if item not in row_of]
    known = set(items.ids)
    extra = [(row, item) for item, row in row_of.items() if item not in known]
    if missing or extra:
        parts = []
        if missing:
            parts.append(f"{len(missing):,} ids of {items.id} are missing (first {missing[0]!r})")
        if extra:
            row, item = extra[0]
            parts.append(f"{len(extra):,} ids are not in it (first {item!r}, row {row})")
        raise DataError(
            f"{where}: {' and '.join(parts)}.",
            "Predict every item of the test set and no other, and use the same ids as the labels.",
        )
    return np.array([row_of[item] for item in items.ids], dtype=np.intp)


def _testset(store: Store, name: str, labels: Path | None, classes: str | None) -> TestSet:
    stored = store.testset(name) if name in store.testsets() else None
    if labels is None:
        if stored is None or not stored.has_items:
            raise UsageError(
                f"The store has no items of {name!r}.", "Give its labels with --labels FILE."
            )
        return stored
    labels = Path(labels)
    columns = read_columns(labels, LABEL_NAMES)
    if len(columns) != 1 or columns[0].values.ndim != 1:
        raise DataError(f"{labels}: not one label per item.", "Give one column of labels.")
    column = columns[0]
    names, count = _classes(column.values, classes, stored, labels)
    ids = column.ids
    if ids is None:
        ids = np.array([str(i) for i in range(len(column.values))], dtype=object)
    testset = TestSet(
        name,
        len(column.values),
        count,
        item_ids=ids,
        labels=to_class_ids(column.values, names, name, str(labels))[:, 0].astype(np.int32),
        ids_given=column.ids is not None,
        class_names=names,
        touched=touched_near(labels.absolute()),
    )
    testset.check(str(labels))
    return testset


def _classes(
    labels: npt.NDArray[np.generic], classes: str | None, stored: TestSet | None, where: Path
) -> tuple[tuple[str, ...], int]:
    """Class names (maybe none) and the number of classes."""
    if classes is not None and str(classes).isdecimal():
        if not 0 < int(classes) < 2**31:
            raise UsageError(f"--classes {classes}: not a possible number of classes.")
        return (), int(classes)
    if classes is not None:
        names = _class_names(Path(classes))
        return names, len(names)
    if stored is not None and stored.has_items:
        return stored.class_names, stored.n_classes
    if labels.dtype.kind in "iu":
        return (), int(labels.max()) + 1
    if labels.dtype.kind == "f":
        class_ids(labels, str(where))
    names = tuple(sorted({str(label) for label in labels}))
    return names, len(names)


def _class_names(path: Path) -> tuple[str, ...]:
    if not path.exists():
        raise UsageError(f"--classes {path}: neither a number nor a file.", "Give one of the two.")
    if path.suffix == ".json":
        listed = read_json(path)
        if not isinstance(listed, list):
            raise DataError(f"{path}: not a list of class names.")
        names = tuple(str(name) for name in listed)
    else:
        try:
            names = tuple(path.read_text(encoding="utf-8").split("\n"))
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: not UTF-8 text.", "Save the class list as UTF-8.") from error
        names = tuple(name.strip() for name in names if name.strip())
    if len(set(names)) != len(names) or not names:
        raise DataError(f"{path}: no class names, or one that occurs twice.")
    return names


def to_class_ids(
    values: npt.NDArray[np.generic], names: tuple[str, ...], testset: str, where: str
) -> npt.NDArray[np.int64]:
    """Class ids of numbers or names, shape (items, k); raises `DataError` for what is no class."""
    numbers = values.dtype.kind in "iuf" or not names
    if numbers and not all(name.isdecimal() for name in names or ("",)):
        return class_ids(values, where)
    if numbers:
        # Classes that are called by numbers: 7 means the class of that name, not the seventh name.
        values = class_ids(values, where).astype(str)
    index = {name: i for i, name in enumerate(names)}
    table = values[:, None] if values.ndim == 1 else values
    out = np.empty(table.shape, dtype=np.int64)
    for (row, column), value in np.ndenumerate(table):
        if str(value) not in index:
            raise DataError(
                f"{where}: row {row}: {value!r} is not a class of {testset}.",
                did_you_mean(str(value), names),
            )
        out[row, column] = index[str(value)]
    return out
