"""Rankings by scores against scipy's weighted tau."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes.transfer_results import simulated
from scipy.stats import weightedtau

from freshset.transfer.analysis.rankings import rank_scores
from freshset.transfer.analysis.tables import by_cell, regime_table


def test_orders_and_regret(results, fast) -> None:
    table = regime_table(results, by_cell(results), "finetune")
    found = rank_scores(results.scores, {"finetune": table}, fast)
    assert [(one.score, one.regime) for one in found] == [
        ("leep", "finetune"),
        ("logme", "finetune"),
    ]
    logme = found[1]
    tau, regret = [], []
    for j, dataset in enumerate(table.datasets):
        value = np.array([results.scores[m, dataset]["logme"] for m in table.models])
        tau.append(weightedtau(value, table.score[:, j]).statistic)
        regret.append(table.score[:, j].max() - table.score[value.argmax(), j])
    assert [one.weighted.value for one in logme.rankings] == pytest.approx(tau)
    assert logme.mean.value == pytest.approx(np.mean(tau))
    assert logme.regret == pytest.approx(100 * np.mean(regret))


def test_scores_of_too_few_models_or_of_one_value_are_left_out(fast) -> None:
    results = simulated(5, 2, 1, extras=False)
    table = regime_table(results, by_cell(results), "features")
    some = {
        (f"net {i}", "set-0"): {"logme": float(i), "leep": 1.0} for i in range(5)
    } | {("net 0", "set-1"): {"logme": 1.0}, ("net 1", "set-1"): {"logme": float("nan")}}  # fmt: skip
    found = rank_scores(some, {"features": table}, fast)
    assert [(one.score, one.datasets) for one in found] == [("logme", ("set-0",))]
    assert np.isnan(found[0].mean.low)
    assert rank_scores({}, {"features": table}, fast) == ()


def test_intervals_need_three_data_sets_and_stay_correlations(fast) -> None:
    for datasets in (2, 3):
        results = simulated(4, datasets, 1, extras=False)
        table = regime_table(results, by_cell(results), "features")
        for one in rank_scores(results.scores, {"features": table}, fast):
            assert np.isfinite(one.mean.low) == (datasets == 3)
            if datasets == 3:
                assert -1 <= one.mean.low <= one.mean.value <= one.mean.high <= 1


def test_training_from_scratch_is_not_what_scores_are_about(fast) -> None:
    results = simulated(5, 2, 1, extras=False)
    table = regime_table(results, by_cell(results), "features")
    assert rank_scores(results.scores, {"scratch": replace(table, regime="scratch")}, fast) == ()
