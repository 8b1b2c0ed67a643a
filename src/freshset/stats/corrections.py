"""Estimates of the gap at equal selection frequency, as functions of how often each item is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.stats.beta_curve import bounded_curves, curve_means
from freshset.stats.beta_mixture import BetaMixture, fit_beta_mixture, refit
from freshset.stats.matching import (
    Cells,
    Judged,
    common_answers,
    held_out_frequencies,
    matched_accuracy,
)
from freshset.stats.resampling import item_draws
from freshset.stats.types import FloatArray

ESTIMATORS = ("raw", "naive", "jackknife", "beta_binomial")
_REFIT_ROUNDS = 100
_CHUNK = 50


@dataclass(frozen=True, slots=True)
class BiasOptions:
    """How the estimates are made.

    Attributes
    ----------
    answers
        Answers an item that both sets are brought to; 0 for as many as 95 % of the items have.
    delete
        Answers that the jackknife leaves out.
    n_resamples
        Item resamples of the standard errors.
    components
        Of each mixture, at most; one for every 3 of the m + 1 possible counts, since K Betas have
        3 K - 1 parameters.
    starts, rounds
        Of the mixtures: random starts, and rounds of expectation maximisation at most.
    """

    answers: int = 0
    delete: int = 1
    n_resamples: int = 200
    components: int = 3
    starts: int = 5
    rounds: int = 1_000


_Draws = tuple[npt.NDArray[Any], ...]


@dataclass(frozen=True, slots=True)
class Estimates:
    """By resample.

    Attributes
    ----------
    gaps
        Raw, naive, jackknife and Beta-Binomial, each of shape (resamples, models).
    held_out
        Mean held-out frequencies of the old and of the matched new set, each (resamples,).
    missing
        Share of the old set without a counterpart, shape (resamples,).
    """

    gaps: tuple[FloatArray, ...]
    held_out: tuple[FloatArray, FloatArray]
    missing: FloatArray


class Sides:
    """Both sets as cells; every estimate is a function of how often each item is drawn."""

    def __init__(self, old: Judged, new: Judged, m: int) -> None:
        self.old, self.new, self.m = old, new, m
        self.old_cells = Cells.of(old.selected, old.answers, old.weight)
        self.new_cells = Cells.of(new.selected, new.answers, new.weight)
        self.pool = None
        if new.pool is not None:
            self.pool = Cells.of(*new.pool, np.ones(len(new.pool[0])))
        self.scale = len(new.selected) / float(new.weight.sum())

    def whole(self) -> _Draws:
        """Every item once."""
        return tuple(np.ones((1, n)) for n in self._sizes())

    def _sizes(self) -> list[int]:
        sizes = [len(self.old.selected), len(self.new.selected)]
        return sizes if self.new.pool is None else [*sizes, len(self.new.pool[0])]

    def resamples(self, count: int, rng: np.random.Generator) -> Iterator[_Draws]:
        """Blocks of draws of each set, independent of each other."""
        blocks = [item_draws(n, count, rng=child, chunk=_CHUNK)
                  for n, child in zip(self._sizes(), rng.spawn(3), strict=False)]  # fmt: skip
        return zip(*blocks, strict=True)

    def _masses(self, draws: _Draws) -> tuple[FloatArray, FloatArray]:
        """Weights of the cells behind the two priors."""
        old = self.old_cells.mass(draws[0])
        if self.pool is None:
            return old, self.new_cells.mass(draws[1])
        return old, self.pool.mass(draws[2])

    def fit(
        self, rng: np.random.Generator, options: BiasOptions
    ) -> tuple[BetaMixture, BetaMixture]:
        """Fit the true frequencies of both sets."""
        cells = (self.old_cells, self.pool or self.new_cells)
        most = max(1, min(options.components, (self.m + 1) // 3))
        old, new = (
            fit_beta_mixture(
                c.k,
                c.n,
                mass[0],
                rng=rng,
                components=most,
                starts=options.starts,
                rounds=options.rounds,
            )
            for c, mass in zip(cells, self._masses(self.whole()), strict=True)
        )
        return old, new

    def estimate(
        self, draws: _Draws, priors: tuple[BetaMixture, BetaMixture], options: BiasOptions,
        *, again: bool = True,
    ) -> Estimates:  # fmt: skip
        """Every estimate; ``again`` lets the priors follow the draws."""
        old_mass, prior_mass = self._masses(draws)
        new_mass = self.new_cells.mass(draws[1])
        hits = self.new_cells.hits(draws[1], self.new.correct)
        old_accuracy = self.old_cells.hits(draws[0], self.old.correct).sum(axis=1)
        old_accuracy /= old_mass.sum(axis=1)[:, None]
        new_accuracy = hits.sum(axis=1) / new_mass.sum(axis=1)[:, None]
        items = new_mass * self.scale
        # The selection depends on the answers alone, so that it can be undone cell by cell.
        undo = self._undo(new_mass, prior_mass)
        new_mass, hits = new_mass * undo, hits * undo[..., None]
        full, missing = self._matched(old_mass, new_mass, hits, self.m)
        fewer, _ = self._matched(old_mass, new_mass, hits, self.m - options.delete)
        left = (self.m - options.delete) / options.delete
        jackknife = (1 + left) * full - left * fewer
        if again:
            cells = (self.old_cells, self.pool or self.new_cells)
            priors = (
                refit(priors[0], cells[0].k, cells[0].n, old_mass, rounds=_REFIT_ROUNDS),
                refit(priors[1], cells[1].k, cells[1].n, prior_mass, rounds=_REFIT_ROUNDS),
            )
        curve = self._through_priors(priors, new_mass, hits, items)
        gaps = tuple(old_accuracy - x for x in (new_accuracy, full, jackknife, curve))
        held = held_out_frequencies(
            (self.old_cells, old_mass), (self.new_cells, new_mass), self.m // 2
        )
        return Estimates(gaps, held, missing)

    def _undo(self, new_mass: FloatArray, pool_mass: FloatArray) -> FloatArray:
        """Factors that bring each cell of the new set to its weight in the pool."""
        if self.pool is None:
            return np.ones_like(new_mass)
        place = {pair: i for i, pair in enumerate(zip(self.pool.k, self.pool.n, strict=True))}
        pairs = zip(self.new_cells.k, self.new_cells.n, strict=True)
        where = np.array([place.get(pair, -1) for pair in pairs])
        candidates = np.where(where >= 0, pool_mass[:, where], 0)
        return np.divide(candidates, new_mass, out=np.zeros_like(new_mass), where=new_mass > 0)

    def _matched(
        self, old: FloatArray, new: FloatArray, hits: FloatArray, m: int
    ) -> tuple[FloatArray, FloatArray]:
        chance = self.new_cells.thinning(m)
        return matched_accuracy(
            old @ self.old_cells.thinning(m),
            new @ chance,
            np.einsum("bcm,cj->bjm", hits, chance),
        )

    def _through_priors(
        self, priors: tuple[BetaMixture, BetaMixture], new: FloatArray, hits: FloatArray,
        items: FloatArray,
    ) -> FloatArray:  # fmt: skip
        """Accuracy on the new set under the old set's prior, shape (resamples, models)."""
        old_prior, new_prior = priors
        chance = self.new_cells.thinning(self.m)
        mass, right = new @ chance, np.einsum("bcm,cj->bmj", hits, chance)
        items = items @ chance
        shares = np.divide(right, mass[:, None], out=np.zeros_like(right), where=mass[:, None] > 0)
        j = np.arange(self.m + 1)[:, None]
        means = curve_means(new_prior.a[:, None] + j, new_prior.b[:, None] + self.m - j)
        design = np.einsum("bjk,bjkf->bjf", new_prior.posterior(self.m), means)
        target = np.einsum("bk,bkf->bf", old_prior.share, curve_means(old_prior.a, old_prior.b))
        rows = zip(design, shares, np.where(mass > 0, items, 0), target, strict=True)
        return np.stack([bounded_curves(d, s, w) @ t for d, s, w, t in rows])

    def by_answers(self) -> FloatArray:
        """Mean gap matched on 1, 2, ... m answers, shape (m,)."""
        draws = self.whole()
        old, prior = self._masses(draws)
        new, hits = self.new_cells.mass(draws[1]), self.new_cells.hits(draws[1], self.new.correct)
        undo = self._undo(new, prior)
        new, hits = new * undo, hits * undo[..., None]
        accuracy = float(
            self.old_cells.hits(draws[0], self.old.correct).sum(axis=1).mean() / old.sum()
        )
        counts = range(1, self.m + 1)
        return np.array([accuracy - self._matched(old, new, hits, m)[0].mean() for m in counts])


def prepared(old: Judged, new: Judged, options: BiasOptions) -> tuple[Sides, tuple[int, int]]:
    """Bring two sets together, and count the items of each with too few answers."""
    if len(old.correct) != len(new.correct):
        raise ValueError("both sets must have the same models")
    m = options.answers or common_answers(old, new)
    if m < 2 or not 0 < options.delete < m:
        raise ValueError(f"{m} answers an item are too few")
    (old, fewer_old), (new, fewer_new) = old.with_answers(m), new.with_answers(m)
    if not len(old.selected) or not len(new.selected):
        raise ValueError(f"no item has {m} answers")
    return Sides(old, new, m), (fewer_old, fewer_new)


def corrected_gaps(
    old: Judged, new: Judged, *, rng: np.random.Generator, options: BiasOptions | None = None
) -> FloatArray:
    """Gaps of every model by each estimator, without standard errors, shape (4, models).

    Parameters and errors are those of `freshset.stats.selection_bias.selection_bias`; the rows are those of `ESTIMATORS`.
    """
    options = options or BiasOptions()
    sides, _ = prepared(old, new, options)
    point = sides.estimate(sides.whole(), sides.fit(rng, options), options, again=False)
    return np.concatenate(point.gaps)
