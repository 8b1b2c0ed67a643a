"""Two sets of items as one, such as official training and validation set that are split anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from freshset.core.classes import ClassSpace
from freshset.core.records import TestSet
from freshset.datasets.base import Item, Origin, Reader
from freshset.datasets.opened import Opened
from freshset.transfer.datasets.base import BoolArray, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedReader(Opened):
    """Reads the items of one set and then those of another; see `freshset.datasets.base.Reader`."""

    first: Reader
    second: Reader

    def read(self, index: int) -> Any:
        """Read item ``index``."""
        n = self.first.testset.n
        return self.first.read(index) if index < n else self.second.read(index - n)


def joined(first: Reader, second: Reader) -> JoinedReader:
    """Return two sets as one.

    Parameters
    ----------
    first, second
        Of one kind of items.  Their labels stay those of their own class spaces, so what is to be
        learned of the items must be had from each; the labels here say only that they are two sets.
    """
    a, b = first.testset, second.testset
    item: Item = first.item
    space = ClassSpace("", ("first", "second"))
    ids = [f"{key}:{id}" for key, one in zip(space.keys, (a, b), strict=True) for id in one.ids]
    testset = TestSet(
        f"{a.id}+{b.id}",
        a.n + b.n,
        2,
        item_ids=np.array(ids, dtype=object),
        labels=np.repeat(np.array([0, 1], dtype=np.int32), [a.n, b.n]),
        ids_given=a.ids_given and b.ids_given,
        class_names=space.labels,
    )
    return JoinedReader(
        testset=replace(testset, touched=" ".join(filter(None, (a.touched, b.touched)))),
        classes=space,
        item=item,
        reading=f"joined/1 ({first.reading}) ({second.reading})",
        origin=Origin(),
        first=first,
        second=second,
    )


def pooled(train: Part, validation: Part) -> Part:
    """Return two parts as one; parts of one set of items stay parts of that."""
    one, two = train.reader, validation.reader
    apart = one is not two
    return Part(
        joined(one, two) if apart else one,
        np.concatenate([train.rows, validation.rows + (one.testset.n if apart else 0)]),
        np.concatenate([train.targets, validation.targets]),
        _stacked(train, validation),
    )


def _stacked(*parts: Part) -> BoolArray | None:
    if all(part.ignored is None for part in parts):
        return None
    return np.concatenate(
        [np.zeros_like(p.targets, dtype=bool) if p.ignored is None else p.ignored for p in parts]
    )
