"""Checks of one test set: how many items, which labels, which classes, and whether all can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from freshset.core.classes import ClassSpace
from freshset.core.errors import FreshsetError
from freshset.core.issues import Issue
from freshset.core.records import TestSet
from freshset.core.spaces import KNOWN, known_space
from freshset.datasets.base import Item, Origin, Reader
from freshset.datasets.builtin import entries
from freshset.engine.loader import Loader, workers_for

_SHOWN = 5
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Finding:
    """What reading one item gave: why it cannot be read, and what is done to it beyond decoding."""

    row: int
    error: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Lenient:
    """Rows of a reader as findings, so that one item that cannot be read does not hide the next."""

    reader: Reader
    rows: Sequence[int]

    @property
    def testset(self) -> TestSet:
        return self.reader.testset

    @property
    def classes(self) -> ClassSpace | None:
        return self.reader.classes

    @property
    def item(self) -> Item:
        return self.reader.item

    @property
    def reading(self) -> str:
        return self.reader.reading

    @property
    def origin(self) -> Origin:
        return self.reader.origin

    def read(self, index: int) -> Finding:
        row = self.rows[index]
        try:
            self.reader.read(row)
            inspect: Callable[[int], Any] | None = getattr(self.reader, "inspect", None)
            return Finding(row, notes=() if inspect is None else tuple(inspect(row).notes))
        except FreshsetError as error:
            return Finding(row, str(error))
        except Exception as error:  # whatever a reader raises, the item cannot be read
            return Finding(row, f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class _AsItIs:
    key: str = ""
    shared: str = ""

    def prepare(self, item: Any) -> Any:
        return item


def check_items(reader: Reader) -> Iterator[Issue]:
    """Look at what is known without reading an item: number, ids, labels and classes."""
    testset = reader.testset
    for note in getattr(reader, "notes", ()):
        yield Issue("files", "note", testset.id, (), note)
    yield from _count(reader)
    try:
        testset.check(testset.id)
    except FreshsetError as error:
        yield Issue("ids", "fault", testset.id, (), str(error))
        return
    if testset.labels is not None:
        yield from _labels(testset)
    if reader.classes is not None:
        yield from _class_order(testset.id, reader.classes)


def _count(reader: Reader) -> Iterator[Issue]:
    testset, expected = reader.testset, reader.origin.expected_n
    known = entries().get(testset.id)
    expected = expected or (known.n if known is not None else 0)
    if expected and testset.n != expected:
        text = f"{testset.n:,} items, where {expected:,} are expected."
        yield Issue("count", "fault", testset.id, (), f"{text} Complete the data before you run.")


def _labels(testset: TestSet) -> Iterator[Issue]:
    names = testset.class_names or tuple(map(str, range(testset.n_classes)))
    counts = np.bincount(testset.known_labels, minlength=testset.n_classes)
    if testset.accepted is not None:
        counts = counts + np.bincount(testset.accepted.classes, minlength=testset.n_classes)
    empty = np.flatnonzero(counts == 0)
    if counts.max() == counts.sum() and testset.n > 1 and testset.n_classes > 1:
        name = names[int(counts.argmax())]
        text = f"All {testset.n:,} items are of the class {name!r}. Check the labels."
        yield Issue("labels", "warning", testset.id, (), text)
    elif empty.size:
        text = f"{empty.size:,} of {testset.n_classes:,} classes have no item: "
        yield Issue("labels", "warning", testset.id, (), text + _some([names[i] for i in empty]))


def _class_order(testset: str, classes: ClassSpace) -> Iterator[Issue]:
    keys = list(classes.keys)
    numbers = all(key.isdecimal() for key in keys)
    if numbers and keys == sorted(keys) and keys != sorted(keys, key=int):
        text = (
            f"The classes are numbers in the order of texts ({', '.join(keys[:4])}, ...), so class "
            "ids are most likely wrong. Give the classes in their order."
        )
        yield Issue("class-order", "fault", testset, (), text)
    for name in KNOWN:
        space = known_space(name)
        same = len(space) == len(classes) and set(keys) == set(space.keys)
        if same and space.digest != classes.digest:
            text = (
                f"The classes are those of {name} in another order. Models that do not name their "
                f"classes will be scored wrongly; use 'classes: {name}'."
            )
            yield Issue("class-order", "warning", testset, (), text)


def read_all(
    reader: Reader,
    sample: int,
    workers: int,
    memory: int,
    advance: Callable[[int], None],
) -> tuple[int, list[Issue]]:
    """Read every item, or a sample that is spread evenly over the test set.

    Parameters
    ----------
    sample
        Items to read; 0 for all.
    advance
        Is told how many more items were read.

    Returns
    -------
    read, issues
        How many items were read; a fault for each that cannot be, and a note on each thing that is
        done to items beyond decoding.
    """
    rows = spread(reader.testset.n, sample)
    workers = workers_for(reader, workers, len(rows))
    findings: list[Finding] = []
    with Loader(_Lenient(reader, rows), _AsItIs(), workers=workers, memory=memory) as loader:
        parts = [range(i, min(i + _BATCH, len(rows))) for i in range(0, len(rows), _BATCH)]
        for _, _, found in loader.batches(parts):
            findings.extend(found)
            advance(len(found))
    return len(rows), list(_issues(reader.testset, findings))


def _issues(testset: TestSet, findings: Sequence[Finding]) -> Iterator[Issue]:
    for finding in findings:
        if finding.error:
            text = f"row {finding.row} ({testset.ids[finding.row]!r}): {finding.error}"
            yield Issue("decode", "fault", testset.id, (), text)
    notes: dict[str, list[int]] = {}
    for finding in findings:
        for note in finding.notes:
            notes.setdefault(note, []).append(finding.row)
    for note, rows in notes.items():
        ids = _some([testset.ids[row] for row in rows])
        yield Issue("reading", "note", testset.id, (), f"{note}: {len(rows):,} items ({ids})")


def spread(n: int, sample: int) -> list[int]:
    """Return ``sample`` row numbers spread evenly over ``n`` rows; all rows for 0."""
    if not sample or sample >= n:
        return list(range(n))
    return [int(row) for row in np.linspace(0, n - 1, sample).round()]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
