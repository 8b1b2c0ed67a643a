"""Mixtures of Beta distributions behind counts k of n, fitted by expectation maximisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from freshset.stats.types import FloatArray, IntArray

# Parameters outside say nothing that counts could tell: a spike is a spike.
_LEAST, _MOST = 1e-3, 1e4


@dataclass(frozen=True, slots=True)
class BetaMixture:
    """One or many mixtures of Beta distributions.

    Attributes
    ----------
    share, a, b
        Mixing weight and parameters of each component, shape (mixtures, components).
    log_likelihood
        Of the counts that it was fitted to, without the constant, shape (mixtures,).
    """

    share: FloatArray
    a: FloatArray
    b: FloatArray
    log_likelihood: FloatArray

    def __getitem__(self, rows: npt.ArrayLike) -> BetaMixture:
        rows = np.asarray(rows)
        return BetaMixture(self.share[rows], self.a[rows], self.b[rows], self.log_likelihood[rows])

    @property
    def mean(self) -> FloatArray:
        """Mean of each mixture, shape (mixtures,)."""
        return np.asarray((self.share * self.a / (self.a + self.b)).sum(axis=1))

    def cdf(self, s: npt.ArrayLike) -> FloatArray:
        """Distribution functions at ``s`` of shape (points,), shape (mixtures, points)."""
        s = np.asarray(s, dtype=float)
        parts = special.betainc(self.a[..., None], self.b[..., None], s)
        return np.asarray((self.share[..., None] * parts).sum(axis=1))

    def posterior(self, n: int) -> FloatArray:
        """Share of each component among items with k of n, shape (mixtures, n + 1, components).

        Given k, a component is a Beta distribution with parameters a + k and b + n - k.
        """
        k = np.arange(n + 1)
        log = _log_beta_binomial(self.a, self.b, k, np.full(n + 1, n))
        with np.errstate(divide="ignore"):
            log += np.log(self.share)[..., None]
        return np.asarray(special.softmax(log, axis=1).transpose(0, 2, 1))


def fit_beta_mixture(
    k: IntArray,
    n: IntArray,
    weights: FloatArray,
    *,
    rng: np.random.Generator,
    components: int = 3,
    starts: int = 5,
    rounds: int = 1_000,
) -> BetaMixture:
    """Fit a mixture to counts, from several random starts; the likeliest is kept.

    Parameters
    ----------
    k, n, weights
        Cells: k of n, and how many items there are of it, shape (cells,).
    rng
        Draws the starts, whole numbers from 2 to 9.
    rounds
        Rounds of expectation maximisation, at most.

    Returns
    -------
    BetaMixture
        Of one mixture.

    Raises
    ------
    ValueError
        Without a positive weight, or for counts outside [0, n].

    References
    ----------
    Engstrom et al. (2020), "Identifying statistical bias in dataset replication", for the model.
    Minka (2000), "Estimating a Dirichlet distribution", for the fixed point of the parameters.
    """
    k, n, weights = _checked(k, n, weights)
    shape = (starts, components)
    start = BetaMixture(
        np.full(shape, 1 / components),
        rng.integers(2, 10, size=shape).astype(float),
        rng.integers(2, 10, size=shape).astype(float),
        np.full(starts, -np.inf),
    )
    fitted = refit(start, k, n, np.broadcast_to(weights, (starts, len(k))), rounds=rounds)
    return fitted[[int(np.argmax(fitted.log_likelihood))]]


def refit(
    start: BetaMixture, k: IntArray, n: IntArray, weights: FloatArray, *, rounds: int
) -> BetaMixture:
    """Continue from ``start``, all mixtures at once.

    Parameters
    ----------
    start
        One mixture for all, or one for each row of the weights.
    weights
        Shape (mixtures, cells).

    Notes
    -----
    No round lowers a likelihood: responsibilities are exact, and the parameters move to the maximum
    of a bound that touches the expected log likelihood where they were.  Rounds end when a hundred
    of them gain no mixture more than 0.01, a likelihood ratio that no data could notice.
    """
    many = len(weights)
    share, a, b = (np.broadcast_to(x, (many, x.shape[1])) for x in (start.share, start.a, start.b))
    before = np.full(many, -np.inf)
    mixture = BetaMixture(share, a, b, before)
    for done in range(rounds):
        mixture = em_round(mixture, k, n, weights)
        if done % 100 == 99:
            if np.all(mixture.log_likelihood - before < 0.01):
                break
            before = mixture.log_likelihood
    return mixture


def em_round(mixture: BetaMixture, k: IntArray, n: IntArray, weights: FloatArray) -> BetaMixture:
    """Return the mixtures after one round, with the log likelihoods that they had before it."""
    share, a, b = mixture.share, mixture.a, mixture.b
    log = _log_beta_binomial(a, b, k, n)
    with np.errstate(divide="ignore"):
        log += np.log(share)[..., None]
    top = log.max(axis=1, keepdims=True)
    density = np.exp(log - top)
    every = density.sum(axis=1, keepdims=True)
    likelihood = (weights * (top + np.log(every))[:, 0]).sum(axis=1)
    held = density * (weights[:, None] / every)
    mass = held.sum(axis=2)
    below = _harmonic((held, n), a + b)
    # A component that holds nothing stays where it is.
    busy = below > 1e-300
    step_a, step_b = (
        np.where(busy, _harmonic((held, count), x) / np.where(busy, below, 1), 1)
        for count, x in ((k, a), (n - k, b))
    )
    return BetaMixture(
        mass / mass.sum(axis=1, keepdims=True),
        np.clip(a * step_a, _LEAST, _MOST),
        np.clip(b * step_b, _LEAST, _MOST),
        likelihood,
    )


def _log_beta_binomial(a: FloatArray, b: FloatArray, k: IntArray, n: IntArray) -> FloatArray:
    """Log probability of k of n, without the binomial coefficient, shape (*a.shape, cells)."""
    return np.asarray(_rising(a, k) + _rising(b, n - k) - _rising(a + b, n))


def _rising(x: FloatArray, count: IntArray) -> FloatArray:
    """Log of x (x + 1) ... (x + count - 1), shape (*x.shape, cells)."""
    table = np.zeros((*x.shape, int(count.max()) + 1))
    steps = x[..., None] + np.arange(table.shape[-1] - 1)
    np.cumsum(np.log(steps), axis=-1, out=table[..., 1:])
    return np.asarray(table[..., count])


def _harmonic(held: tuple[FloatArray, IntArray], x: FloatArray) -> FloatArray:
    """Sum over cells of what is held there times 1/x + 1/(x + 1) + ... (count terms)."""
    mass, count = held
    table = np.zeros((*x.shape, int(count.max()) + 1))
    steps = x[..., None] + np.arange(table.shape[-1] - 1)
    np.cumsum(1 / steps, axis=-1, out=table[..., 1:])
    return np.asarray((mass * table[..., count]).sum(axis=-1))


def _checked(
    k: IntArray, n: IntArray, weights: FloatArray
) -> tuple[IntArray, IntArray, FloatArray]:
    k, n = np.asarray(k, dtype=np.int64), np.asarray(n, dtype=np.int64)
    weights = np.asarray(weights, dtype=float)
    if not len(k) == len(n) == len(weights):
        raise ValueError("k, n and weights must have one length")
    if np.any(k < 0) or np.any(k > n):
        raise ValueError("counts must lie between 0 and n")
    used = (n > 0) & (weights > 0)
    if not used.any():
        raise ValueError("no counts to fit a mixture to")
    return k[used], n[used], weights[used]
