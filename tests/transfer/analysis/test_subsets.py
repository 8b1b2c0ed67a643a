"""Subsets by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes.transfer_results import simulated

from freshset.transfer.analysis.subsets import subset_sizes
from freshset.transfer.results import SubsetResult


def made(fixed: dict[int, list[float]], tuned: dict[int, list[float]]):
    rows = [
        SubsetResult("net 0", "set-0", regime, n, draw, score)
        for regime, sizes in (("features", fixed), ("finetune", tuned))
        for n, scores in sizes.items()
        for draw, score in enumerate(scores)
    ]
    return subset_sizes(replace(simulated(1, 1, 1, extras=False), subsets=tuple(rows)))


def test_means_errors_and_where_regimes_cross() -> None:
    found = made(
        {10: [0.2, 0.3, 0.4], 40: [0.5], 160: [0.6, 0.6]}, {160: [0.8], 10: [0.1], 40: [0.5]}
    )
    assert found is not None
    first = next(p for p in found.points if (p.regime, p.n) == ("features", 10))
    assert (first.mean, first.draws) == (pytest.approx(0.3), 3)
    assert first.error == pytest.approx(np.std([0.2, 0.3, 0.4], ddof=1) / np.sqrt(3))
    assert np.isnan(next(p for p in found.points if p.draws == 1).error)
    (crossing,) = found.crossings
    assert (crossing.features_to, crossing.tuned_from) == (40, 160)


@pytest.mark.parametrize(
    ("tuned", "features_to", "tuned_from"),
    [((0.1, 0.1, 0.1), 160, 0), ((0.9, 0.9, 0.9), 0, 10), ((0.1, 0.9, 0.1), 10, 0),
     ((0.9, 0.1, 0.9), 0, 160)],
)  # fmt: skip
def test_crossings(tuned, features_to: int, tuned_from: int) -> None:
    sizes = (10, 40, 160)
    found = made({n: [0.5] for n in sizes}, {n: [p] for n, p in zip(sizes, tuned, strict=True)})
    assert found is not None
    assert (found.crossings[0].features_to, found.crossings[0].tuned_from) == (
        features_to,
        tuned_from,
    )


def test_without_subsets_or_with_one_regime() -> None:
    assert subset_sizes(simulated(1, 1, 1, extras=False)) is None
    found = made({10: [0.5]}, {})
    assert found is not None
    assert found.crossings == ()
