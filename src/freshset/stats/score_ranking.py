"""How well scores that need no training rank models by their accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from freshset.stats.intervals import percentile_interval
from freshset.stats.ranks import kendall
from freshset.stats.types import Estimate, FloatArray, none_if_nan


@dataclass(frozen=True, slots=True)
class ScoreRanking:
    """Agreement of a score with accuracy over models.

    Attributes
    ----------
    weighted
        Weighted Kendall correlation, with an interval over models; nan when one side is constant.
    tau
        Kendall's tau-b.
    regret
        Accuracy of the best model less that of the one the score puts first, in the unit given.
    n_models
        How many models there are.
    """

    weighted: Estimate
    tau: float
    regret: float
    n_models: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "weighted": self.weighted.to_dict(),
            "tau": none_if_nan(self.tau),
            "regret": self.regret,
            "n_models": self.n_models,
        }


def weighted_kendall(score: npt.ArrayLike, accuracy: npt.ArrayLike) -> float:
    """Kendall's correlation in which exchanges near the top count more.

    Returns
    -------
    float
        The exchange of ranks r and s (0 is best) weighs ``1 / (r + 1) + 1 / (s + 1)``; mean of ranking
        by either side.  nan when one side is constant.

    Raises
    ------
    ValueError
        For shapes that differ, fewer than two models, or values that are not finite.

    References
    ----------
    Vigna (2015), "A weighted correlation index for rankings with ties", WWW, arXiv 1404.3325; used to
    judge such scores by You and others (2021), arXiv 2102.11005.
    """
    x, y = _both(score, accuracy)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(stats.weightedtau(x, y).statistic)


def score_ranking(
    score: npt.ArrayLike,
    accuracy: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    n_resamples: int = 2_000,
    level: float = 0.95,
) -> ScoreRanking:
    """Judge a score by how it ranks models.

    Parameters
    ----------
    score
        Higher is better, shape (models,).
    accuracy
        After training, shape (models,).

    Returns
    -------
    ScoreRanking
        The interval resamples models; resamples in which one side is constant are left out.

    Raises
    ------
    ValueError
        As `weighted_kendall`.

    Notes
    -----
    A dozen models say little: rankings by such scores change with the models that are compared
    (Agostinelli and others (2022), "How stable are transferability metrics evaluations?", arXiv
    2204.01403).  The interval says how much; a model drawn twice ties with itself, which pulls the
    resampled values towards 0.
    """
    x, y = _both(score, accuracy)
    value = weighted_kendall(x, y)
    draws = rng.integers(0, len(x), size=(n_resamples, len(x)))
    resampled = np.array([weighted_kendall(x[d], y[d]) for d in draws])
    resampled = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or len(resampled) < 2:
        estimate = Estimate(value, float("nan"), float("nan"))
    else:
        bounds = percentile_interval(resampled, level=level)
        estimate = Estimate(value, float(bounds.low), float(bounds.high))
    regret = float(y.max() - y[x == x.max()].mean())
    return ScoreRanking(estimate, kendall(x, y), regret, len(x))


def _both(score: npt.ArrayLike, accuracy: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, y = np.asarray(score, dtype=float), np.asarray(accuracy, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2:
        raise ValueError("need scores and accuracies of two models or more")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("scores and accuracies must be finite")
    return x, y
