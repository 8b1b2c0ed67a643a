"""Chance in training: everything is a function of the seed and the step, so nothing is remembered."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from freshset.models.training.data import IntArray

_ORDER, _AUGMENTATION, _NETWORK = range(3)


class Order:
    """Which items each step learns from: all in a new order, again and again.

    A batch may end one pass and begin the next, so that every item is seen as often as any other,
    give or take one; batches may be larger than the set.

    Parameters
    ----------
    n
        Items.
    batch
        Items of a step.
    """

    def __init__(self, n: int, batch: int, seed: int) -> None:
        self._n = n
        self._batch = batch
        self._seed = seed
        self._known: dict[int, IntArray] = {}

    def places(self, step: int) -> IntArray:
        """Places in the training set, shape (batch,)."""
        first = step * self._batch
        passes = range(first // self._n, (first + self._batch - 1) // self._n + 1)
        # Steps come in order: what an earlier pass was is not asked again.
        self._known = {k: self._known.get(k, self._pass(k)) for k in passes}
        joined = np.concatenate([self._known[k] for k in passes])
        start = first - passes.start * self._n
        return joined[start : start + self._batch]

    def _pass(self, number: int) -> IntArray:
        if number in self._known:
            return self._known[number]
        return np.random.default_rng((_ORDER, self._seed, number)).permutation(self._n)


def augmentation_draws(seed: int, step: int, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Uniform numbers in [0, 1) from which the images of a step are augmented."""
    return np.random.default_rng((_AUGMENTATION, seed, step)).random(shape)


def network_seed(seed: int, step: int, part: int) -> int:
    """Seed of what a network draws itself, such as dropout, in a part of a step's batch."""
    words = np.random.SeedSequence((_NETWORK, seed, step, part)).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))
