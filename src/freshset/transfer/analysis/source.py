"""Source accuracy against accuracy after transfer: correlations, the line, families, single data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from freshset.stats.fits import band, bootstrap_models, clip_accuracy, fit_line
from freshset.stats.intervals import expanded_level
from freshset.stats.source_correlation import (
    MIN_MODELS,
    Over,
    SourceCorrelation,
    source_correlation,
    within_families,
)
from freshset.stats.types import FloatArray
from freshset.transfer.analysis.settings import AnalysisSettings
from freshset.transfer.analysis.tables import RegimeTable
from freshset.transfer.results import SourceModel

# Items of a source benchmark whose size is not known; only accuracies of 0 and 1 depend on it.
_MANY = 50_000
_GRID = 60


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Line of mean transfer log odds on source log odds, with its band over models.

    Attributes
    ----------
    slope, intercept
        In log odds.
    x, y, low, high
        The line and its pointwise band on a grid, log odds.
    """

    slope: float
    intercept: float
    x: FloatArray
    y: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True)
class OnDataset:
    """Correlation over models on one data set."""

    dataset: str
    correlation: SourceCorrelation


@dataclass(frozen=True, slots=True)
class SourceRelation:
    """What source accuracy says of accuracy after transfer, in one regime.

    Attributes
    ----------
    models
        Those with a known source accuracy.
    overall
        Correlation with the mean over data sets: by what its interval resamples, ``both`` first; empty
        where there is none.
    within_families
        Correlation that is left within families; nan without two models in one, and where no families
        are given.
    families
        Families of the models above; a model without one is its own.
    by_dataset
        Correlation on each data set, intervals over models.
    line
        Of the mean; ``None`` without a correlation.
    why_not
        Why there is no overall correlation; empty where there is one.
    """

    models: tuple[str, ...]
    overall: tuple[SourceCorrelation, ...]
    within_families: float
    families: int
    by_dataset: tuple[OnDataset, ...]
    line: SourceLine | None
    why_not: str


def source_logits(models: Sequence[SourceModel]) -> FloatArray:
    """Log odds of source accuracies, nan where they are not known, shape (models,)."""
    accuracy = np.array([np.nan if m.accuracy is None else m.accuracy for m in models], dtype=float)
    n = np.array([m.n or _MANY for m in models])
    return np.asarray(special.logit(clip_accuracy(accuracy, n)), dtype=float)


def relate(
    table: RegimeTable, models: Sequence[SourceModel], settings: AnalysisSettings, stream: int
) -> SourceRelation:
    """Relate source accuracy to the scores of one regime.

    Parameters
    ----------
    models
        Those of the table, in its order.
    stream
        Number of the random stream of this regime.
    """
    x = source_logits(models)
    known = np.isfinite(x)
    kept = [m for m, there in zip(models, known, strict=True) if there]
    names = tuple(m.name for m in kept)
    x, y = x[known], table.logits[known]
    families = [m.family or f"\0{m.name}" for m in kept]
    out = SourceRelation(names, (), float("nan"), len(set(families)), (), None, "")
    if why := _too_few(len(kept), len(models)):
        return replace(out, why_not=why)
    if np.ptp(x) == 0:
        return replace(out, why_not="All models have one source accuracy.")
    out = replace(
        out,
        by_dataset=tuple(
            OnDataset(id, _correlate(x, y[:, [j]], "models", settings, (stream, 1, j)))
            for j, id in enumerate(table.datasets)
        ),
    )
    if y.shape[1] < 2:
        return replace(
            out,
            why_not="One data set says nothing of others: there is no correlation with a mean over "
            "data sets.",
        )
    overs: tuple[Over, ...] = ("both", "models", "datasets")
    return replace(
        out,
        overall=tuple(_correlate(x, y, over, settings, (stream, 2)) for over in overs),
        within_families=within_families(x, y, families),
        line=_line(x, y.mean(axis=1), settings, stream),
    )


def _too_few(known: int, all: int) -> str:
    if known >= MIN_MODELS:
        return ""
    count = "One model has" if known == 1 else f"{known or 'No'} models have"
    where = "" if known == all else ", with a source accuracy that is known"
    return f"{count} results{where}: a correlation takes at least {MIN_MODELS}."


def _correlate(
    x: FloatArray, y: FloatArray, over: Over, settings: AnalysisSettings, stream: tuple[int, ...]
) -> SourceCorrelation:
    return source_correlation(
        x, y, rng=settings.rng(*stream), over=over, n_resamples=settings.resamples,
        level=settings.level,
    )  # fmt: skip


def _line(x: FloatArray, y: FloatArray, settings: AnalysisSettings, stream: int) -> SourceLine:
    line = fit_line(x, y)
    samples = bootstrap_models(x, y, settings.resamples, rng=settings.rng(stream, 3))
    room = 0.03 * float(np.ptp(x))
    grid = np.linspace(x.min() - room, x.max() + room, _GRID)
    bounds = band(samples, grid, level=expanded_level(settings.level, len(x)))
    return SourceLine(line.slope, line.intercept, grid, line(grid), bounds.low, bounds.high)
