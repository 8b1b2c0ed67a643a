"""Compare many models on an old and a new test set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from freshset.core.config import SCALES, CompareSettings, Scale
from freshset.core.frequencies import Frequencies
from freshset.generalization.adaptivity import decompose
from freshset.generalization.comparison import (
    Band,
    Comparison,
    DropSummary,
    Fit,
    ModelRow,
    RankChange,
    RankSummary,
    Score,
)
from freshset.generalization.findings import findings
from freshset.generalization.scores import Scores, gather
from freshset.generalization.selection import Selection, corrected
from freshset.generalization.suspects import suspicious
from freshset.generalization.verdict import decide
from freshset.stats import fits as lines
from freshset.stats.intervals import (
    clopper_pearson,
    expanded_level,
    newcombe_drop,
    percentile_interval,
)
from freshset.stats.ranks import RankChanges, kendall, rank_changes, spearman
from freshset.stats.resampling import binomial_hits, resampled_hits
from freshset.stats.types import BoolArray, Estimate, FloatArray
from freshset.store.base import Store
from freshset.store.parquet import opened

_GRID = 200


def compare(
    store: Store | Path | str,
    old: str,
    new: str,
    settings: CompareSettings | None = None,
    *,
    frequencies: tuple[Frequencies, Frequencies] | None = None,
) -> Comparison:
    """Compare the models that both test sets have.

    Parameters
    ----------
    store
        Where the cells are: a store, or its folder.
    old, new
        Test-set ids or aliases.
    settings
        Metric, exclusions, resampling, seed, level and margin.
    frequencies
        Selection frequencies of the old and of the new set; with them the gap is also estimated at
        equal true frequency, see `freshset.generalization.selection.corrected`.

    Raises
    ------
    UsageError, StoreError
        See `freshset.generalization.scores.gather`.
    DataError
        When the selection frequencies are of other items, or of too few answers.
    """
    settings = settings or CompareSettings()
    store = opened(store)
    scores = gather(store, old, new, settings)
    warnings = (*scores.warnings, *suspicious(scores))
    selection = None
    if frequencies is not None:
        selection, limits = corrected(store, scores, frequencies, settings)
        warnings += limits
    return analyse(replace(scores, warnings=warnings), settings, selection)


def analyse(
    scores: Scores, settings: CompareSettings, selection: Selection | None = None
) -> Comparison:
    """Run every statistic of the comparison on counts (and correctness) already gathered."""
    noise = _item_noise(scores, settings)
    changes = rank_changes(scores.k_old, scores.k_new, noise.old, noise.new, level=settings.level)
    warnings = list(scores.warnings)
    samples: dict[Scale, lines.LineSamples] = {}
    if (reason := _no_line(scores)) is None:
        samples = {scale: _line_samples(scores, noise, scale, settings) for scale in SCALES}
    else:
        warnings.append(f"No line is fitted: {reason}. Intervals resample items.")
    level = _model_level(scores, settings) if samples else settings.level
    fits = {scale: _fit(scores, scale, samples[scale], level) for scale in samples}
    warnings += _fit_warnings(fits, samples)
    if samples and (1 - level) / 2 * len(samples["linear"].slope) < 1:
        warnings.append(
            f"With {len(scores.models)} models the line's interval is the range of its resamples: "
            "more resamples widen it, and more models are what it needs."
        )
    item_drops = _item_drops(scores, noise, settings)
    # Items dominate the mean drop, so its interval needs no expanding where they are resampled too.
    drop_level = level if settings.resample == "models" else settings.level
    drop = _drop_summary(scores, _mean_drops(item_drops, samples, scores, settings), drop_level)
    comparison = Comparison(
        old=scores.old,
        new=scores.new,
        models=tuple(_rows(scores, changes, settings.level)),
        fits=fits,
        drop=drop,
        ranks=_rank_summary(scores, changes),
        gap=decompose(
            scores, _estimate(drop.mean.value, item_drops, settings.level), fits, settings
        ),
        verdict=decide(scores, drop.mean.value, item_drops, settings),
        excluded=scores.excluded,
        warnings=tuple(warnings),
        settings=settings,
        approximate=scores.approximate,
        per_example=scores.per_example,
        touched=scores.touched,
        selection=selection,
    )
    return replace(comparison, findings=findings(comparison))


@dataclass(frozen=True, slots=True)
class _Noise:
    """Accuracies (fractions) in item resamples of each set, shape (resamples, models)."""

    old: FloatArray
    new: FloatArray


def _item_noise(scores: Scores, settings: CompareSettings) -> _Noise:
    # A stream of its own for each purpose: changing one number of resamples moves no other result.
    old, new = scores.hits()
    return _Noise(
        _resampled(old, scores.k_old, scores.n_old, settings, stream=1),
        _resampled(new, scores.k_new, scores.n_new, settings, stream=2),
    )


def _resampled(
    hits: BoolArray | None, k: FloatArray, n: int, settings: CompareSettings, stream: int
) -> FloatArray:
    rng = np.random.default_rng([settings.seed, stream])
    if hits is None:
        return binomial_hits(k, n, settings.item_bootstrap, rng=rng) / n
    return resampled_hits(hits, settings.item_bootstrap, rng=rng) / n


def _no_line(scores: Scores) -> str | None:
    if len(scores.models) < lines.MIN_MODELS:
        count = len(scores.models)
        return f"it takes at least 3 models and there {'is 1' if count == 1 else f'are {count}'}"
    if np.ptp(lines.clip_accuracy(scores.accuracy_old, scores.n_old)) == 0:
        return "all models have the same accuracy on the old set"
    return None


def _line_samples(
    scores: Scores, noise: _Noise, scale: Scale, settings: CompareSettings
) -> lines.LineSamples:
    # The same draws of models on every scale, so that the scales differ in nothing else.
    rng = np.random.default_rng([settings.seed, 3])
    if settings.resample == "models" or not scores.per_example:
        x, y = _on_scale(scores.accuracy_old, scores.accuracy_new, scores, scale)
        return lines.bootstrap_models(x, y, settings.bootstrap, rng=rng)
    x, y = _on_scale(noise.old, noise.new, scores, scale)
    if settings.resample == "items":
        observed = _on_scale(scores.accuracy_old, scores.accuracy_new, scores, scale)
        return lines.bootstrap_items(x, y).reflected(lines.fit_line(*observed))
    return lines.bootstrap_both(x, y, settings.bootstrap, rng=rng)


def _model_level(scores: Scores, settings: CompareSettings) -> float:
    """Level of the intervals that resample models: expanded, or few models would cover too little."""
    if settings.resample == "items" and scores.per_example:
        return settings.level
    return expanded_level(settings.level, len(scores.models))


def _on_scale(
    old: FloatArray, new: FloatArray, scores: Scores, scale: Scale
) -> tuple[FloatArray, FloatArray]:
    if scale != "linear":
        old = lines.clip_accuracy(old, scores.n_old)
        new = lines.clip_accuracy(new, scores.n_new)
    return lines.transform(old, scale), lines.transform(new, scale)


def _fit(scores: Scores, scale: Scale, samples: lines.LineSamples, level: float) -> Fit:
    x, y = _on_scale(scores.accuracy_old, scores.accuracy_new, scores, scale)
    line = lines.fit_line(x, y)
    grid = np.linspace(x.min(), x.max(), _GRID)
    band = lines.band(samples, grid, level=level)
    clipped: tuple[str, ...] = ()
    if scale != "linear":
        k = np.stack([scores.k_old / scores.n_old, scores.k_new / scores.n_new])
        ends = ((k == 0) | (k == 1)).any(axis=0)
        clipped = tuple(np.array(scores.models)[ends].tolist())
    return Fit(
        slope=_estimate(line.slope, samples.slope, level),
        intercept=_estimate(line.intercept, samples.intercept, level),
        r2=line.r2,
        theil_sen_slope=lines.theil_sen(x, y).slope,
        leave_one_out=tuple(lines.leverage_one_out(x, y).tolist()) if x.size > 3 else (),
        band=Band(
            *(
                tuple(lines.inverse(part, scale).tolist())
                for part in (grid, line(grid), band.low, band.high)
            )
        ),
        clipped=clipped,
    )


def _fit_warnings(fits: dict[Scale, Fit], samples: dict[Scale, lines.LineSamples]) -> list[str]:
    out = []
    clipped = sorted({model for fit in fits.values() for model in fit.clipped})
    if clipped:
        out.append(
            "Accuracies of 0 or 1 were clipped to 1/(2n) from the end on the probit and logit "
            f"scales: {', '.join(clipped)}."
        )
    lost = max((s.n_degenerate for s in samples.values()), default=0)
    if lost:
        out.append(f"{lost:,} resamples drew models of one accuracy only and have no line.")
    return out


def _item_drops(scores: Scores, noise: _Noise, settings: CompareSettings) -> FloatArray:
    """Item resamples of the mean drop, percentage points."""
    if scores.per_example:
        return np.asarray(100 * (noise.old - noise.new).mean(axis=1))
    # Counts do not tell how much of their noise the models share; all of it is the safe end.
    rng = np.random.default_rng([settings.seed, 4])
    sides = ((scores.accuracy_old, scores.n_old), (scores.accuracy_new, scores.n_new))
    shared = [100 * np.sqrt(p * (1 - p) / n).mean() for p, n in sides]
    mean = 100 * (scores.accuracy_old - scores.accuracy_new).mean()
    return np.asarray(mean + np.hypot(*shared) * rng.standard_normal(settings.item_bootstrap))


def _mean_drops(
    item_drops: FloatArray,
    samples: dict[Scale, lines.LineSamples],
    scores: Scores,
    settings: CompareSettings,
) -> FloatArray:
    """Resamples of the mean drop, percentage points, over what the settings resample."""
    if "linear" not in samples or settings.resample == "items":
        return item_drops
    over_models = samples["linear"].mean_x - samples["linear"].mean_y
    if settings.resample == "models" or scores.per_example:
        return over_models
    return over_models + np.resize(item_drops - item_drops.mean(), over_models.size)


def _drop_summary(scores: Scores, mean_drops: FloatArray, level: float) -> DropSummary:
    drops = 100 * (scores.accuracy_old - scores.accuracy_new)
    return DropSummary(
        _estimate(float(drops.mean()), mean_drops, level),
        float(drops.min()),
        float(drops.max()),
        float(np.median(drops)),
    )


def _rows(scores: Scores, changes: RankChanges, level: float) -> list[ModelRow]:
    old = clopper_pearson(scores.k_old, scores.n_old, level=level)
    new = clopper_pearson(scores.k_new, scores.n_new, level=level)
    drop = newcombe_drop(scores.k_old, scores.n_old, scores.k_new, scores.n_new, level=level)
    sides = (
        (scores.n_old, scores.k_old, scores.accuracy_old, old),
        (scores.n_new, scores.k_new, scores.accuracy_new, new),
    )
    rows = []
    for i, model in enumerate(scores.models):
        before, after = (
            Score(n, float(k[i]), float(p[i]), float(ci.low[i]), float(ci.high[i]))
            for n, k, p, ci in sides
        )
        moved = 100 * (before.accuracy - after.accuracy)
        rows.append(
            ModelRow(
                model,
                before,
                after,
                Estimate(moved, float(100 * drop.low[i]), float(100 * drop.high[i])),
                _rank(changes, i),
            )
        )
    return rows


def _rank(changes: RankChanges, i: int) -> RankChange:
    return RankChange(
        old=int(changes.old[i]),
        new=int(changes.new[i]),
        change=int(changes.change[i]),
        low=int(changes.low[i]),
        high=int(changes.high[i]),
        tied_old=bool(changes.tied_old[i]),
        tied_new=bool(changes.tied_new[i]),
    )


def _rank_summary(scores: Scores, changes: RankChanges) -> RankSummary:
    return RankSummary(
        spearman(scores.k_old, scores.k_new),
        kendall(scores.k_old, scores.k_new),
        int(np.count_nonzero(changes.change)),
        int(np.count_nonzero(changes.beyond_noise)),
    )


def _estimate(value: float, samples: FloatArray, level: float) -> Estimate:
    interval = percentile_interval(samples, level=level)
    return Estimate(value, float(interval.low), float(interval.high))
