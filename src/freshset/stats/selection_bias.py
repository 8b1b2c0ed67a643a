"""The gap between two sets at equal true selection frequency, from noisy frequencies.

Items were selected, or are matched, by an observed frequency k/n.  Where the two sets come from
pools of different difficulty, equal k/n does not mean equal true frequency: each regresses towards
its own pool.  Three estimates correct the gap for it, each with a bootstrap standard error.

References
----------
Engstrom, Ilyas, Santurkar, Tsipras, Steinhardt and Madry (2020), "Identifying statistical bias in
dataset replication", ICML; for the estimators.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from freshset.stats.beta_mixture import BetaMixture
from freshset.stats.corrections import ESTIMATORS, BiasOptions, prepared
from freshset.stats.matching import Judged
from freshset.stats.types import Estimate, FloatArray, IntArray, check_level


@dataclass(frozen=True, slots=True)
class Gaps:
    """Old minus new accuracy (fractions) by one estimator.

    Attributes
    ----------
    value, se
        Of each model, with its standard error, shape (models,).
    mean, mean_se
        Over the models.
    """

    value: FloatArray
    se: FloatArray
    mean: float
    mean_se: float

    def interval(self, *, level: float = 0.95) -> Estimate:
        """Mean gap with its normal interval."""
        half = float(special.ndtri(1 - check_level(level) / 2)) * self.mean_se
        return Estimate(self.mean, self.mean - half, self.mean + half)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Mean matched gap with m of the answers, which a line in 1/m describes if 1/m is all its bias.

    Attributes
    ----------
    answers, gap
        m, and the gap (fraction), shape (numbers of answers,).
    r2
        Of the line; nan below three numbers of answers.
    """

    answers: IntArray
    gap: FloatArray
    r2: float


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Mean frequency in answers that the matching did not use (fractions).

    Attributes
    ----------
    matched_on, answers
        Answers an item that were matched on, of how many.
    old, new
        Mean frequency in the others.
    drop, se
        Old minus new, with its standard error: the regression to the mean, seen without a model.
    """

    matched_on: int
    answers: int
    old: float
    new: float
    drop: float
    se: float


@dataclass(frozen=True, slots=True)
class SelectionBias:
    """The raw gap and three corrected ones.

    Attributes
    ----------
    answers
        Answers an item that both sets were brought to.
    raw, naive, jackknife, beta_binomial
        Gaps; `naive` is matched on observed frequencies, the last two correct that.
    missing
        Share of the old set at frequencies that no new item has; renormalised.
    left_out
        Items of the old and of the new set with fewer answers.
    old_prior, new_prior
        The true frequencies as mixtures of Betas.
    samples
        Mean gaps in the resamples, shape (resamples, 4), in the order of `ESTIMATORS`.
    """

    answers: int
    raw: Gaps
    naive: Gaps
    jackknife: Gaps
    beta_binomial: Gaps
    diagnostic: Diagnostic
    held_out: HeldOut
    missing: float
    left_out: tuple[int, int]
    old_prior: BetaMixture
    new_prior: BetaMixture
    samples: FloatArray


def selection_bias(
    old: Judged, new: Judged, *, rng: np.random.Generator, options: BiasOptions | None = None
) -> SelectionBias:
    """Estimate the gap at equal true selection frequency.

    Parameters
    ----------
    old, new
        The two sets, with the same models in the same order.
    rng
        Draws the starts of the mixtures and the resamples.

    Raises
    ------
    ValueError
        When the models differ, there are fewer than 2 answers an item, or no item of the new set has
        a frequency that the old set has.

    Notes
    -----
    With P1 and P2 the frequencies of the two sets and m answers an item:

    - naive A(m): the mean over k ~ P1 of the new accuracy among items with k of m;
    - jackknife: (m A(m) - (m - d) A(m - d)) / d, which removes a bias of c/m.  A(m - d) is the
      average over all choices of answers and not that of a few random ones;
    - Beta-Binomial: true frequencies are mixtures of Betas, the accuracy given the true frequency
      is a cubic spline (knots .5, .7, .9; coefficients in [0, 1]) fitted through the posterior of
      the true frequency given k, and the estimate is its mean under the old set's mixture.

    Standard errors resample the items of both sets; mixtures continue from those of the data.
    """
    options = options or BiasOptions()
    sides, fewer = prepared(old, new, options)
    m = sides.m
    priors = sides.fit(rng, options)
    point = sides.estimate(sides.whole(), priors, options, again=False)
    if point.missing[0] == 1:
        raise ValueError("the sets have no selection frequency in common")
    # A resample of a very small set may have none in common; it says nothing.
    parts = [
        sides.estimate(draws, priors, options)
        for draws in sides.resamples(options.n_resamples, rng)
    ]
    samples = [np.concatenate([part.gaps[i] for part in parts]) for i in range(len(ESTIMATORS))]
    raw, naive, jackknife, beta = map(_gaps, (gap[0] for gap in point.gaps), samples)
    drops = np.concatenate([part.held_out[0] - part.held_out[1] for part in parts])
    shown, other = (float(x[0]) for x in point.held_out)
    return SelectionBias(
        answers=m,
        raw=raw,
        naive=naive,
        jackknife=jackknife,
        beta_binomial=beta,
        diagnostic=_diagnostic(sides.by_answers()),
        held_out=HeldOut(m // 2, m, shown, other, shown - other, float(np.nanstd(drops, ddof=1))),
        missing=float(point.missing[0]),
        left_out=fewer,
        old_prior=priors[0],
        new_prior=priors[1],
        samples=np.stack([part.mean(axis=1) for part in samples], axis=1),
    )


@dataclass(frozen=True, slots=True)
class AnswersNeeded:
    """Answers an item at which a bias is no more than a tolerance.

    Attributes
    ----------
    tolerance
        As a fraction of 1.
    answers
        There are now.
    naive, jackknife
        Needed for the matched and for the jackknifed gap, going by the estimated bias.
    naive_most
        Needed by the upper end of the bias's one-sided interval.
    """

    tolerance: float
    answers: int
    naive: int
    naive_most: int
    jackknife: int


def answers_needed(
    result: SelectionBias, tolerance: float, *, level: float = 0.95
) -> AnswersNeeded:
    """How many answers an item make the matched gap trustworthy without a model.

    Parameters
    ----------
    tolerance
        Bias that does not matter (a fraction); a standard error, or a margin.

    Notes
    -----
    The bias of the matched gap falls like c/n in the number of answers n, since a frequency of n
    answers has the variance s (1 - s) / n, and that of the delete-1 jackknife like e/n^2.  The bias
    now is the difference to the Beta-Binomial estimate, so n |bias| / tolerance answers are enough
    for the first, and n sqrt(|bias| / tolerance) for the second.
    """
    if not tolerance > 0:
        raise ValueError("the tolerance must be positive")
    n = result.answers
    best = result.beta_binomial.mean
    matched, jackknifed = abs(result.naive.mean - best), abs(result.jackknife.mean - best)
    noise = float(np.nanstd(result.samples[:, 1] - result.samples[:, 3], ddof=1))
    most = matched + float(special.ndtri(level)) * noise
    return AnswersNeeded(
        tolerance,
        n,
        naive=math.ceil(n * matched / tolerance),
        naive_most=math.ceil(n * most / tolerance),
        jackknife=math.ceil(n * math.sqrt(jackknifed / tolerance)),
    )


def _gaps(value: FloatArray, samples: FloatArray) -> Gaps:
    return Gaps(
        np.asarray(value),
        np.asarray(np.nanstd(samples, axis=0, ddof=1)),
        float(value.mean()),
        float(np.nanstd(samples.mean(axis=1), ddof=1)),
    )


def _diagnostic(gap: FloatArray) -> Diagnostic:
    m = np.arange(1, len(gap) + 1)
    known = len(m) > 2 and np.ptp(gap) > 0
    return Diagnostic(m, gap, float(np.corrcoef(1 / m, gap)[0, 1] ** 2) if known else math.nan)
