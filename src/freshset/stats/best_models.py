"""Which models are not distinguishable from the best one, on one data set and over several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from freshset.stats.across_datasets import paired_t
from freshset.stats.multiplicity import adjust
from freshset.stats.paired import mcnemar_exact
from freshset.stats.sign_flips import discordant_by_class, flip_test_exact, flip_test_sampled
from freshset.stats.transfer_means import complete_table
from freshset.stats.types import BoolArray, FloatArray, IntArray, check_level

Test = Literal["mcnemar", "per-class", "multilabel", "paired-t"]


@dataclass(frozen=True, slots=True)
class BestModels:
    """Every model against the best one.

    Attributes
    ----------
    best
        Index of the model with the highest score; of equal ones the first.
    score
        Score that the tests compare, shape (models,).
    p
        Two-sided p-values against the best, shape (models,); 1 for the best itself.
    p_holm
        The same after Holm's correction over the other models.
    level
        Level of the sets below.
    test
        How p-values were made.
    """

    best: int
    score: FloatArray
    p: FloatArray
    p_holm: FloatArray
    level: float
    test: Test

    @property
    def tied(self) -> BoolArray:
        """Models that are not distinguishable from the best, uncorrected as in the paper."""
        return np.asarray(self.p > 1 - self.level)

    @property
    def tied_holm(self) -> BoolArray:
        """The same after Holm's correction; more models are."""
        return np.asarray(self.p_holm > 1 - self.level)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "best": self.best,
            "score": self.score.tolist(),
            "p": self.p.tolist(),
            "p_holm": self.p_holm.tolist(),
            "tied": self.tied.tolist(),
            "tied_holm": self.tied_holm.tolist(),
            "level": self.level,
            "test": self.test,
        }


def best_by_accuracy(correct: BoolArray, *, level: float = 0.95) -> BestModels:
    """Compare models with the best one by the exact test of McNemar.

    Parameters
    ----------
    correct
        Whether each model is right on each item, shape (models, items).

    Raises
    ------
    ValueError
        For no models, no items or a level outside (0, 1).

    Notes
    -----
    Exchanging two models' predictions item by item gives exactly this test.  The tests take networks
    as they are: what another training run would give is not part of them.

    References
    ----------
    McNemar (1947), Psychometrika 12:153; Kornblith, Shlens and Le (2019), arXiv 1805.08974.
    """
    correct = _table(correct)
    score = correct.mean(axis=1)
    best = int(score.argmax())
    up = np.count_nonzero(correct[best] & ~correct, axis=1)
    down = np.count_nonzero(~correct[best] & correct, axis=1)
    return _judged(best, score, mcnemar_exact(up, down), level, "mcnemar")


def best_by_class_mean(
    correct: BoolArray,
    labels: IntArray,
    *,
    rng: np.random.Generator,
    n_draws: int = 10_000,
    level: float = 0.95,
) -> BestModels:
    """Compare means of per-class accuracies by exchanging predictions item by item.

    Parameters
    ----------
    correct
        Shape (models, items).
    labels
        Class of each item, shape (items,).
    n_draws
        See `flip_test_sampled`.

    Raises
    ------
    ValueError
        As `best_by_accuracy`, and for labels of another length.
    """
    correct = _table(correct)
    if labels.shape != correct.shape[1:]:
        raise ValueError("labels must have one entry an item")
    _, ids, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    score = np.array([(np.bincount(ids, weights=row) / sizes).mean() for row in correct])
    best = int(score.argmax())
    p = np.ones(len(correct))
    for i in range(len(correct)):
        if i != best:
            groups = discordant_by_class(correct[best], correct[i], labels)
            p[i] = flip_test_sampled(*groups, rng=rng, n_draws=n_draws)
    return _judged(best, score, p, level, "per-class")


def best_by_decisions(correct: BoolArray, *, level: float = 0.95) -> BestModels:
    """Compare models whose items show several classes, on the accuracy of their decisions.

    Parameters
    ----------
    correct
        Whether each model is right about each class of each item, shape (models, items, classes).

    Raises
    ------
    ValueError
        As `best_by_accuracy`.

    Notes
    -----
    Average precision ranks scores of all items, and scores of two models cannot be exchanged item by
    item; decisions can.  An item's decisions are exchanged together, since they are not independent.
    """
    if correct.ndim != 3 or 0 in correct.shape:
        raise ValueError("correct must have shape (models, items, classes)")
    right = np.count_nonzero(correct, axis=2)
    score = right.mean(axis=1) / correct.shape[2]
    best = int(score.argmax())
    p = [flip_test_exact(right[best] - row) for row in right]
    return _judged(best, score, np.array(p), level, "multilabel")


def best_over_datasets(logits: FloatArray, *, level: float = 0.95) -> BestModels:
    """Compare means over data sets by Student's paired test.

    Parameters
    ----------
    logits
        Log odds, shape (models, data sets), all finite.

    Raises
    ------
    ValueError
        For another shape, fewer than two data sets, or values that are not finite.

    Notes
    -----
    A difference that is the same on every data set has p = 0, or 1 where there is none.
    """
    x = complete_table(logits)
    if x.shape[1] < 2:
        raise ValueError("a test over data sets needs at least two")
    score = x.mean(axis=1)
    best = int(score.argmax())
    p = np.array([paired_t(x[best], row).p for row in x])
    p = np.where(np.isnan(p), np.all(x == x[best], axis=1), p)
    return _judged(best, score, p, level, "paired-t")


def _table(correct: BoolArray) -> BoolArray:
    if correct.ndim != 2 or 0 in correct.shape:
        raise ValueError("correct must have shape (models, items)")
    return correct.astype(bool)


def _judged(best: int, score: FloatArray, p: FloatArray, level: float, test: Test) -> BestModels:
    check_level(level)
    others = np.arange(len(p)) != best
    p = np.where(others, p, 1.0)
    holm = np.ones(len(p))
    holm[others] = adjust(p[others], "holm")
    return BestModels(best, np.asarray(score, dtype=float), p, holm, level, test)
