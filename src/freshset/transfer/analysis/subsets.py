"""Accuracy against the number of training images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from freshset.transfer.results import Regime, TransferResults


@dataclass(frozen=True, slots=True)
class SubsetPoint:
    """Results of one model and regime on random subsets of one size.

    Attributes
    ----------
    n
        Training images.
    mean, error
        Score and its standard error over subsets, fractions; the error is nan for one subset.
    draws
        Subsets.
    """

    model: str
    dataset: str
    regime: Regime
    n: int
    mean: float
    error: float
    draws: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where fine-tuning overtakes fixed features, on one data set.

    Attributes
    ----------
    features_to
        Largest size up to which fixed features are at least as good at every size; 0 for none.
    tuned_from
        Smallest size from which fine-tuning is better at every size; 0 for none.
    sizes
        Sizes that both regimes have.
    """

    model: str
    dataset: str
    features_to: int
    tuned_from: int
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SubsetSizes:
    """Points in the order of the study, and where regimes cross."""

    points: tuple[SubsetPoint, ...]
    crossings: tuple[Crossing, ...]


def subset_sizes(results: TransferResults) -> SubsetSizes | None:
    """Means over subsets; ``None`` without any."""
    found: dict[tuple[str, str, Regime, int], list[float]] = {}
    for one in results.subsets:
        found.setdefault((one.model, one.dataset, one.regime, one.n), []).append(one.score)
    if not found:
        return None
    points = tuple(
        SubsetPoint(
            *key,
            float(np.mean(scores)),
            float(np.std(scores, ddof=1)) / sqrt(len(scores)) if len(scores) > 1 else float("nan"),
            len(scores),
        )
        for key, scores in sorted(found.items(), key=lambda item: item[0][3])
    )
    pairs = dict.fromkeys((p.model, p.dataset) for p in points)
    crossings = (_crossing(model, dataset, points) for model, dataset in pairs)
    return SubsetSizes(points, tuple(c for c in crossings if c.sizes))


def _crossing(model: str, dataset: str, points: Sequence[SubsetPoint]) -> Crossing:
    mine = [p for p in points if (p.model, p.dataset) == (model, dataset)]
    fixed, tuned = (
        {p.n: p.mean for p in mine if p.regime == regime} for regime in ("features", "finetune")
    )
    sizes = tuple(sorted(fixed.keys() & tuned.keys()))
    ahead = [n for n in sizes if tuned[n] > fixed[n]]
    behind = [n for n in sizes if tuned[n] <= fixed[n]]
    to = max((n for n in sizes if n < min(ahead, default=n + 1)), default=0)
    from_ = min((n for n in sizes if n > max(behind, default=n - 1)), default=0)
    return Crossing(model, dataset, to, from_, sizes)
