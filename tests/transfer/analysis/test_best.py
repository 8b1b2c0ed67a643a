"""Tests against the best on each data set, with the answers that are really compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes.transfer_results import simulated
from scipy.stats import binomtest

from freshset.transfer.analysis.best import best_of_datasets
from freshset.transfer.analysis.tables import by_cell


def test_each_metric_has_its_test(results, fast) -> None:
    found = best_of_datasets(results, by_cell(results), "finetune", fast, 1)
    assert [one.found.test for one in found] == ["mcnemar", "per-class", "multilabel", "mcnemar"]
    assert all(set(one.seeds) == {0} for one in found)
    again = best_of_datasets(results, by_cell(results), "finetune", fast, 1)
    assert np.array_equal(found[1].found.p, again[1].found.p)
    labels = results.datasets[0].labels
    right = {
        r.model: r.predictions == labels
        for r in results.results
        if (r.dataset, r.regime, r.seed) == ("set-0", "finetune", 0)
    }
    best = right[found[0].models[found[0].found.best]]
    for model, p in zip(found[0].models, found[0].found.p, strict=True):
        up, down = int((best & ~right[model]).sum()), int((right[model] & ~best).sum())
        assert p == pytest.approx(binomtest(up, up + down).pvalue if up + down else 1)


def test_decisions_that_do_not_count_change_nothing(fast) -> None:
    results = simulated(4, 1, 1, extras=False, metrics=("map11",))
    ignored = results.datasets[0].ignored
    assert ignored is not None
    turned = replace(
        results,
        results=tuple(
            replace(r, predictions=np.where(ignored, ~r.predictions, r.predictions))
            for r in results.results
        ),
    )
    one, other = (
        best_of_datasets(r, by_cell(r), "scratch", fast, 2)[0].found for r in (results, turned)
    )
    assert np.array_equal(one.p, other.p)
    counted = replace(results, datasets=(replace(results.datasets[0], ignored=None),))
    third = best_of_datasets(counted, by_cell(counted), "scratch", fast, 2)[0].found
    assert not np.array_equal(one.score, third.score)


def test_the_lowest_seed_that_all_have_is_compared(fast) -> None:
    results = simulated(3, 1, 3, extras=False)
    kept = replace(
        results, results=tuple(r for r in results.results if (r.model, r.seed) != ("net 1", 0))
    )
    assert best_of_datasets(kept, by_cell(kept), "features", fast, 0)[0].seeds == (1, 1, 1)
    apart = replace(
        results,
        results=tuple(r for r in results.results if r.seed == int(r.model[-1])),
    )
    assert best_of_datasets(apart, by_cell(apart), "features", fast, 0)[0].seeds == (0, 1, 2)
    alone = simulated(1, 2, 1, extras=False)
    assert best_of_datasets(alone, by_cell(alone), "features", fast, 0) == ()
