"""What a class has to draw from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from freshset.core.frequencies import Frequencies


@dataclass(frozen=True, slots=True)
class Stock:
    """The eligible images of one class, in the order in which draws see them.

    Attributes
    ----------
    class_key
        The class.
    item_ids
        Its images.
    groups
        Group of each: a bin of the selection frequency, a keyword, or 0 where all are one.
    previous
        Whether each was in the revision before.
    selected, answers
        What the selection frequency of each is made of.
    """

    class_key: str
    item_ids: Sequence[str]
    groups: Sequence[int]
    previous: Sequence[bool]
    selected: Sequence[float]
    answers: Sequence[float]

    def __len__(self) -> int:
        return len(self.item_ids)


def stocks_of(
    eligible: Frequencies, groups: Sequence[int], previous: Collection[tuple[str, str]] = ()
) -> list[Stock]:
    """Sort the eligible images into one stock a class.

    Parameters
    ----------
    eligible
        Image and class, one row each; shape (n,).
    groups
        Group of each row within its class, shape (n,); rows of no group, -1, are left out.
    previous
        Image and class of the revision before.

    Returns
    -------
    list of Stock
        Classes in order of their keys, and in each the images in order of their ids: a draw depends
        on what there is, and never on how it was listed.
    """
    before = set(previous)
    order = eligible.order()
    order = order[np.asarray(groups)[order] >= 0]
    rows = eligible[order]
    keys, ids = rows.class_keys.tolist(), rows.item_ids.tolist()
    kept = [pair in before for pair in zip(ids, keys, strict=True)]
    group = np.asarray(groups)[order].tolist()
    columns = (ids, group, kept, rows.selected.tolist(), rows.answers.tolist())
    stocks, start = [], 0
    for class_key, members in groupby(keys):
        own = slice(start, start + len(list(members)))
        start = own.stop
        stocks.append(Stock(class_key, *(tuple(column[own]) for column in columns)))
    return stocks
