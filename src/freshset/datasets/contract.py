"""What every reader of test sets must do, as checks that any package can run on its own adapter.

In a test of one's own, ``check_reader(ADAPTER.open, ref)`` runs them all; one test a check is one
line more::

    @pytest.mark.parametrize("check", checks(), ids=str)
    def test_my_reader(check):
        check(Subject(ADAPTER.open, ref))
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, get_args

import numpy as np
from PIL import Image

from freshset.core.contract import Check, ContractViolation, listed, refused, require
from freshset.core.errors import DataError, UsageError
from freshset.core.records import Task
from freshset.datasets.base import Item, Question, Reader, TestSetRef

__all__ = ["Check", "ContractViolation", "Subject", "check_reader", "checks"]

BYTES_PER_ITEM, BYTES_PER_CLASS, BYTES_OF_READER = 1024, 256, 16_384
"""What a pickled reader may weigh: its ids, labels and paths, but no item."""

_ABSENT = "-no-such-thing"


@dataclass(frozen=True)
class Subject:
    """A test set with what opens it.

    Attributes
    ----------
    open
        `DatasetAdapter.open`.
    ref
        A small test set of at least two items.  Images of 64 x 64 pixels or more let the checks see
        a reader that holds them in memory.
    """

    open: Callable[[TestSetRef], Reader]
    ref: TestSetRef

    def __str__(self) -> str:
        return self.ref.id

    @cached_property
    def reader(self) -> Reader:
        """The test set, open."""
        return self.open(self.ref)

    @property
    def rows(self) -> range:
        """The rows that are read: the first few."""
        return range(min(self.reader.testset.n, 16))


def checks() -> list[Check[Subject]]:
    """All clauses, in the order in which they are best mended."""
    return listed(_CHECKS)


def check_reader(open: Callable[[TestSetRef], Reader], ref: TestSetRef) -> None:
    """Check an adapter on one test set.

    Parameters
    ----------
    open
        `DatasetAdapter.open`.
    ref
        A small test set, best with items of 64 x 64 pixels or more.

    Raises
    ------
    ContractViolation
        For the first clause that the reader does not keep.
    """
    subject = Subject(open, ref)
    for check in checks():
        check(subject)


def items_are_known(subject: Subject) -> None:
    """Ids are unique strings, one an item, under the id that was asked for."""
    testset = subject.reader.testset
    require(testset.id == subject.ref.id, f"the test set calls itself {testset.id!r}")
    require(testset.n >= 2, f"{testset.n} items are too few to check anything")
    require(testset.item_ids is not None, "no item ids")
    ids = testset.ids.tolist()
    require(len(ids) == testset.n, f"{len(ids)} ids for {testset.n} items")
    other = [one for one in ids if not isinstance(one, str) or not one]
    require(not other, f"an id is {other[:1]}, not a text")
    require(len(set(ids)) == len(ids), "an id occurs twice")


def labels_lie_in_the_classes(subject: Subject) -> None:
    """Classification has labels within its class space; other tasks have none of either."""
    testset, classes = subject.reader.testset, subject.reader.classes
    require(testset.task in get_args(Task), f"the task is {testset.task!r}")
    if testset.task != "classification":
        require(classes is None and testset.labels is None, f"{testset.task} with classes")
        require(bool(testset.gold), "no digest of the reference answers")
        return
    require(testset.labels is not None, "no labels")
    labels = testset.known_labels
    require(labels.dtype == np.int32 and labels.shape == (testset.n,), f"labels of {labels.dtype}")
    require(
        bool((labels >= 0).all() and (labels < testset.n_classes).all()),
        f"labels {labels.min()}..{labels.max()} in {testset.n_classes} classes",
    )
    if classes is not None:
        require(
            len(classes) == testset.n_classes,
            f"{len(classes)} classes, of which the test set knows {testset.n_classes}",
        )
    for names in (testset.class_names, testset.class_keys):
        require(len(names) in {0, testset.n_classes}, f"{len(names)} names or keys of classes")


def columns_have_one_value_an_item(subject: Subject) -> None:
    """Strata and accepted classes are as long as the test set, and its size is what it must be."""
    testset, origin = subject.reader.testset, subject.reader.origin
    for name, column in testset.strata.items():
        require(len(column) == testset.n, f"stratum {name!r}: {len(column)} values")
    if testset.accepted is not None:
        require(len(testset.accepted) == testset.n, f"{len(testset.accepted)} accept-sets")
    require(origin.expected_n in {0, testset.n}, f"{testset.n} items, not {origin.expected_n}")


def items_are_what_they_are_called(subject: Subject) -> None:
    """Images are decoded RGB images, texts are texts, questions are questions, arrays are numbers."""
    reader = subject.reader
    require(reader.item in get_args(Item), f"item is {reader.item!r}")
    for row in subject.rows:
        item = reader.read(row)
        if reader.item == "image":
            require(isinstance(item, Image.Image), f"item {row} is {type(item).__name__}")
            require(item.mode == "RGB", f"item {row} is an image of mode {item.mode}")
        elif reader.item == "array":
            require(isinstance(item, np.ndarray), f"item {row} is {type(item).__name__}")
            require(item.dtype.kind in "biuf", f"item {row} is an array of {item.dtype}")
        else:
            kind = str if reader.item == "text" else Question
            require(isinstance(item, kind), f"item {row} is {type(item).__name__}")


def reading_is_deterministic(subject: Subject) -> None:
    """One row gives one item, however often and in whatever order it is read."""
    reader = subject.reader
    first = [_content(reader.read(row)) for row in subject.rows]
    again = [_content(reader.read(row)) for row in reversed(subject.rows)][::-1]
    other = [row for row, (one, two) in enumerate(zip(first, again, strict=True)) if one != two]
    require(not other, f"item {other[:1]} was another the second time")


def items_belong_to_their_caller(subject: Subject) -> None:
    """Writing into an item that was read changes no later reading."""
    if subject.reader.item not in {"image", "array"}:
        return
    before = _content(subject.reader.read(0))
    item = subject.reader.read(0)
    if isinstance(item, Image.Image):
        item.paste((1, 2, 3), (0, 0, *item.size))
    elif item.flags.writeable:
        item[...] = 1
    require(_content(subject.reader.read(0)) == before, "a caller can change what others read")


def a_pickled_reader_reads_the_same(subject: Subject) -> None:
    """Worker processes get a copy."""
    try:
        copy = pickle.loads(pickle.dumps(subject.reader))  # noqa: S301 - our own bytes
    except Exception as error:
        raise ContractViolation(f"it cannot be pickled ({error})") from error
    require(
        copy.testset.fingerprint == subject.reader.testset.fingerprint
        and copy.reading == subject.reader.reading,
        "the copy is another test set",
    )
    for row in subject.rows:
        require(
            _content(copy.read(row)) == _content(subject.reader.read(row)),
            f"the copy reads another item {row}",
        )


def a_reader_holds_no_items(subject: Subject) -> None:
    """It stays small, before items were read and after: memory is bounded whatever the data."""
    reader = subject.open(subject.ref)
    bound = (
        BYTES_OF_READER
        + BYTES_PER_ITEM * reader.testset.n
        + BYTES_PER_CLASS * reader.testset.n_classes
    )
    for when in ("before", "after"):
        size = len(pickle.dumps(reader))
        require(
            size <= bound,
            f"pickled it is {size:,} bytes {when} reading; {bound:,} would do without items",
        )
        for row in subject.rows:
            reader.read(row)


def opening_is_stable(subject: Subject) -> None:
    """Opened again, it has the same fingerprint, classes and way of reading."""
    first, again = subject.reader, subject.open(subject.ref)
    require(
        first.testset.fingerprint == again.testset.fingerprint, "the fingerprint is another one"
    )
    require(bool(first.reading), "reading is empty")
    require(first.reading == again.reading, f"reading was {first.reading}, now {again.reading}")
    require(first.classes == again.classes, "the classes are others")
    require((first.item, first.origin) == (again.item, again.origin), "item or origin changed")


def rows_outside_are_refused(subject: Subject) -> None:
    """There is no item behind the last one."""
    for row in (subject.reader.testset.n, subject.reader.testset.n + 1000):
        read = partial(subject.reader.read, row)
        refused(read, f"row {row} of {subject.reader.testset.n}", (IndexError, DataError))


def unknown_options_are_refused(subject: Subject) -> None:
    """A misspelt option is an error, not another test set."""
    options = {**subject.ref.options, "no_such_option": 1}
    opened = partial(subject.open, replace(subject.ref, options=options))
    refused(opened, "an unknown option", (UsageError,))


def absent_data_are_refused(subject: Subject) -> None:
    """A path that does not exist is an error that says so."""
    ref = replace(subject.ref, path=subject.ref.path + _ABSENT, offline=True)
    refused(partial(subject.open, ref), "a path that does not exist", (UsageError, DataError))


_CHECKS: tuple[Callable[[Subject], None], ...] = (
    items_are_known,
    labels_lie_in_the_classes,
    columns_have_one_value_an_item,
    items_are_what_they_are_called,
    reading_is_deterministic,
    items_belong_to_their_caller,
    a_pickled_reader_reads_the_same,
    a_reader_holds_no_items,
    opening_is_stable,
    rows_outside_are_refused,
    unknown_options_are_refused,
    absent_data_are_refused,
)


def _content(item: Any) -> Any:
    """Something to compare that holds all of an item."""
    if isinstance(item, Image.Image):
        return (item.mode, item.size, item.tobytes())
    if isinstance(item, np.ndarray):
        return (item.dtype.str, item.shape, item.tobytes())
    return item
