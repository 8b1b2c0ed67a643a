"""H-score: how far class means of features lie apart, measured against the features' spread."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import linalg

from freshset.stats.logme import checked_features
from freshset.stats.types import FloatArray, IntArray


def h_score(features: npt.NDArray[np.floating], labels: npt.ArrayLike) -> float:
    """``trace(cov(f)^+ cov(E[f | y]))``; higher is better, from 0 to classes - 1.

    Parameters
    ----------
    features
        Shape (n, d).
    labels
        Class ids, shape (n,).

    Raises
    ------
    ValueError
        For shapes that do not fit, values that are not finite, and fewer than two classes.

    Notes
    -----
    With d near n the inverse covariance is unstable, and with d >= n the score is classes - 1 whatever
    the features are: use `regularised_h_score`.

    References
    ----------
    Bao and others (2019), "An information-theoretic approach to transferability in task transfer
    learning", ICIP, definition 2.
    """
    centred, ids = _prepared(features, labels)
    means = _class_means(centred, ids)
    inverse = linalg.pinvh(centred.T @ centred)
    return float((means * (means @ inverse)).sum())


def regularised_h_score(features: npt.NDArray[np.floating], labels: npt.ArrayLike) -> float:
    """H-score with the covariance shrunk as Ledoit and Wolf do.

    Parameters and errors are those of `h_score`.

    Returns
    -------
    float
        ``(1 - s) trace(S_s^-1 cov(E[f | y]))`` with ``S_s = (1 - s) S + s tr(S) / d I``.

    References
    ----------
    Ibrahim, Ponomareva and Mazumder (2022), "Newer is not always better: Rethinking transferability
    metrics, their peculiarities, stability and performance", ECML PKDD, arXiv 2110.06893, section 3;
    Ledoit and Wolf (2004), Journal of Multivariate Analysis 88:365.
    """
    centred, ids = _prepared(features, labels)
    n, d = centred.shape
    shrinkage = ledoit_wolf(centred)
    means = _class_means(centred, ids) / np.sqrt(n)
    level = float((centred**2).sum()) / (n * d)
    if level == 0:
        return 0.0
    if d <= n:
        shrunk = (1 - shrinkage) * (centred.T @ centred) / n
        shrunk[np.diag_indices(d)] += shrinkage * level
        solved = linalg.solve(shrunk, means.T, assume_a="pos").T
    else:
        solved = _solved_small(centred, means, shrinkage, level)
    return float((1 - shrinkage) * (means * solved).sum())


def ledoit_wolf(centred: FloatArray) -> float:
    """Shrinkage towards a multiple of the identity that loses least on average, in [0, 1].

    Parameters
    ----------
    centred
        Shape (n, d), columns of mean 0.

    References
    ----------
    Ledoit and Wolf (2004), Journal of Multivariate Analysis 88:365, lemma 3.2 to 3.4.
    """
    n, d = centred.shape
    gram = centred @ centred.T if n < d else centred.T @ centred
    square = float((gram**2).sum()) / n**2  # sum of squares of the covariance matrix
    trace = float((centred**2).sum()) / n
    away = square - trace**2 / d
    noise = float((np.square(centred).sum(axis=1) ** 2).sum()) / n**2 - square / n
    if away <= 0:
        return 1.0
    return float(np.clip(noise / away, 0, 1))


def _prepared(
    features: npt.NDArray[np.floating], labels: npt.ArrayLike
) -> tuple[FloatArray, IntArray]:
    f = checked_features(features)
    given = np.asarray(labels)
    if given.shape != f.shape[:1]:
        raise ValueError("need one label for each row of features")
    _, ids = np.unique(given, return_inverse=True)
    if ids.max() == 0:
        raise ValueError("need at least two classes")
    return f - f.mean(axis=0), ids


def _class_means(centred: FloatArray, ids: IntArray) -> FloatArray:
    """Means of classes times the root of their sizes, shape (classes, d)."""
    sums = np.zeros((int(ids.max()) + 1, centred.shape[1]))
    np.add.at(sums, ids, centred)
    return np.asarray(sums / np.sqrt(np.bincount(ids))[:, None])


def _solved_small(
    centred: FloatArray, means: FloatArray, shrinkage: float, level: float
) -> FloatArray:
    """Means times the inverse of the shrunk covariance, by a matrix of n rows (Woodbury)."""
    n = len(centred)
    ridge = max(shrinkage * level, 1e-12 * level)
    inner = (1 - shrinkage) * (centred @ centred.T) / n
    inner[np.diag_indices(n)] += ridge
    across = linalg.solve(inner, centred @ means.T, assume_a="pos")
    return np.asarray((means - (1 - shrinkage) / n * across.T @ centred) / ridge)
