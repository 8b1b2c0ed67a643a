"""Items with answers, brought to cells: k of n selected, and how often models are right there.

A set whose items have different numbers of answers is brought to one number m by the average over
all ways to choose m of an item's answers (hypergeometric), so nothing is drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from freshset.stats.types import BoolArray, FloatArray, IntArray

# Share of the items of a set that must have the number of answers that both sets are brought to.
_KEPT = 0.95


@dataclass(frozen=True, slots=True)
class Judged:
    """Items that people judged and models were run on.

    Attributes
    ----------
    selected, answers
        Answers that selected the item, of all its answers, shape (items,).  Halves and weighted
        answers are allowed.
    correct
        Whether each model is right on each item, shape (models, items).
    weights
        Shape (items,); all equal by default.  See `class_balanced`.
    pool
        ``selected`` and ``answers`` of all the candidates that these items were selected from by
        these same answers, themselves among them; ``None`` when these answers had no part in it.
    """

    selected: FloatArray
    answers: FloatArray
    correct: BoolArray
    weights: FloatArray | None = None
    pool: tuple[FloatArray, FloatArray] | None = None

    def __post_init__(self) -> None:
        _check(self.selected, self.answers)
        if self.correct.ndim != 2 or self.correct.shape[1] != len(self.selected):
            raise ValueError("correct must have the shape (models, items)")
        if self.weights is not None and (
            len(self.weights) != len(self.selected)
            or not np.all(np.isfinite(self.weights) & (self.weights >= 0))
        ):
            raise ValueError("weights must be one number of at least 0 an item")
        if self.pool is not None:
            _check(*self.pool)

    @property
    def weight(self) -> FloatArray:
        """Weights, shape (items,)."""
        return np.ones(len(self.selected)) if self.weights is None else self.weights

    def with_answers(self, least: int) -> tuple[Judged, int]:
        """Return the items (and candidates) with so many answers, and how many items have fewer."""
        enough = np.rint(self.answers) >= least
        pool = self.pool
        if pool is not None:
            rows = np.rint(pool[1]) >= least
            pool = pool[0][rows], pool[1][rows]
        kept = Judged(
            self.selected[enough],
            self.answers[enough],
            self.correct[:, enough],
            self.weight[enough],
            pool,
        )
        return kept, int(np.count_nonzero(~enough))

    def distribution(self, m: int) -> FloatArray:
        """Share of the items, or of their pool, by how many of m answers select them, (m + 1,)."""
        items, _ = self.with_answers(max(m, 1))
        columns = (items.selected, items.answers, items.weight)
        if items.pool is not None:
            columns = (*items.pool, np.ones(len(items.pool[0])))
        cells = Cells.of(*columns)
        mass = cells.mass(np.ones((1, len(columns[0]))))[0] @ cells.thinning(m)
        return np.asarray(mass / mass.sum())


def class_balanced(classes: IntArray) -> FloatArray:
    """Weights that give every class the same weight and average to 1, shape (items,)."""
    _, ids, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    return np.asarray(len(ids) / (len(sizes) * sizes[ids]), dtype=float)


def common_answers(old: Judged, new: Judged) -> int:
    """Most answers that at least 95 % of the judged items of each set have.

    Raises
    ------
    ValueError
        When a set has no judged item.
    """
    least = []
    for answers in (old.answers, new.answers):
        known = np.sort(np.rint(answers[np.rint(answers) > 0]))
        if not known.size:
            raise ValueError("no item has answers")
        least.append(known[int((1 - _KEPT) * known.size)])
    return int(min(least))


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells (k of n) of a set, and which items lie in them.

    Attributes
    ----------
    k, n
        Shape (cells,).
    item, cell, share
        Which item lies in which cell with which weight; an item with half an answer lies in two.
    """

    k: IntArray
    n: IntArray
    item: IntArray
    cell: IntArray
    share: FloatArray

    @classmethod
    def of(cls, selected: FloatArray, answers: FloatArray, weights: FloatArray) -> Cells:
        """Find the cells; numbers of answers are rounded, and frequencies kept."""
        n = np.rint(answers).astype(np.int64)
        k = selected * n / answers
        low = np.minimum(np.floor(k + 1e-9), n).astype(np.int64)
        part = np.where(k - low > 1e-9, k - low, 0.0)
        item = np.arange(len(n))
        split = part > 0
        ks = np.concatenate([low, low[split] + 1])
        items = np.concatenate([item, item[split]])
        share = np.concatenate([1 - part, part[split]]) * weights[items]
        pairs, cell = np.unique(np.stack([n[items], ks]), axis=1, return_inverse=True)
        order = np.argsort(cell, kind="stable")
        return cls(pairs[1], pairs[0], items[order], np.asarray(cell[order]), share[order])

    def mass(self, draws: npt.NDArray[Any]) -> FloatArray:
        """Weight of each cell in resamples, shape (resamples, cells).

        Parameters
        ----------
        draws
            How often each item is drawn, shape (resamples, items).
        """
        return self._sums(draws, np.ones((1, draws.shape[1]), dtype=draws.dtype))[..., 0]

    def hits(self, draws: npt.NDArray[Any], correct: BoolArray) -> FloatArray:
        """Weight of right answers in each cell, shape (resamples, cells, models)."""
        return self._sums(draws, correct)

    def _sums(self, draws: npt.NDArray[Any], columns: npt.NDArray[Any]) -> FloatArray:
        out = np.empty((len(draws), len(self.k), len(columns)))
        ends = np.searchsorted(self.cell, np.arange(len(self.k) + 1))
        for number, (start, stop) in enumerate(pairwise(ends)):
            items = self.item[start:stop]
            shares = self.share[start:stop].astype(draws.dtype)
            out[:, number] = draws[:, items] @ (columns[:, items] * shares).T
        return out

    def thinning(self, m: int) -> FloatArray:
        """Probability of j among m of the n answers, shape (cells, m + 1)."""
        j = np.arange(m + 1)
        pmf = stats.hypergeom.pmf(j, self.n[:, None], self.k[:, None], m)
        return np.asarray(pmf, dtype=float)


def matched_accuracy(
    old: FloatArray, new: FloatArray, hits: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Accuracy on the new set had its items the old set's frequencies, cell by cell.

    Parameters
    ----------
    old, new
        Weight of each cell, shape (resamples, cells).
    hits
        Weight of right answers in each cell of the new set, shape (resamples, cells, models).

    Returns
    -------
    accuracy : ndarray, shape (resamples, models)
    missing : ndarray, shape (resamples,)
        Share of the old set in cells that the new set lacks; the others take its place.  Where it
        is 1, no accuracy is left (nan).
    """
    target = old / old.sum(axis=1, keepdims=True)
    there = new > 0
    found = np.where(there, target, 0)
    kept = found.sum(axis=1)
    total = np.einsum("bc,bcm->bm", found / np.where(there, new, 1), hits)
    missing = np.where(there, 0, target).sum(axis=1)
    return total / np.where(kept > 0, kept, np.nan)[:, None], np.where(kept > 0, missing, 1.0)


def held_out_frequencies(
    old: tuple[Cells, FloatArray], new: tuple[Cells, FloatArray], h: int
) -> tuple[FloatArray, FloatArray]:
    """Match on h answers of every item, and look at the others.

    Parameters
    ----------
    old, new
        Cells, and the weight of each, shape (resamples, cells).

    Returns
    -------
    old, new : ndarray, shape (resamples,)
        Mean frequency in the other answers: of the old set, and of the new one weighted so that its
        frequencies in the h answers are the old set's.  Equal but for noise when equal frequencies
        mean equal items.
    """
    target = old[1] @ old[0].thinning(h)
    target /= target.sum(axis=1, keepdims=True)
    frequency = old[1] @ (old[0].k / old[0].n) / old[1].sum(axis=1)
    cells, mass = new
    chance = cells.thinning(h)
    others = (cells.k[:, None] - np.arange(h + 1)) / (cells.n - h)[:, None]
    there, other = mass @ chance, mass @ (chance * others)
    mean = np.divide(other, there, out=np.zeros_like(other), where=there > 0)
    known = np.where(there > 0, target, 0)
    kept = known.sum(axis=1)
    matched = (known * mean).sum(axis=1) / np.where(kept > 0, kept, np.nan)
    return np.asarray(frequency), np.asarray(matched)


def _check(selected: FloatArray, answers: FloatArray) -> None:
    if len(selected) != len(answers):
        raise ValueError("selected and answers must have one length")
    if not np.all((selected >= 0) & (selected <= answers) & np.isfinite(answers)):
        raise ValueError("selected answers must lie between 0 and all answers")
