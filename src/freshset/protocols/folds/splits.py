"""Which examples each fold trains and tests on: scikit-learn's splitters, with checks."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.protocols.folds.data import Data

Kind = Literal["plain", "stratified", "grouped", "stratified-grouped"]
KINDS: tuple[Kind, ...] = ("plain", "stratified", "grouped", "stratified-grouped")

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scheme:
    """How examples are cut.

    Attributes
    ----------
    kind
        ``plain``; ``stratified`` keeps the shares of the classes; ``grouped`` keeps groups together;
        ``stratified-grouped`` does both as far as it goes.
    folds
        Parts of each repeat.
    repeats
        How often all is shuffled and cut anew.
    seed
        Of the shuffling; the splits are those of scikit-learn with this ``random_state``.
    """

    kind: Kind = "stratified"
    folds: int = 5
    repeats: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(
                f"Unknown kind of folds {self.kind!r}.", did_you_mean(self.kind, KINDS)
            )
        if self.folds < 2 or self.repeats < 1:
            raise UsageError("It takes two folds and one repeat at least.", "Such as 5 and 10.")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"{self.seed} is no seed for shuffling.", "Such as 0.")

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Split:
    """One fold of one repeat: numbers from 0, and sorted rows to train and to test on."""

    repeat: int
    fold: int
    train: IntArray
    test: IntArray


def splits(data: Data, scheme: Scheme) -> tuple[Split, ...]:
    """Cut the data.

    Returns
    -------
    tuple of Split
        ``repeats`` times ``folds``, repeat by repeat: those of `sklearn.model_selection.RepeatedKFold`
        and `RepeatedStratifiedKFold`; with groups, of `GroupKFold` and `StratifiedGroupKFold`,
        shuffled, that share one random state over the repeats as the repeated ones do.

    Raises
    ------
    DataError
        For fewer examples, groups or examples of a class than folds, or a fold that would test on a
        class that it has not trained on.
    """
    data.check()
    _check_numbers(data, scheme)
    with warnings.catch_warnings():
        # scikit-learn guesses that labels with many values are not classes; here they were declared.
        warnings.filterwarnings("ignore", message="The number of unique classes is greater")
        parts = list(_parts(data, scheme))
    out = tuple(
        Split(place // scheme.folds, place % scheme.folds, np.sort(train), np.sort(test))
        for place, (train, test) in enumerate(parts)
    )
    if data.has_classes:
        for split in out:
            _check_classes(data, split, scheme)
    return out


def _parts(data: Data, scheme: Scheme) -> Iterable[tuple[IntArray, IntArray]]:
    from sklearn import model_selection as ms

    rows = np.zeros(len(data))
    if scheme.kind in {"plain", "stratified"}:
        cut: Any = ms.RepeatedKFold if scheme.kind == "plain" else ms.RepeatedStratifiedKFold
        splitter = cut(n_splits=scheme.folds, n_repeats=scheme.repeats, random_state=scheme.seed)
        yield from splitter.split(rows, data.y)
        return
    grouped: Any = ms.GroupKFold if scheme.kind == "grouped" else ms.StratifiedGroupKFold
    state = np.random.RandomState(scheme.seed)
    for _ in range(scheme.repeats):
        try:
            splitter = grouped(n_splits=scheme.folds, shuffle=True, random_state=state)
        except TypeError as error:
            raise UsageError(
                "This scikit-learn cannot shuffle groups.", "Install scikit-learn 1.6 or later."
            ) from error
        yield from splitter.split(rows, data.y, data.groups)


def _check_numbers(data: Data, scheme: Scheme) -> None:
    if len(data) < scheme.folds:
        raise DataError(
            f"{data.name}: {len(data):,} examples are fewer than {scheme.folds} folds.",
            "Take fewer folds.",
        )
    if "grouped" in scheme.kind:
        if data.groups is None:
            raise UsageError(f"{data.name}: folds by group need groups.", "Give a column group.")
        groups = len(np.unique(data.groups))
        if groups < scheme.folds:
            raise DataError(
                f"{data.name}: {groups:,} groups are fewer than {scheme.folds} folds.",
                "Take fewer folds.",
            )
    if "stratified" in scheme.kind:
        if not data.has_classes:
            raise UsageError(
                f"{data.name}: labels are no classes, so they have no strata.",
                "Take plain or grouped folds.",
            )
        names, counts = np.unique(data.y, return_counts=True)
        if scheme.kind == "stratified" and counts.min() < scheme.folds:
            least = int(counts.argmin())
            raise DataError(
                f"{data.name}: class {names[least]} has {counts[least]} examples, fewer than "
                f"{scheme.folds} folds, so that some folds would miss it.",
                "Take fewer folds, merge or leave out the class, or take plain folds.",
            )


def _check_classes(data: Data, split: Split, scheme: Scheme) -> None:
    unseen = np.setdiff1d(data.y[split.test], data.y[split.train])
    if unseen.size:
        raise DataError(
            f"{data.name}: fold {split.fold + 1} of repeat {split.repeat + 1} tests on class "
            f"{unseen[0]} without having trained on it.",
            "Take stratified folds, fewer folds, or another seed."
            if "grouped" not in scheme.kind
            else "All examples of the class are in one group; merge or leave out the class.",
        )
