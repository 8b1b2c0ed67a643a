"""Labels of items that show several classes each, as tables have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError
from freshset.core.records import AcceptSets, Labels
from freshset.datasets.labels import to_labels


@dataclass(frozen=True, slots=True)
class Several:
    """What items show.

    Attributes
    ----------
    labels
        The first class of each item, for tasks of one class; class 0 for items that show none, which
        accept no answer.
    accepted, ignored
        The classes that it shows, and those of which it does not count whether it shows them.
    space
        The classes.
    """

    labels: Labels
    accepted: AcceptSets
    ignored: AcceptSets
    space: ClassSpace


def several_classes(
    shown: Sequence[Any],
    ignored: Sequence[Any] | None,
    separator: str,
    space: ClassSpace | None,
    where: str,
) -> Several:
    """Read the classes that items show.

    Parameters
    ----------
    shown
        One value an item: a list of classes, or a text of them; empty for an item that shows none.
    ignored
        Likewise, of the classes that do not count; ``None`` where all count.
    separator
        Between the classes of a text.
    space
        The classes; ``None`` to take those that occur.
    where
        What to call the place in messages, which add the row.

    Raises
    ------
    DataError
        For what is no class, a class that an item both shows and ignores or names twice, and when
        no item shows any.
    """
    rows = [_classes(value, separator, f"{where}: row {row}") for row, value in enumerate(shown)]
    others = [
        _classes(value, separator, f"{where}: row {row}")
        for row, value in enumerate(ignored if ignored is not None else [None] * len(rows))
    ]
    flat = [one for row in (*rows, *others) for one in row]
    if not any(rows):
        raise DataError(f"{where}: no item shows any class.", "Name the column of the classes.")
    ids, space = to_labels(np.array(flat, dtype=object), space, where)
    ends = np.cumsum([len(row) for row in (*rows, *others)])
    sets = [part.tolist() for part in np.split(ids, ends[:-1])]
    mine, theirs = sets[: len(rows)], sets[len(rows) :]
    for row, (one, two) in enumerate(zip(mine, theirs, strict=True)):
        if len({*one, *two}) < len(one) + len(two):
            raise DataError(f"{where}: row {row}: a class is named twice.", "Name it once.")
    labels = np.array([one[0] if one else 0 for one in mine], dtype=np.int32)
    return Several(labels, AcceptSets.of(mine), AcceptSets.of(theirs), space)


def _classes(value: Any, separator: str, where: str) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str):
        return [text for part in value.split(separator) if (text := part.strip())]
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    raise DataError(f"{where}: {value!r} is neither a text nor a list of classes.")
