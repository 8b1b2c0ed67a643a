"""What a network is trained on, and by what it is judged meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, UsageError

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Targets = IntArray | BoolArray


class ItemReader(Protocol):
    """Where items are read; travels to worker processes."""

    @property
    def item(self) -> str:
        """``image`` for images of Pillow, ``array`` for arrays of one shape."""

    def read(self, index: int) -> Any:
        """Read the item of a row."""


class LabelledItems(Protocol):
    """Some rows of a set of items, with what is to be learned of them."""

    @property
    def reader(self) -> ItemReader:
        """Where items are read; of all rows of its set."""

    @property
    def rows(self) -> IntArray:
        """The rows, shape (n,)."""

    @property
    def targets(self) -> Targets:
        """Class ids, shape (n,); or which classes each item shows, shape (n, classes), bool."""

    @property
    def ignored(self) -> BoolArray | None:
        """Decisions that do not count, shape (n, classes); ``None`` where all count."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What one training run is given.

    Attributes
    ----------
    train
        What is learned from.
    n_outputs
        Classes.
    judged
        Sets on which the network is measured, by name; their targets are not looked at here.
    judge
        From a set's name and logits, float32, shape (n, n_outputs), to its score.
    embedded
        Name of a judged set and a number m: the features of its first m items are returned too.

    Raises
    ------
    UsageError
        For sets that are empty, or an embedded set that there is not.
    DataError
        For targets that do not fit.
    """

    train: LabelledItems
    n_outputs: int
    judged: Mapping[str, LabelledItems] = field(default_factory=dict)
    judge: Callable[[str, FloatArray], float] = lambda _name, _logits: 0.0
    embedded: tuple[str, int] | None = None

    def __post_init__(self) -> None:
        for name, items in (("training", self.train), *self.judged.items()):
            if not len(items.rows):
                raise UsageError(f"The {name} set is empty.", "Nothing is learned from no items.")
        if self.embedded is not None and self.embedded[0] not in self.judged:
            raise UsageError(f"No set {self.embedded[0]!r} is judged.", f"Name: {[*self.judged]}.")
        _check_targets(self.train, self.n_outputs)


def _check_targets(items: LabelledItems, n_outputs: int) -> None:
    targets, ignored, n = items.targets, items.ignored, len(items.rows)
    if targets.ndim == 1:
        if targets.shape != (n,) or targets.min() < 0 or targets.max() >= n_outputs:
            raise DataError(
                f"{n} items have {len(targets)} targets from {targets.min()} to {targets.max()}.",
                f"Targets are one class id an item, from 0 to {n_outputs - 1}.",
            )
        if ignored is not None:
            raise DataError("Decisions can only be ignored where an item can show several classes.")
        return
    for what, values in (("targets", targets), ("ignored decisions", ignored)):
        if values is not None and (values.shape != (n, n_outputs) or values.dtype != np.bool_):
            raise DataError(
                f"{what} are {values.dtype} of shape {values.shape}.",
                f"Give booleans of shape ({n}, {n_outputs}).",
            )
