"""After how many steps training comes near its best, from weights and from scratch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from freshset.stats.across_datasets import first_within
from freshset.stats.transfer_means import logit_scores, mean_difference
from freshset.stats.types import Estimate, FloatArray
from freshset.transfer.analysis.settings import AnalysisSettings
from freshset.transfer.results import Regime, TransferResults

Basis = Literal["lengths", "curves"]


@dataclass(frozen=True, slots=True)
class TrainingCurve:
    """Score against steps, for one model on one data set.

    Attributes
    ----------
    steps
        Increasing, shape (points,).
    score
        Means over seeds, fractions, shape (points,).
    logits
        Their log odds.
    first
        First number of steps within the distance of the best; one of those that were tried.
    at_end
        Whether the best is at the last point, so that more steps might be better still.
    """

    model: str
    dataset: str
    regime: Regime
    steps: FloatArray
    score: FloatArray
    logits: FloatArray
    first: float
    at_end: bool


@dataclass(frozen=True, slots=True)
class Convergence:
    """Training curves and what they say together.

    Attributes
    ----------
    basis
        ``lengths``: each point is a training run of its own, with rates chosen for it, as in the paper.
        ``curves``: points along one run, whose learning rate has not come down yet.
    within
        Distance from the best, log odds.
    curves
        One for each model, data set and regime.
    mean_steps
        Mean of ``first`` over the pairs of model and data set that have both regimes, by regime.
    speedup
        How many times as many steps training from scratch takes: geometric mean over these pairs, with
        Student's interval of the logarithm; nan without any.
    pairs
        How many there are.
    """

    basis: Basis
    within: float
    curves: tuple[TrainingCurve, ...]
    mean_steps: tuple[tuple[Regime, float], ...]
    speedup: Estimate
    pairs: int


_Point = tuple[str, str, Regime, int, float]


def converge(results: TransferResults, settings: AnalysisSettings) -> Convergence | None:
    """Curves of runs of several lengths, or else along the runs; ``None`` without either."""
    basis: Basis = "lengths" if results.lengths else "curves"
    points: list[_Point]
    if results.lengths:
        points = [(r.model, r.dataset, r.regime, r.steps, r.score) for r in results.lengths]
    else:
        points = [
            (r.model, r.dataset, r.regime, step, score)
            for r in results.results
            for step, score in r.curve
        ]
    curves = tuple(_curves(points, results, settings.within))
    if not curves:
        return None
    by_key = {(c.model, c.dataset, c.regime): c.first for c in curves}
    pairs = [
        (by_key[model, dataset, "finetune"], by_key[model, dataset, "scratch"])
        for model, dataset, regime in by_key
        if regime == "finetune" and (model, dataset, "scratch") in by_key
    ]
    if not pairs:
        nothing = Estimate(*(float("nan"),) * 3)
        return Convergence(basis, settings.within, curves, (), nothing, 0)
    tuned, scratch = np.array(pairs, dtype=float).T
    ratio = mean_difference(np.log(scratch), np.log(tuned), level=settings.level)
    return Convergence(
        basis,
        settings.within,
        curves,
        (("finetune", float(tuned.mean())), ("scratch", float(scratch.mean()))),
        Estimate(*(float(np.exp(x)) for x in (ratio.value, ratio.low, ratio.high))),
        len(pairs),
    )


def _curves(
    points: Sequence[_Point], results: TransferResults, within: float
) -> Iterable[TrainingCurve]:
    n = {d.id: d.n_test for d in results.datasets}
    found: dict[tuple[str, str, Regime], dict[int, list[float]]] = {}
    for model, dataset, regime, step, score in points:
        # Before the first step there is nothing to take the logarithm of.
        if step > 0 and np.isfinite(score):
            found.setdefault((model, dataset, regime), {}).setdefault(step, []).append(score)
    for (model, dataset, regime), by_step in found.items():
        steps = np.array(sorted(by_step), dtype=float)
        if len(steps) < 2:
            continue
        means = np.array([float(np.mean(by_step[int(step)])) for step in steps])
        logits = logit_scores(means, n[dataset])
        first = first_within(steps, logits, within=within)
        if first is not None:
            at_end = bool(logits.argmax() == len(steps) - 1)
            yield TrainingCurve(model, dataset, regime, steps, means, logits, first, at_end)
