"""Opening a data set: training, validation and test part in one class space, checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError
from freshset.core.records import AcceptSets
from freshset.datasets.base import Reader, ShowsSeveral
from freshset.datasets.registry import open_testset
from freshset.transfer.datasets.base import BoolArray, OpenDataset, Part, TransferDataset
from freshset.transfer.datasets.checks import check_apart, check_sizes, with_class_notes
from freshset.transfer.datasets.joined import pooled
from freshset.transfer.datasets.splitting import divide, hold_out
from freshset.transfer.probe.scores import check_metric
from freshset.transfer.protocol import Splitting


def open_dataset(declared: TransferDataset, splitting: Splitting, seed: int) -> OpenDataset:
    """Open a data set and check everything that can be checked without a model.

    Parameters
    ----------
    declared
        The data set.
    splitting
        What the validation set is.
    seed
        Of the validation set where it is held out.  The test set does not depend on it.

    Returns
    -------
    OpenDataset
        Its notes say what differs from what is expected.

    Raises
    ------
    UsageError
        For an option or file that does not exist, and a metric that does not fit the labels.
    DataError
        For all sizes that are not the expected ones; items in two parts; classes that cannot be
        learned; sets without a common class.
    """
    check_metric(declared.metric, multilabel=declared.metric == "map11")
    readers = _readers(declared)
    classes = _Classes.of(declared, readers)
    parts = {name: _part(declared, reader, classes) for name, reader in readers.items()}
    if declared.division is not None:
        whole = parts["train"]
        with _named(f"{declared.title}, test set"):
            rows, held = divide(whole.targets, declared.division)
        parts |= {"train": whole.take(rows), "test": whole.take(held)}
    sizes = {name: len(part) for name, part in parts.items()}
    notes = check_sizes(declared, sizes | {"classes": len(classes.keys)})
    if declared.division is not None:
        notes = (*notes, declared.division.text)
    check_apart(declared, parts)
    official = "validation" in parts and splitting.official
    train, validation = (
        (parts["train"], parts["validation"])
        if official
        else _held_out(_learned(parts), splitting, seed, declared)
    )
    return with_class_notes(
        OpenDataset(declared, train, validation, parts["test"], classes.names, official, notes)
    )


def with_seed(opened: OpenDataset, splitting: Splitting, seed: int) -> OpenDataset:
    """Return a data set with the validation set of another seed, as if it were opened anew."""
    if opened.official:
        return opened
    whole = pooled(opened.train, opened.validation)
    train, validation = _held_out(
        whole.take(np.argsort(whole.rows)), splitting, seed, opened.declared
    )
    return replace(opened, train=train, validation=validation)


def _readers(declared: TransferDataset) -> dict[str, Reader]:
    refs = {"train": declared.train, "validation": declared.validation, "test": declared.test}
    if declared.division is not None:
        refs.pop("test")
    readers = {name: open_testset(ref) for name, ref in refs.items() if ref is not None}
    for name, reader in readers.items():
        if reader.item not in {"image", "array"} or reader.classes is None:
            raise UsageError(
                f"{declared.title}: {name} has {reader.item} items for {reader.testset.task}.",
                "A transfer study is about images, or about arrays, that have classes.",
            )
        if reader.item != readers["train"].item:
            raise UsageError(
                f"{declared.title}: {name} has {reader.item} items, train has "
                f"{readers['train'].item} items.",
                "Give parts of one kind.",
            )
    return readers


@dataclass(frozen=True, slots=True)
class _Classes:
    """The classes of all parts, in the order of the training set; then those that it has not."""

    keys: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, declared: TransferDataset, readers: Mapping[str, Reader]) -> _Classes:
        spaces = {name: _space(reader) for name, reader in readers.items()}
        known: dict[str, str] = {}
        for name, space in spaces.items():
            if known and not any(key in known for key in space.keys):
                raise DataError(
                    f"{declared.title}: {name} has no class of the training set; its first is "
                    f"{space.labels[0]!r}, that of the training set {next(iter(known))!r}.",
                    "Declare the same 'classes' for all parts.",
                )
            for key, label in zip(space.keys, space.labels, strict=True):
                known.setdefault(key, label)
        return cls(tuple(known), tuple(known.values()))

    def ids_of(self, space: ClassSpace) -> npt.NDArray[np.int64]:
        """Class ids here of the classes of a space."""
        if space.keys == self.keys:
            return np.arange(len(space))
        places = {key: place for place, key in enumerate(self.keys)}
        return np.array([places[key] for key in space.keys], dtype=np.int64)


def _space(reader: Reader) -> ClassSpace:
    if reader.classes is None:
        raise AssertionError("readers without classes are refused before")
    return reader.classes


def _part(declared: TransferDataset, reader: Reader, classes: _Classes) -> Part:
    testset = reader.testset
    rows, ids = np.arange(testset.n), classes.ids_of(_space(reader))
    labels = ids[testset.known_labels]
    if declared.metric != "map11":
        if isinstance(reader, ShowsSeveral):
            raise UsageError(
                f"{declared.title}: items of {testset.id} show several classes, which "
                f"{declared.metric} does not measure.",
                "Use the metric map11.",
            )
        return Part(reader, rows, labels)
    shape = (testset.n, len(classes.keys))
    if testset.accepted is None:
        shown = np.zeros(shape, dtype=bool)
        shown[rows, labels] = True
    else:
        shown = _matrix(testset.accepted, ids, shape)
    ignored = _matrix(reader.ignored, ids, shape) if isinstance(reader, ShowsSeveral) else None
    return Part(reader, rows, shown, ignored if ignored is not None and ignored.any() else None)


def _matrix(sets: AcceptSets, ids: npt.NDArray[np.int64], shape: tuple[int, int]) -> BoolArray:
    out = np.zeros(shape, dtype=bool)
    out[np.repeat(np.arange(len(sets)), np.diff(sets.offsets)), ids[sets.classes]] = True
    return out


def _learned(parts: Mapping[str, Part]) -> Part:
    """Training items, together with official validation items where there are some."""
    train, validation = parts["train"], parts.get("validation")
    return train if validation is None else pooled(train, validation)


def _held_out(
    whole: Part, splitting: Splitting, seed: int, declared: TransferDataset
) -> tuple[Part, Part]:
    with _named(f"{declared.title}, validation set"):
        train, validation = hold_out(
            whole.targets, splitting.share, seed, stratified=splitting.stratified
        )
    return whole.take(train), whole.take(validation)


@contextmanager
def _named(what: str) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(f"{what}: {error.message}", error.hint) from error
