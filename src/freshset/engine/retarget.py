"""A stored test set under other labels or classes, as `freshset rescore` is asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError
from freshset.core.identifiers import canonical_testset
from freshset.core.records import TestSet
from freshset.datasets.base import TestSetRef
from freshset.datasets.class_files import read_table
from freshset.datasets.labels import declared_classes, to_labels
from freshset.datasets.mappings import ClassMapping, find_mapping
from freshset.datasets.options import Options
from freshset.datasets.relabel import accept, accept_sets_from, classes_of, relabel, subset


@dataclass(frozen=True, slots=True)
class Retarget:
    """What is to change; at least one of labels, accept and classes.

    Attributes
    ----------
    labels
        File of other labels by item id: csv or tsv with columns ``item_id`` and ``label``, or a json
        object.
    accept
        File of the classes that count as right; see `freshset.datasets.relabel.accept_sets_from`.
    ids
        How the items of a list in ``accept`` are called.
    classes
        The classes that are kept: a known space, or a file.
    mapping
        How the old classes become the new ones.
    """

    labels: Path | None = None
    accept: Path | None = None
    ids: str = ""
    classes: str = ""
    mapping: str = "restrict"


@dataclass(frozen=True, slots=True)
class Retargeted:
    """The new test set, the rows of the old one that its items are, and the mapping of classes."""

    testset: TestSet
    rows: npt.NDArray[np.intp]
    mapping: ClassMapping | None = None


def retarget(testset: TestSet, id: str, change: Retarget) -> Retargeted:
    """Make the new test set.

    Raises
    ------
    UsageError
        When nothing is to change, or a file does not exist.
    DataError
        When labels or classes do not fit the test set.
    """
    if not (change.labels or change.accept or change.classes):
        raise UsageError("Nothing is to change.", "Give --labels, --accept or --classes.")
    if testset.labels is None:
        raise UsageError(f"{testset.id}: only test sets of classes can be scored again.")
    id = canonical_testset(id)
    for path in (change.labels, change.accept):
        if path is not None and not path.is_file():
            raise UsageError(f"{path}: no such file.", "Give a csv, tsv or json file.")
    rows: npt.NDArray[np.intp] = np.arange(testset.n)
    mapping = None
    if change.labels is not None:
        testset = relabel(testset, _labels(change.labels, testset), id)
    if change.accept is not None:
        rows, testset = accept(testset, accept_sets_from(change.accept, change.ids), id)
    if change.classes:
        mapping = find_mapping(
            change.mapping, classes_of(testset), _space(change.classes), Path.cwd()
        )
        if mapping is not None:
            kept, testset = subset(testset, mapping, id)
            rows = rows[kept]
    return Retargeted(testset, rows, mapping)


def _labels(path: Path, testset: TestSet) -> dict[str, int]:
    table = read_table(path, "item_id", "label")
    strange = [item for item in table if item not in set(testset.ids)]
    if strange:
        raise DataError(
            f"{path}: {len(strange):,} ids are not in {testset.id} (first {strange[0]!r}).",
            "Use the ids of the test set.",
        )
    names = testset.class_keys or testset.class_names
    space = classes_of(testset) if names else ClassSpace("", _numbers(testset.n_classes))
    values = np.array(list(table.values()), dtype=object)
    labels, _ = to_labels(values, space, str(path))
    return {item: int(label) for item, label in zip(table, labels, strict=True)}


def _numbers(n: int) -> tuple[str, ...]:
    return tuple(map(str, range(n)))


def _space(classes: str) -> ClassSpace:
    ref = TestSetRef("--classes", "rescore", "", {"classes": classes}, root=Path.cwd())
    space = declared_classes(Options(ref, ("classes",)))
    if space is None:
        raise UsageError("--classes is empty.")
    return space
