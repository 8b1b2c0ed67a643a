"""LEEP and NLEEP: how well a source model's classes, or clusters of its features, predict labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from freshset.stats.gaussian_mixture import fit_mixture
from freshset.stats.logme import checked_features
from freshset.stats.types import FloatArray


def leep(probabilities: npt.NDArray[np.floating], labels: npt.ArrayLike) -> float:
    """Log expected empirical prediction; higher is better, at most 0.

    Parameters
    ----------
    probabilities
        Of the source model's classes, shape (n, source classes); rows sum to 1.
    labels
        Target class ids, shape (n,).

    Returns
    -------
    float
        ``mean log sum_z P(y | z) theta_z(x)`` with P from the joint ``P(y, z) = mean theta_z [y]``.

    Raises
    ------
    ValueError
        For shapes that do not fit, negative or missing values, and rows that do not sum to 1.

    References
    ----------
    Nguyen, Hassner, Seeger and Archambeau (2020), "LEEP: A new measure to evaluate transferability of
    learned representations", ICML, arXiv 2002.12462, section 3.
    """
    theta = np.asarray(probabilities, dtype=np.float64)
    given = np.asarray(labels)
    if theta.ndim != 2 or 0 in theta.shape or given.shape != theta.shape[:1]:
        raise ValueError(
            "need probabilities of shape (examples, source classes) and as many labels"
        )
    if not np.all(theta >= 0) or np.any(np.abs(theta.sum(axis=1) - 1) > 1e-3):
        raise ValueError("probabilities must not be negative, and each row must sum to 1")
    _, ids = np.unique(given, return_inverse=True)
    joint = np.zeros((int(ids.max()) + 1, theta.shape[1]))
    np.add.at(joint, ids, theta)
    mass = joint.sum(axis=0)
    # A source class that is never predicted says nothing.
    conditional = joint / np.where(mass > 0, mass, 1)
    expected = (conditional[ids] * theta).sum(axis=1)
    return float(np.log(np.maximum(expected, np.finfo(float).tiny)).mean())


def nleep(
    features: npt.NDArray[np.floating],
    labels: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    components: int | None = None,
    energy: float = 0.8,
) -> float:
    """LEEP with clusters of the features in place of source classes; higher is better.

    Parameters
    ----------
    features
        Shape (n, d).
    labels
        Target class ids, shape (n,).
    components
        Gaussians of the mixture; five a class by default, as in the paper, but at most a fifth of the
        examples.
    energy
        Share of the variance that principal components keep.

    Raises
    ------
    ValueError
        For shapes that do not fit, values that are not finite, an energy outside (0, 1].

    Notes
    -----
    Gaussians have diagonal covariances here, which principal components make a mild restriction; the
    paper's are full.

    References
    ----------
    Li and others (2021), "Ranking neural checkpoints", CVPR, arXiv 2011.11200, section 4.
    """
    f = checked_features(features)
    given = np.asarray(labels)
    if given.shape != f.shape[:1]:
        raise ValueError("need one label for each row of features")
    if not 0 < energy <= 1:
        raise ValueError("the energy must lie in (0, 1]")
    wanted = components or min(5 * len(np.unique(given)), max(1, len(f) // 5))
    return leep(fit_mixture(_main_part(f, energy), wanted, rng=rng).posteriors, given)


def _main_part(f: FloatArray, energy: float) -> FloatArray:
    """Principal components that hold a share of the variance, shape (n, kept)."""
    centred = f - f.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    share = np.cumsum(values**2)
    if share[-1] == 0:
        return np.zeros((len(f), 1))
    kept = int(np.searchsorted(share, energy * share[-1] * (1 - 1e-12))) + 1
    return np.asarray(left[:, :kept] * values[:kept])
