"""Showing that a score did *not* move: two one-sided tests (TOST)."""

from __future__ import annotations

import warnings

import numpy as np
from scipy import special

from freshset.stats.types import FloatArray, as_counts, check_level


def tost_drop(k_old: int, n_old: int, k_new: int, n_new: int, *, margin: float) -> float:
    """P-value of the claim that the drop lies within +-margin, from two independent samples.

    Parameters
    ----------
    margin
        Fraction, positive (0.01 is one point).

    Returns
    -------
    float
        The larger of the two one-sided p-values; small values support equivalence.

    Raises
    ------
    ValueError
        For impossible counts or a margin that is not positive.

    References
    ----------
    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15:657; each side is the z
    test of Agresti and Caffo (2000), The American Statistician 54:280, which adds one success and
    one failure to either sample.  Through `statsmodels.stats.proportion.tost_proportions_2indep`.
    """
    _check_margin(margin)
    as_counts([k_old, k_new], [n_old, n_new])
    # Late, since statsmodels takes a second to import.
    from statsmodels.stats.proportion import tost_proportions_2indep

    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        # With no success on one side the ratio that it also reports, and that we do not use, fails.
        warnings.simplefilter("ignore", RuntimeWarning)
        result = tost_proportions_2indep(
            k_old, n_old, k_new, n_new, -margin, margin, method="agresti-caffo"
        )
    return float(result.pvalue)


def tost_samples(value: float, samples: FloatArray, *, margin: float) -> float:
    """P-value that a statistic lies within +-margin, from its bootstrap samples.

    The bootstrap standard error is used with a normal reference.

    Parameters
    ----------
    value
        The observed statistic, in the unit of ``margin``.
    samples
        Bootstrap samples of it, shape (resamples,).
    """
    _check_margin(margin)
    se = float(np.std(samples, ddof=1))
    if se == 0:
        return 0.0 if abs(value) < margin else 1.0
    return _larger_p(value, se, margin)


def power_of_equivalence(se: float, *, margin: float, level: float = 0.95) -> float:
    """Probability that TOST shows equivalence when the truth is exactly no change.

    Parameters
    ----------
    se
        Standard error of the statistic, in the unit of ``margin``.
    level
        Each one-sided test has type I error ``1 - level``.
    """
    alpha = check_level(level)
    _check_margin(margin)
    if se <= 0:
        return 1.0
    reach = margin / se - float(special.ndtri(1 - alpha))
    return float(max(0.0, 2 * special.ndtr(reach) - 1))


def _larger_p(value: float, se: float, margin: float) -> float:
    # The larger of two tails is that of the value's own side.
    return float(special.ndtr((abs(value) - margin) / se))


def _check_margin(margin: float) -> None:
    if not margin > 0:
        raise ValueError("margin must be positive")
