"""Other labels for the items of a test set, and parts of it that are fair to compare.

Nothing here needs a model or an image: what comes out is a test set, and the rows of the first that
it kept, so that stored predictions are scored again and a reader can pass the rest over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError
from freshset.core.files import read_json
from freshset.core.records import AcceptSets, Labels, TestSet
from freshset.datasets.base import Item, Origin, Reader, TestSetRef
from freshset.datasets.labels import declared_classes
from freshset.datasets.mappings import ClassMapping, find_mapping
from freshset.datasets.options import COMMON, Options

OPTIONS = ("accept", "subset")
"""Options that every adapter takes by `open_relabelled`."""

Rows = npt.NDArray[np.intp]
Accepted = Mapping[str, Sequence[int | str]]


def select(testset: TestSet, rows: Rows, id: str = "") -> TestSet:
    """Return the test set of some rows of another one.

    Parameters
    ----------
    rows
        Row numbers, in the order that the items are to have.
    id
        Of the new test set; by default that of the old one.
    """
    accepted = testset.accepted
    if accepted is not None:
        starts, stops = accepted.offsets[:-1][rows], accepted.offsets[1:][rows]
        accepted = AcceptSets.of([accepted.classes[a:b].tolist() for a, b in _pairs(starts, stops)])
    return replace(
        testset,
        id=id or testset.id,
        n=len(rows),
        item_ids=testset.ids[rows],
        labels=None if testset.labels is None else testset.labels[rows],
        accepted=accepted,
        strata={name: values[rows] for name, values in testset.strata.items()},
    )


def _pairs(*columns: npt.NDArray[Any]) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in zip(*columns, strict=True)]


def relabel(testset: TestSet, labels: Labels | Mapping[str, int], id: str = "") -> TestSet:
    """Return a test set with other labels.

    Parameters
    ----------
    labels
        Class ids in the order of the items, or by item id.

    Raises
    ------
    DataError
        When an item has no label, or a label is no class.
    """
    if isinstance(labels, Mapping):
        missing = [item for item in testset.ids if item not in labels]
        if missing:
            raise DataError(
                f"{testset.id}: {len(missing):,} items have no new label, the first is "
                f"{missing[0]!r}.",
                "Label every item, or select those that have labels.",
            )
        labels = np.array([labels[item] for item in testset.ids], dtype=np.int64)
    new = replace(
        testset, id=id or testset.id, labels=np.asarray(labels, dtype=np.int32), accepted=None
    )
    new.check(f"{new.id}: new labels")
    return new


def accept_sets_from(path: Path, ids: str = "") -> dict[str, Sequence[int | str]]:
    """Read which classes count as right, by item.

    Parameters
    ----------
    path
        A json object of lists by item id; or, with ``ids``, a list of lists such as ``real.json``
        of Beyer et al. (2020).
    ids
        How the items of a list are called, with the place of their number from 1 as in
        ``ILSVRC2012_val_{:08d}``.

    Raises
    ------
    UsageError
        For a list without ``ids``, or an object with them.
    DataError
        When the file is of another form.
    """
    data = read_json(path)
    if isinstance(data, list) != bool(ids):
        raise UsageError(
            f"{path}: "
            + ("ids for items that have their own." if ids else "a list does not say whose it is."),
            ""
            if ids
            else "Say how its items are called, for example ids: 'ILSVRC2012_val_{:08d}'.",
        )
    if isinstance(data, list):
        if not re.search(r"\{:?0?\d*d?\}", ids):
            raise UsageError(f"ids is {ids!r}.", "Put {} or {:08d} where the number goes.")
        data = {ids.format(number): sets for number, sets in enumerate(data, start=1)}
    if not isinstance(data, dict):
        raise DataError(f"{path}: not a list or object of lists.")
    for item, classes in data.items():
        if not isinstance(classes, list) or not all(
            isinstance(c, (int, str)) and not isinstance(c, bool) for c in classes
        ):
            raise DataError(f"{path}: {item}: {classes!r} is not a list of classes.")
    return data


def accept(testset: TestSet, accepted: Accepted, id: str = "") -> tuple[Rows, TestSet]:
    """Return the test set in which several classes count as right, or none.

    Items that accept no class are left out, as by Beyer et al., "Are we done with ImageNet?" (2020);
    the labels stay what they were.

    Parameters
    ----------
    accepted
        Class ids or keys by item id, or by the last part of the id without its suffix.  What is said
        of other items is passed over.

    Returns
    -------
    rows, testset
        The rows that were kept, and the new test set.

    Raises
    ------
    DataError
        When nothing is said of an item, or a class is none of the test set.
    """
    found: list[list[int]] = []
    keys = {key: i for i, key in enumerate(testset.class_keys or testset.class_names)}
    for item in testset.ids:
        sets = accepted.get(item)
        if sets is None:
            sets = accepted.get(PurePosixPath(item).stem)
        if sets is None:
            raise DataError(
                f"{testset.id}: nothing says which classes the item {item!r} accepts.",
                "The items of a list are called as its option ids says, and theirs must be the ids "
                "of the test set, or their last part.",
            )
        found.append([_class(one, keys, testset, item) for one in sets])
    rows = np.flatnonzero([bool(sets) for sets in found])
    if not rows.size:
        raise DataError(f"{testset.id}: no item accepts any class.")
    kept = select(replace(testset, accepted=None), rows, id)
    return rows, replace(kept, accepted=AcceptSets.of([found[row] for row in rows]))


def _class(one: int | str, keys: Mapping[str, int], testset: TestSet, item: str) -> int:
    number = keys.get(one, -1) if isinstance(one, str) else one
    if not 0 <= number < testset.n_classes:
        raise DataError(
            f"{testset.id}: {item}: accepts {one!r}, which is none of its {testset.n_classes} "
            "classes."
        )
    return number


def classes_of(testset: TestSet) -> ClassSpace:
    """Return the class space of a test set, as far as its record holds it."""
    keys = testset.class_keys or testset.class_names
    if not keys:
        raise DataError(f"{testset.id}: only the number of its classes is known.")
    return ClassSpace("", keys, testset.class_names if testset.class_keys else ())


def subset(testset: TestSet, mapping: ClassMapping, id: str = "") -> tuple[Rows, TestSet]:
    """Return the items whose class is mapped, with the classes that they are mapped to.

    This is the fair baseline of a test set that has a part of the classes (Hendrycks et al. 2021;
    Taori et al. 2020): the old set's items of just these classes, scored through the same mapping.

    Parameters
    ----------
    mapping
        From the classes of the test set; that from the models' classes to the new test set, where
        the old test set and the models have the same ones.

    Returns
    -------
    rows, testset
        The rows that were kept, and the new test set.

    Raises
    ------
    DataError
        When the mapping is from other classes, or no item is left.
    """
    space = classes_of(testset)
    if space.digest != mapping.source.digest:
        raise DataError(f"{testset.id}: its classes are not those that {mapping.name!r} maps.")
    target = np.full(len(space), -1, dtype=np.int32)
    for new, members in enumerate(mapping.members):
        target[list(members)] = new
    labels = target[testset.known_labels]
    keep = labels >= 0
    sets = None
    if testset.accepted is not None:
        flat, offsets = target[testset.accepted.classes], testset.accepted.offsets
        sets = [
            sorted({c for c in flat[a:b].tolist() if c >= 0})
            for a, b in _pairs(offsets[:-1], offsets[1:])
        ]
        keep &= np.array([bool(one) for one in sets])
    rows = np.flatnonzero(keep)
    if not rows.size:
        raise DataError(
            f"{testset.id}: none of its items is of a class that {mapping.name!r} maps."
        )
    kept = select(replace(testset, accepted=None), rows, id)
    names = mapping.target
    return rows, replace(
        kept,
        n_classes=len(names),
        labels=labels[rows],
        class_names=names.labels,
        class_keys=names.keys if names.names else (),
        accepted=None if sets is None else AcceptSets.of([sets[row] for row in rows]),
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """A reader of some rows of another reader, perhaps under other labels."""

    reader: Reader
    rows: Rows
    testset: TestSet
    classes: ClassSpace | None
    origin: Origin

    @property
    def item(self) -> Item:
        """As of the whole."""
        return self.reader.item

    @property
    def reading(self) -> str:
        """As of the whole: items are decoded as they would be there."""
        return self.reader.reading

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say of the whole, and how many items were left out."""
        left_out = self.reader.testset.n - len(self.rows)
        said = (f"{left_out:,} items of the whole are left out",) if left_out else ()
        return (*getattr(self.reader, "notes", ()), *said)

    def read(self, index: int) -> Any:
        """Read item ``index`` of those that were kept."""
        if not 0 <= index < self.testset.n:
            raise IndexError(f"{self.testset.id}: no item {index} of {self.testset.n}.")
        return self.reader.read(int(self.rows[index]))


def open_relabelled(ref: TestSetRef, open: Callable[[TestSetRef], Reader]) -> Reader:
    """Open a test set, with the options ``accept`` and ``subset`` that every adapter takes.

    ``accept`` is a file of accept-sets, or a table with ``file``, ``ids`` and ``sha256``; see
    `accept_sets_from`.  ``subset`` keeps the items of some classes, given as ``classes`` are.

    Raises
    ------
    UsageError, DataError
        As the adapter, or when the options do not fit the test set.
    """
    if not any(ref.options.get(name) is not None for name in OPTIONS):
        rest = {name: value for name, value in ref.options.items() if name not in OPTIONS}
        return open(replace(ref, options=rest))
    own = Options(
        replace(ref, options={k: v for k, v in ref.options.items() if k in {*OPTIONS, *COMMON}}),
        OPTIONS,
    )
    # How many items there must be is said of what is left.
    rest = {k: v for k, v in ref.options.items() if k not in {*OPTIONS, "expected_n"}}
    reader = open(replace(ref, options=rest))
    testset, space = reader.testset, reader.classes
    if testset.labels is None or space is None:
        raise UsageError(f"{ref.id}: a test set without classes cannot be relabelled.")
    rows: Rows = np.arange(testset.n)
    if "accept" in own:
        rows, testset = accept(testset, _accepted(own))
    if (target := declared_classes(own, "subset")) is not None:
        mapping = find_mapping("restrict", space, target)
        if mapping is not None:
            kept, testset = subset(testset, mapping)
            rows, space = rows[kept], target
    return Selection(reader, rows, testset, space, own.origin(testset.n))


def _accepted(options: Options) -> Accepted:
    value = options.ref.options["accept"]
    table = {"file": value} if isinstance(value, str) else options.table("accept")
    given = Options(
        replace(options.ref, options=table, adapter="accept"), ("file", "ids", "sha256")
    )
    path = given.file("file")
    if path is None:
        raise UsageError(f"{options.ref.id}: accept names no file.", "Add file: real.json.")
    given.digest(path)
    return accept_sets_from(path, given.text("ids"))
