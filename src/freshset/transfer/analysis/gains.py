"""What fine-tuning gains over fixed features, and over training from scratch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from freshset.stats.across_datasets import PairedT, paired_t
from freshset.stats.transfer_means import mean_difference
from freshset.stats.types import Estimate, FloatArray
from freshset.transfer.analysis.settings import AnalysisSettings
from freshset.transfer.analysis.tables import RegimeTable
from freshset.transfer.results import Regime


@dataclass(frozen=True, slots=True)
class Gain:
    """Fine-tuning less another regime, for models and data sets that have both.

    Attributes
    ----------
    over
        The other regime.
    models, datasets
        Names and ids.
    difference
        Log odds of fine-tuning less those of the other, shape (models, data sets).
    points
        The same in percentage points of the scores.
    mean
        Mean over models and data sets; test and interval are paired over data sets.
    by_model
        Each model's mean over data sets, paired over them.
    by_dataset
        Each data set's mean over models, with Student's interval over models.
    """

    over: Regime
    models: tuple[str, ...]
    datasets: tuple[str, ...]
    difference: FloatArray
    points: FloatArray
    mean: PairedT
    by_model: tuple[PairedT, ...]
    by_dataset: tuple[Estimate, ...]


def gains(tables: Mapping[Regime, RegimeTable], settings: AnalysisSettings) -> tuple[Gain, ...]:
    """Gains of fine-tuning over the regimes that there are."""
    if "finetune" not in tables:
        return ()
    others: tuple[Regime, ...] = ("features", "scratch")
    found = (
        _gain(tables["finetune"], tables[other], settings) for other in others if other in tables
    )
    return tuple(gain for gain in found if gain is not None)


def _gain(tuned: RegimeTable, other: RegimeTable, settings: AnalysisSettings) -> Gain | None:
    models = tuple(m for m in tuned.models if m in other.models)
    datasets = tuple(d for d in tuned.datasets if d in other.datasets)
    if not models or not datasets:
        return None
    first, second = (
        np.ix_([t.models.index(m) for m in models], [t.datasets.index(d) for d in datasets])
        for t in (tuned, other)
    )
    a, b = tuned.logits[first], other.logits[second]
    level = settings.level
    return Gain(
        other.regime,
        models,
        datasets,
        a - b,
        100 * (tuned.score[first] - other.score[second]),
        paired_t(a.mean(axis=0), b.mean(axis=0), level=level),
        tuple(paired_t(x, y, level=level) for x, y in zip(a, b, strict=True)),
        tuple(mean_difference(x, y, level=level) for x, y in zip(a.T, b.T, strict=True)),
    )
