"""Classes as a test set declares them, and labels in any spelling as class ids of those classes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.core.records import Labels
from freshset.core.spaces import known_space
from freshset.datasets.class_files import read_classes
from freshset.datasets.options import Options

LABEL_NAMES = ("label", "labels", "target", "class", "cls", "y", "fine_label")
"""Columns and fields that are taken for labels where nothing else is said."""

# Also 3.0, as tables with gaps write class ids.
_LIKE_NUMBER = re.compile(r"-?\d+(\.\d*)?")
_FILES = {".txt", ".csv", ".tsv", ".json"}


def declared_classes(options: Options, name: str = "classes") -> ClassSpace | None:
    """Class space that the option ``classes`` declares; ``None`` without the option.

    It may be the name of a known space (``imagenet-1k``), a number of classes, a list of keys in
    the order of the class ids, a mapping (key to id, or id to key or ``[key, name]``), or a file:
    txt (a key a line; then a tab and a name), csv or tsv (column ``key``; ``name``, ``id``), json
    (a list or mapping as above).

    Raises
    ------
    UsageError
        When there is no such space or file.
    DataError
        When the ids are not 0, 1, ... or a key occurs twice.
    """
    value = options.ref.options.get(name)
    if value is None:
        return None
    where = f"{options.ref.id}: {name}"
    if isinstance(value, str):
        if Path(value).suffix.lower() not in _FILES:
            return _known(value, where)
        path = options.file(name) or Path(value)
        return space_of(read_classes(path), str(path))
    return space_of(value, where)


def space_of(value: Any, where: str) -> ClassSpace:
    """Make a class space of plain values.

    Parameters
    ----------
    value
        A number of classes; a list of keys or of ``[key]`` or ``[key, name]``; a mapping from keys
        to ids, or from ids to any of these.
    where
        What to call it in messages.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return ClassSpace("", tuple(map(str, range(value))))
    if isinstance(value, Mapping) and value:
        value = _in_order(value, where)
    if not isinstance(value, (list, tuple)) or not value:
        raise DataError(
            f"{where}: {value!r} says no classes.",
            "Give a known space, a number, a list of keys, or a file of them.",
        )
    rows = [tuple(map(str, row if isinstance(row, (list, tuple)) else (row,))) for row in value]
    width = len(rows[0])
    for number, row in enumerate(rows):
        if len(row) != width or width not in {1, 2}:
            raise DataError(f"{where}: class {number} is {row!r}, not a key, or a key and a name.")
    keys = tuple(row[0] for row in rows)
    return ClassSpace("", keys, tuple(row[1] for row in rows) if width == 2 else ())


def to_labels(
    values: npt.NDArray[Any], space: ClassSpace | None, where: str
) -> tuple[Labels, ClassSpace]:
    """Return labels as class ids.

    Parameters
    ----------
    values
        Shape (items,): class ids, or keys or names of classes.  Texts that are all numbers are
        class ids, unless they are keys.
    space
        The classes; ``None`` to take those that occur: as many as the largest id needs, or the
        keys in alphabetical order.
    where
        What to call the place in messages, which add the row.

    Raises
    ------
    DataError
        For a label that is missing, no whole number, or no class; names the row.
    """
    if values.ndim != 1:
        raise DataError(f"{where}: labels of shape {values.shape}, not one an item.")
    if values.dtype.kind == "O":
        values = _plain(values, where)
    if values.dtype.kind in "biuf":
        return _from_ids(values, space, where)
    if values.dtype.kind not in "UT":
        raise DataError(f"{where}: labels of type {values.dtype} are neither ids nor texts.")
    texts, rows = np.unique(values.astype(str), return_inverse=True)
    known = [set(space.keys), set(space.names)] if space else []
    if all(map(_LIKE_NUMBER.fullmatch, texts)) and not any(set(texts) <= one for one in known):
        kind = np.int64 if all(map(_is_number, texts)) else np.float64
        return _from_ids(values.astype(kind), space, where)

    def at(text: str) -> str:
        return f"{where}: row {int(np.flatnonzero(values == text)[0])}"

    ids, space = class_ids(texts.tolist(), space, at)
    return np.array([ids[text] for text in texts], dtype=np.int32)[rows], space


def class_ids(
    names: Sequence[str], space: ClassSpace | None, at: Callable[[str], str]
) -> tuple[dict[str, int], ClassSpace]:
    """Find the classes that distinct texts stand for, all of them by one rule.

    The rules in their order: all are keys; all are names; all are numbers, which are class ids.

    Parameters
    ----------
    space
        The classes; ``None`` to make the texts the keys, in alphabetical order.
    at
        Says where a text stands, for messages.

    Raises
    ------
    DataError
        For the first that fits no rule.  Without a space, when some are numbers: their alphabetical
        order (0, 1, 10, 2) is not the order of any classes.
    """
    if space is None:
        if number := next(filter(_LIKE_NUMBER.fullmatch, names), None):
            raise DataError(
                f"{at(number)}: nothing says which class {number!r} is.",
                "Declare the classes: a known space (classes: imagenet-1k), their number, or a "
                "file.  In alphabetical order '10' comes before '2', so none is guessed.",
            )
        space = ClassSpace("", tuple(sorted(names)))
    keys = {key: i for i, key in enumerate(space.keys)}
    counts = Counter(space.names)
    by_name = {name: i for i, name in enumerate(space.names) if counts[name] == 1}
    for table in (keys, by_name):
        if all(name in table for name in names):
            return {name: table[name] for name in names}, space
    if all(map(_is_number, names)):
        return {name: _in_space(name, space, at) for name in names}, space
    table = keys if any(name in keys for name in names) else by_name
    unknown = next(name for name in names if name not in table)
    if counts[unknown] > 1:
        raise DataError(
            f"{at(unknown)}: {unknown!r} is the name of {counts[unknown]} classes.", "Use keys."
        )
    raise DataError(
        f"{at(unknown)}: {unknown!r} is no class of {space.name or 'the test set'}.",
        did_you_mean(unknown, {*space.keys, *space.names}),
    )


def in_declared(
    labels: Labels, own: ClassSpace, declared: ClassSpace | None, where: str
) -> tuple[Labels, ClassSpace]:
    """Return labels as class ids of the declared classes, where the data name their own.

    Classes that the declared ones know by key or name are told by it; else the ids are taken to be
    those of the declared classes, which must then be as many.

    Raises
    ------
    DataError
        When they are not.
    """
    if declared is None:
        return labels, own
    for mine in (own.keys, own.names):
        if mine and (set(mine) <= set(declared.keys) or set(mine) <= set(declared.names)):
            by_name, _ = class_ids(mine, declared, lambda _: where)
            return np.array([by_name[name] for name in mine], dtype=np.int32)[labels], declared
    if len(own) != len(declared):
        raise DataError(
            f"{where}: {len(own)} classes in the data, {len(declared)} in 'classes'.",
            "Declare the classes of the data, in the order of their ids.",
        )
    return labels, declared


def _in_order(table: Mapping[Any, Any], where: str) -> list[Any]:
    """Rows of a mapping in the order of their ids."""
    if all(type(value) is int for value in table.values()):
        pairs = [(value, key) for key, value in table.items()]
    else:
        pairs = [(int(key) if _is_number(str(key)) else -1, row) for key, row in table.items()]
    pairs.sort(key=lambda pair: pair[0])
    if [id for id, _ in pairs] != list(range(len(pairs))):
        raise DataError(
            f"{where}: the class ids are not 0 to {len(pairs) - 1}, each once.",
            "Number the classes from 0 without gaps.",
        )
    return [row for _, row in pairs]


def _known(name: str, where: str) -> ClassSpace:
    try:
        return known_space(name)
    except UsageError as error:
        raise UsageError(
            f"{where}: {error.message}", f"{error.hint} Files end in .txt, .csv, .tsv or .json."
        ) from error


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _in_space(number: str, space: ClassSpace, at: Callable[[str], str]) -> int:
    if int(number) >= len(space):
        raise DataError(
            f"{at(number)}: {number} is outside the class ids 0 to {len(space) - 1}.",
            "Declare the right classes.",
        )
    return int(number)


def _plain(values: npt.NDArray[Any], where: str) -> npt.NDArray[Any]:
    """Labels that tables hold as objects, as numbers or texts."""
    for row, value in enumerate(values):
        if value is None or value != value or value == "":  # noqa: PLR0124 - NaN differs from itself
            raise DataError(f"{where}: row {row}: no label.", "Every item needs a label.")
    if all(isinstance(value, str) for value in values):
        return values.astype(str)
    try:
        return np.asarray(values.tolist())
    except ValueError as error:
        raise DataError(
            f"{where}: labels are lists of different length.", "Give one label an item."
        ) from error


def _from_ids(
    values: npt.NDArray[Any], space: ClassSpace | None, where: str
) -> tuple[Labels, ClassSpace]:
    bad = np.flatnonzero(~np.isfinite(values) | (values != np.floor(values)))
    if bad.size:
        raise DataError(
            f"{where}: row {bad[0]}: the label is {values[bad[0]]}, not a whole number.",
            "Labels are class ids, or keys or names of classes.",
        )
    n = len(space) if space else int(values.max(initial=0)) + 1
    bad = np.flatnonzero((values < 0) | (values >= n))
    if bad.size:
        raise DataError(
            f"{where}: row {bad[0]}: the label {values[bad[0]]} is outside the class ids "
            f"0 to {n - 1}.",
            "Declare the right classes.",
        )
    return values.astype(np.int32), space or ClassSpace("", tuple(map(str, range(n))))
