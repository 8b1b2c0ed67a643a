"""Selection frequencies as what they are: estimates from a few answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from freshset.stats.types import FloatArray, check_level

# Counts that fit no spread at all would send the sum of a and b to infinity.
_LEAST, _MOST = 1e-3, 1e4


@dataclass(frozen=True, slots=True)
class Prior:
    """A Beta distribution of selection frequencies.

    Attributes
    ----------
    a, b
        Its parameters; (1, 1) is uniform.
    """

    a: float = 1.0
    b: float = 1.0

    @property
    def mean(self) -> float:
        """Mean frequency."""
        return self.a / (self.a + self.b)


@dataclass(frozen=True, slots=True)
class Posterior:
    """What answers say of each image's frequency, elementwise.

    Attributes
    ----------
    mean, low, high
        Posterior mean and the equal-tailed credible interval.  Without answers, those of the prior.
    """

    mean: FloatArray
    low: FloatArray
    high: FloatArray


UNIFORM = Prior()


def beta_posterior(
    selected: npt.ArrayLike, answers: npt.ArrayLike, *, prior: Prior = UNIFORM, level: float = 0.95
) -> Posterior:
    """Posterior of a selection frequency.

    Parameters
    ----------
    selected, answers
        Answers that said yes, and all of them; any broadcastable shapes, not necessarily whole.
    level
        Probability that the interval holds.

    Raises
    ------
    ValueError
        For counts outside [0, answers] or a level outside (0, 1).

    Notes
    -----
    With ``s ~ Beta(a, b)`` and ``k ~ Binomial(n, s)``, ``s | k ~ Beta(a + k, b + n - k)``.
    """
    alpha = check_level(level)
    k, n = _checked(selected, answers)
    a, b = prior.a + k, prior.b + n - k
    low, high = (
        np.asarray(special.betaincinv(a, b, tail), float) for tail in (alpha / 2, 1 - alpha / 2)
    )
    return Posterior(a / (a + b), low, high)


def fit_prior(selected: npt.ArrayLike, answers: npt.ArrayLike) -> Prior:
    """Beta distribution of the frequencies behind observed counts, by maximum likelihood.

    Parameters
    ----------
    selected, answers
        Shape (images,); images without answers are left out.

    Raises
    ------
    ValueError
        When no image has answers, or counts are impossible.

    Notes
    -----
    Maximises the Beta-Binomial likelihood over the mean and the sum of a and b, the sum between
    0.001 and 10,000.
    """
    k, n = _checked(selected, answers)
    k, n = k[n > 0], n[n > 0]
    if n.size == 0:
        raise ValueError("no image has answers")
    k, n, times = _distinct(k, n)
    share = float(np.clip((times @ k + 0.5) / (times @ n + 1), 0.01, 0.99))
    bounds = [(-10.0, 10.0), (float(np.log(_LEAST)), float(np.log(_MOST)))]
    starts = [np.array([special.logit(share), np.log(total)]) for total in (1.0, 20.0)]
    fits = [
        optimize.minimize(_loss, start, (k, n, times), jac=True, method="L-BFGS-B", bounds=bounds)
        for start in starts
    ]
    best = min(fits, key=lambda fit: float(fit.fun))
    mean, total = float(special.expit(best.x[0])), float(np.exp(best.x[1]))
    return Prior(mean * total, (1 - mean) * total)


def draw_priors(
    prior: Prior,
    selected: npt.ArrayLike,
    answers: npt.ArrayLike,
    *,
    times: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Draw parameters as uncertain as the counts leave them.

    Parameters
    ----------
    prior
        Of `fit_prior`, from the same counts.

    Returns
    -------
    a, b
        Shape (times,).

    Notes
    -----
    Normal in the logit of the mean and the logarithm of the sum of a and b, with the inverse of the
    observed information as covariance.  Information that the counts lack, as where all are equal, is
    replaced by that of a standard deviation of 2.
    """
    k, n = _checked(selected, answers)
    k, n, count = _distinct(k[n > 0], n[n > 0])
    total = prior.a + prior.b
    point = np.array([special.logit(prior.a / total), np.log(total)])
    step = 1e-4
    columns = [
        (_loss(point + shift, k, n, count)[1] - _loss(point - shift, k, n, count)[1]) / (2 * step)
        for shift in step * np.eye(2)
    ]
    values, vectors = np.linalg.eigh((np.array(columns) + np.array(columns).T) / 2)
    spread = vectors / np.sqrt(np.maximum(values, 0.25))
    draws = point + rng.standard_normal((times, 2)) @ spread.T
    mean = special.expit(np.clip(draws[:, 0], -10, 10))
    sums = np.exp(np.clip(draws[:, 1], np.log(_LEAST), np.log(_MOST)))
    return np.asarray(mean * sums), np.asarray((1 - mean) * sums)


def _distinct(k: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distinct pairs of counts, and how often each occurs."""
    rows, times = np.unique(np.stack([k, n]), axis=1, return_counts=True)
    return rows[0], rows[1], times.astype(np.float64)


def _loss(
    point: FloatArray, k: FloatArray, n: FloatArray, times: FloatArray
) -> tuple[float, FloatArray]:
    """Negative log-likelihood and its slope in the logit of the mean and the log of the sum."""
    mean, total = special.expit(point[0]), np.exp(point[1])
    a, b = mean * total, (1 - mean) * total
    value = times @ (special.betaln(a + k, b + n - k) - special.betaln(a, b))
    both = special.psi(total) - special.psi(total + n)
    by_a = times @ (special.psi(a + k) - special.psi(a) + both)
    by_b = times @ (special.psi(b + n - k) - special.psi(b) + both)
    slope = np.array([(by_a - by_b) * total * mean * (1 - mean), by_a * a + by_b * b])
    return -float(value), np.asarray(-slope)


def count_probabilities(a: npt.ArrayLike, b: npt.ArrayLike, answers: int) -> FloatArray:
    """Probabilities of 0, 1, ..., `answers` selections, shape (..., answers + 1) for a and b (...).

    The Beta-Binomial distribution: ``C(n, k) B(a + k, b + n - k) / B(a, b)``.
    """
    k = np.arange(answers + 1)
    a, b = np.asarray(a, float)[..., None], np.asarray(b, float)[..., None]
    logs = (
        special.betaln(a + k, b + answers - k)
        - special.betaln(a, b)
        - special.betaln(k + 1, answers - k + 1)
        - np.log(answers + 1)
    )
    return np.asarray(np.exp(logs))


def _checked(selected: npt.ArrayLike, answers: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    k, n = np.broadcast_arrays(np.asarray(selected, float), np.asarray(answers, float))
    if not np.all((k >= 0) & (k <= n) & np.isfinite(n)):
        raise ValueError("selections must lie between 0 and the number of answers")
    return k, n
