"""Gains against paired tests of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from fakes.transfer_results import simulated, without
from scipy.stats import ttest_rel

from freshset.transfer.analysis.gains import gains
from freshset.transfer.analysis.tables import REGIMES, by_cell, regime_table


def tables(results):
    cells = by_cell(results)
    found = {regime: regime_table(results, cells, regime) for regime in REGIMES}
    return {regime: table for regime, table in found.items() if table is not None}


def test_pairs_over_data_sets(results, fast) -> None:
    by_regime = tables(results)
    over_features, over_scratch = gains(by_regime, fast)
    assert (over_features.over, over_scratch.over) == ("features", "scratch")
    tuned, fixed = by_regime["finetune"].logits, by_regime["features"].logits
    assert over_features.difference == pytest.approx(tuned - fixed)
    test = ttest_rel(tuned.mean(axis=0), fixed.mean(axis=0))
    assert over_features.mean.p == pytest.approx(test.pvalue)
    bounds = test.confidence_interval()
    assert over_features.mean.difference.low == pytest.approx(bounds.low)
    assert over_features.by_model[2].p == pytest.approx(ttest_rel(tuned[2], fixed[2]).pvalue)
    column = ttest_rel(tuned[:, 1], fixed[:, 1]).confidence_interval()
    assert over_features.by_dataset[1].high == pytest.approx(column.high)


def test_only_what_both_regimes_have_is_compared(fast) -> None:
    results = without(
        simulated(4, 4, 1, extras=False), ("net 0", "set-1", "finetune"),
        *((f"net {i}", "set-3", "features") for i in range(4)),
    )  # fmt: skip
    over_features, over_scratch = gains(tables(results), fast)
    assert over_features.models == over_scratch.models == ("net 1", "net 2", "net 3")
    assert over_features.datasets == ("set-0", "set-1", "set-2")
    assert len(over_scratch.datasets) == 4
    expected = [
        [
            next(
                r.score
                for r in results.results
                if (r.model, r.dataset, r.regime) == (m, d, "finetune")
            )
            - next(
                r.score
                for r in results.results
                if (r.model, r.dataset, r.regime) == (m, d, "features")
            )
            for d in over_features.datasets
        ]
        for m in over_features.models
    ]
    assert over_features.points == pytest.approx(100 * np.array(expected))


def test_without_fine_tuning_or_overlap_there_is_no_gain(fast) -> None:
    results = simulated(2, 2, 1, extras=False)
    by_regime = tables(results)
    del by_regime["finetune"]
    assert gains(by_regime, fast) == ()
    apart = without(
        results,
        ("net 0", "set-0", "finetune"), ("net 0", "set-1", "finetune"),
        ("net 1", "set-0", "features"), ("net 1", "set-1", "features"),
    )  # fmt: skip
    assert [gain.over for gain in gains(tables(apart), fast)] == ["scratch"]
