"""Comparisons across data sets: two models, the order of all, and when a curve has arrived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from freshset.stats.ranks import kendall
from freshset.stats.transfer_means import complete_table, mean_difference
from freshset.stats.types import Estimate, FloatArray, none_if_nan


@dataclass(frozen=True, slots=True)
class PairedT:
    """Two models over the same data sets.

    Attributes
    ----------
    difference
        Mean of the first less the second, in log odds, with Student's interval.
    p
        Two-sided p-value; nan where there is none, with one data set or no variation.
    n
        Data sets.
    """

    difference: Estimate
    p: float
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"difference": self.difference.to_dict(), "p": none_if_nan(self.p), "n": self.n}


def paired_t(first: FloatArray, second: FloatArray, *, level: float = 0.95) -> PairedT:
    """Student's paired test of two models over data sets.

    Parameters
    ----------
    first, second
        Log odds, shape (data sets,).

    Raises
    ------
    ValueError
        For shapes that differ, or no data sets.

    Notes
    -----
    Data sets are taken as a sample of the data sets one cares about; with a dozen of them only large
    differences show.
    """
    difference = mean_difference(first, second, level=level)
    change = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    if change.size < 2 or np.ptp(change) == 0:
        return PairedT(difference, float("nan"), change.size)
    t = difference.value / (change.std(ddof=1) / np.sqrt(change.size))
    p = 2 * float(special.stdtr(change.size - 1, -abs(t)))
    return PairedT(difference, p, change.size)


@dataclass(frozen=True, slots=True)
class RankAgreement:
    """How far data sets agree on the order of models.

    Attributes
    ----------
    w
        Kendall's coefficient of concordance, 0 to 1, corrected for ties; nan where all models tie.
    p
        Of no agreement, by Friedman's chi-squared approximation.
    mean_tau
        Mean over pairs of data sets of Kendall's tau-b.
    tau
        Kendall's tau-b of each pair of data sets, shape (data sets, data sets).
    """

    w: float
    p: float
    mean_tau: float
    tau: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "w": none_if_nan(self.w),
            "p": none_if_nan(self.p),
            "mean_tau": none_if_nan(self.mean_tau),
            "tau": [[none_if_nan(float(v)) for v in row] for row in self.tau],
        }


def rank_agreement(score: FloatArray) -> RankAgreement:
    """Agreement of data sets on the order of models.

    Parameters
    ----------
    score
        Shape (models, data sets), finite; any scale, as only the order within a data set counts.

    Raises
    ------
    ValueError
        With fewer than two models or data sets.

    References
    ----------
    Kendall and Babington Smith (1939), Annals of Mathematical Statistics 10:275; Friedman (1937), JASA
    32:675.
    """
    x = complete_table(score)
    models, datasets = x.shape
    if min(models, datasets) < 2:
        raise ValueError("agreement needs at least two models and two data sets")
    ranks = stats.rankdata(x, axis=0)
    ties = sum(
        float((count**3 - count).sum())
        for count in (np.unique(column, return_counts=True)[1] for column in x.T)
    )
    spread = float(np.square(ranks.sum(axis=1) - datasets * (models + 1) / 2).sum())
    most = datasets**2 * (models**3 - models) - datasets * ties
    w = 12 * spread / most if most > 0 else float("nan")
    p = float(special.chdtrc(models - 1, datasets * (models - 1) * w))
    tau = np.eye(datasets)
    for i in range(datasets):
        for j in range(i):
            tau[i, j] = tau[j, i] = kendall(x[:, i], x[:, j])
    below = tau[np.tril_indices(datasets, -1)]
    return RankAgreement(w, p, float(below.mean()), tau)


def first_within(
    lengths: npt.ArrayLike, logits: npt.ArrayLike, *, within: float = 0.1
) -> float | None:
    """Shortest training that comes within a distance of the best.

    Parameters
    ----------
    lengths
        Steps or epochs, increasing, shape (lengths,).
    logits
        Log odds after each, shape (lengths,); nan where training diverged.
    within
        Distance in log odds.

    Returns
    -------
    float or None
        A length of the grid, not interpolated; ``None`` when all are nan.

    Raises
    ------
    ValueError
        For shapes that differ or lengths that do not increase.

    References
    ----------
    Kornblith, Shlens and Le (2019), arXiv 1805.08974, section 4.6; the rule "first length within 0.1
    log odds of the best" is our reading of it.
    """
    x, y = np.asarray(lengths, dtype=float), np.asarray(logits, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or not x.size:
        raise ValueError("need one value for each length")
    if np.any(np.diff(x) <= 0):
        raise ValueError("lengths must increase")
    if np.isnan(y).all():
        return None
    # Sums such as 0.3 - 0.1 must not miss by their rounding.
    near = y >= np.nanmax(y) - within - 1e-9
    return float(x[near.argmax()])
