"""Selection frequencies: how many of those who were asked said that an image shows a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError


@dataclass(frozen=True, slots=True)
class Frequencies:
    """Answers by image and class, pooled.

    Attributes
    ----------
    item_ids, class_keys
        What was asked about: shape (n,), strings; a pair occurs once.
    selected
        Answers that said yes, shape (n,), float64.  Whole numbers, unless there are "maybe" answers
        or answers are weighted.
    answers
        All answers, shape (n,), float64.  0 is unknown, which is not the same as never selected.
    """

    item_ids: npt.NDArray[np.object_]
    class_keys: npt.NDArray[np.object_]
    selected: npt.NDArray[np.float64]
    answers: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        n = len(self.item_ids)
        if not len(self.class_keys) == len(self.selected) == len(self.answers) == n:
            raise DataError("Frequencies with columns of different lengths.")
        bad = ~((self.selected >= 0) & (self.selected <= self.answers))
        if bad.any():
            row = int(bad.argmax())
            raise DataError(
                f"{self.item_ids[row]!r}: {self.selected[row]:g} of {self.answers[row]:g} answers "
                "selected it.",
                "Counts lie between 0 and the number of answers.",
            )

    def __len__(self) -> int:
        return len(self.item_ids)

    def __getitem__(self, rows: Any) -> Frequencies:
        return Frequencies(
            self.item_ids[rows], self.class_keys[rows], self.selected[rows], self.answers[rows]
        )

    def order(self) -> npt.NDArray[np.int64]:
        """Row numbers in the order of classes, and in each of images."""
        items, keys = self.item_ids, self.class_keys
        rising = (keys[:-1] < keys[1:]) | ((keys[:-1] == keys[1:]) & (items[:-1] <= items[1:]))
        if np.all(rising):
            return np.arange(len(self))
        by_item = np.array(sorted(range(len(self)), key=items.tolist().__getitem__))
        place = {key: number for number, key in enumerate(sorted(set(keys.tolist())))}
        of_row = np.array([place[key] for key in keys[by_item].tolist()])
        return np.asarray(by_item[np.argsort(of_row, kind="stable")], dtype=np.int64)

    @property
    def value(self) -> npt.NDArray[np.float64]:
        """Selection frequency, nan where there are no answers."""
        out = np.full(len(self), np.nan)
        np.divide(self.selected, self.answers, out=out, where=self.answers > 0)
        return out
