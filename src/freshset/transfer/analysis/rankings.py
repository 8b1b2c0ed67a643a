"""How well scores that need no training put the models in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from freshset.stats.score_ranking import ScoreRanking, score_ranking
from freshset.stats.transfer_means import mean_difference
from freshset.stats.types import Estimate, FloatArray
from freshset.transfer.analysis.settings import AnalysisSettings
from freshset.transfer.analysis.tables import REGIMES, RegimeTable
from freshset.transfer.results import Regime

# Two models are put in one order or the other: a correlation of them says nothing.
_LEAST_MODELS = 3
# Two values have a spread by chance only, and Student's quantile for them is 12.7.
_LEAST_DATASETS = 3


@dataclass(frozen=True, slots=True)
class RankedBy:
    """One score against the accuracies of one regime.

    Attributes
    ----------
    score
        ``logme``, ``leep``, ``nleep`` or ``h-score``.
    datasets
        Those on which at least three models have score and accuracy.
    rankings
        On each of them; regret is a fraction of accuracy.
    mean
        Mean of the weighted Kendall correlations, with Student's interval over data sets, cut to -1
        and 1; without one for fewer than three data sets.
    regret
        Mean of the accuracy that is lost by taking the model that the score puts first, points.
    """

    score: str
    regime: Regime
    datasets: tuple[str, ...]
    rankings: tuple[ScoreRanking, ...]
    mean: Estimate
    regret: float


def rank_scores(
    scores: Mapping[tuple[str, str], Mapping[str, float]],
    tables: Mapping[Regime, RegimeTable],
    settings: AnalysisSettings,
) -> tuple[RankedBy, ...]:
    """Judge every score in the regimes that start from the weights."""
    names = sorted({name for one in scores.values() for name in one})
    found = (
        _ranked(name, number, scores, tables[regime], settings)
        for number, name in enumerate(names)
        for regime in REGIMES
        if regime != "scratch" and regime in tables
    )
    return tuple(one for one in found if one is not None)


def _ranked(
    name: str,
    number: int,
    scores: Mapping[tuple[str, str], Mapping[str, float]],
    table: RegimeTable,
    settings: AnalysisSettings,
) -> RankedBy | None:
    datasets: list[str] = []
    rankings: list[ScoreRanking] = []
    for j, dataset in enumerate(table.datasets):
        value = _column(name, scores, table, dataset)
        there = np.isfinite(value)
        accuracy = table.score[there, j]
        if there.sum() < _LEAST_MODELS or np.ptp(value[there]) == 0 or np.ptp(accuracy) == 0:
            continue
        rng = settings.rng(REGIMES.index(table.regime), 5, number, j)
        datasets.append(dataset)
        rankings.append(
            score_ranking(
                value[there], accuracy, rng=rng, n_resamples=settings.score_resamples,
                level=settings.level,
            )
        )  # fmt: skip
    if not rankings:
        return None
    tau = np.array([one.weighted.value for one in rankings])
    regret = 100 * float(np.mean([one.regret for one in rankings]))
    mean = _mean(tau, settings.level)
    return RankedBy(name, table.regime, tuple(datasets), tuple(rankings), mean, regret)


def _mean(tau: FloatArray, level: float) -> Estimate:
    found = mean_difference(tau, np.zeros_like(tau), level=level)
    if len(tau) < _LEAST_DATASETS:
        return Estimate(found.value, float("nan"), float("nan"))
    return Estimate(found.value, max(found.low, -1.0), min(found.high, 1.0))


def _column(
    name: str,
    scores: Mapping[tuple[str, str], Mapping[str, float]],
    table: RegimeTable,
    dataset: str,
) -> FloatArray:
    values = [scores.get((model, dataset), {}).get(name, np.nan) for model in table.models]
    return np.array(values, dtype=float)
