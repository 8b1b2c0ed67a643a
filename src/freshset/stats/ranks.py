"""Ranks of models, and how sure we are that a rank changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from freshset.stats.intervals import percentile_interval
from freshset.stats.types import BoolArray, IntArray


def ranks(score: npt.ArrayLike) -> IntArray:
    """Rank along the last axis, 1 for the highest score; tied models share the best rank."""
    # float64 is exact for counts, and unlike unsigned counts it can be negated.
    score = np.asarray(score, dtype=float)
    return np.asarray(stats.rankdata(-score, method="min", axis=-1), dtype=np.int64)


def tied(rank: IntArray) -> BoolArray:
    """Whether each model shares its rank with another, shape (models,)."""
    _, where, count = np.unique(rank, return_inverse=True, return_counts=True)
    return np.asarray(count[where] > 1)


@dataclass(frozen=True, slots=True)
class RankChanges:
    """Ranks on both sets and the change between them, one entry a model.

    Attributes
    ----------
    old, new
        Ranks with ``method="min"``: 1 is best and ties share the best rank.
    change
        ``old - new``: positive means that the model moved up on the new set.
    low, high
        Percentile interval of the change over item resamples that all models share.
    tied_old, tied_new
        Whether another model has the same rank.
    """

    old: IntArray
    new: IntArray
    change: IntArray
    low: IntArray
    high: IntArray
    tied_old: BoolArray
    tied_new: BoolArray

    @property
    def beyond_noise(self) -> BoolArray:
        """Whether the interval of the change excludes 0."""
        return (self.low > 0) | (self.high < 0)


def rank_changes(
    old: npt.ArrayLike,
    new: npt.ArrayLike,
    old_resamples: npt.ArrayLike,
    new_resamples: npt.ArrayLike,
    *,
    level: float = 0.95,
) -> RankChanges:
    """Rank changes with intervals.

    Parameters
    ----------
    old, new
        Scores (accuracies or counts) on each set, shape (models,).
    old_resamples, new_resamples
        Scores in item resamples of each set, shape (resamples, models); within one resample all
        models must have been scored on the same items.
    level
        Confidence level of each interval, not adjusted for the number of models.

    Notes
    -----
    The bootstrap of a rank leans towards the middle where many models are nearly equal.  The
    interval of a *change* suffers less, since both ranks lean alike.  At a nominal .95 it covers
    .978 on average over 64 models with the accuracies and the similarity of ImageNetV2's, between
    .90 and 1 for a single model; 2 % of the models whose rank is unchanged are called moved
    (simulated).  The bias-corrected and the basic interval cover .91 and .86 there.
    """
    rank_old, rank_new = ranks(old), ranks(new)
    moved = ranks(old_resamples) - ranks(new_resamples)
    interval = percentile_interval(moved.astype(float), level=level)
    return RankChanges(
        old=rank_old,
        new=rank_new,
        change=rank_old - rank_new,
        low=interval.low.astype(np.int64),
        high=interval.high.astype(np.int64),
        tied_old=tied(rank_old),
        tied_new=tied(rank_new),
    )


def spearman(old: npt.ArrayLike, new: npt.ArrayLike) -> float:
    """Spearman's rank correlation, ties averaged; nan when one side is constant."""
    return _correlation(stats.spearmanr, old, new)


def kendall(old: npt.ArrayLike, new: npt.ArrayLike) -> float:
    """Kendall's tau-b; nan when one side is constant."""
    return _correlation(stats.kendalltau, old, new)


def _correlation(function: Callable[..., Any], old: npt.ArrayLike, new: npt.ArrayLike) -> float:
    x, y = np.asarray(old, dtype=float), np.asarray(new, dtype=float)
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(function(x, y).statistic)
