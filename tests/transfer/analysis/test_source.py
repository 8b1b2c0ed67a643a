"""Relations to source accuracy against numpy, and the cases in which there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes.transfer_results import simulated
from scipy.special import logit

from freshset.transfer.analysis.source import relate, source_logits
from freshset.transfer.analysis.tables import by_cell, regime_table


def made(results, fast, models=None):
    table = regime_table(results, by_cell(results), "finetune")
    return table, relate(table, models or results.models, fast, 1)


def test_correlation_line_and_single_data_sets(results, fast) -> None:
    table, found = made(results, fast)
    x = logit([m.accuracy for m in results.models])
    mean = table.logits.mean(axis=1)
    assert [one.over for one in found.overall] == ["both", "models", "datasets"]
    for one in found.overall:
        assert one.r.value == pytest.approx(np.corrcoef(x, mean)[0, 1])
        assert one.r.low < one.r.value < one.r.high
    for j, one in enumerate(found.by_dataset):
        assert one.dataset == table.datasets[j]
        assert one.correlation.r.value == pytest.approx(np.corrcoef(x, table.logits[:, j])[0, 1])
    slope, intercept = np.polyfit(x, mean, 1)
    assert (found.line.slope, found.line.intercept) == pytest.approx((slope, intercept))
    assert ((found.line.low < found.line.y) & (found.line.y < found.line.high)).all()
    assert found.families == 3
    assert np.isfinite(found.within_families)
    assert found.why_not == ""


def test_models_without_a_source_accuracy_are_not_correlated(results, fast) -> None:
    models = tuple(replace(m, accuracy=None) if i > 4 else m for i, m in enumerate(results.models))
    _, found = made(results, fast, models)
    assert found.models == tuple(m.name for m in results.models[:5])
    assert found.overall[0].n_models == 5
    few = tuple(replace(m, accuracy=None) if i > 1 else m for i, m in enumerate(results.models))
    _, found = made(results, fast, few)
    assert found.overall == found.by_dataset == ()
    assert found.why_not.startswith("2 models have results, with a source accuracy that is known")


def test_there_is_no_correlation_with_one_of_anything(fast, results) -> None:
    _, one_model = made(simulated(1, 3, 1, extras=False), fast)
    assert one_model.why_not == "One model has results: a correlation takes at least 3."
    _, one_dataset = made(simulated(6, 1, 1, extras=False), fast)
    assert "One data set says nothing of others" in one_dataset.why_not
    assert one_dataset.overall == ()
    assert one_dataset.line is None
    assert len(one_dataset.by_dataset) == 1
    same = tuple(replace(m, accuracy=0.7) for m in results.models)
    assert made(results, fast, same)[1].why_not == "All models have one source accuracy."


def test_perfect_models_stay_finite() -> None:
    models = simulated(2, 1, 1, extras=False).models
    found = source_logits(
        [replace(models[0], accuracy=1.0, n=100), replace(models[1], accuracy=None)]
    )
    assert found[0] == pytest.approx(np.log(199))
    assert np.isnan(found[1])


def test_models_of_no_family_are_families_of_their_own(results, fast) -> None:
    models = tuple(replace(m, family="") for m in results.models)
    _, found = made(results, fast, models)
    assert found.families == len(models)
    assert np.isnan(found.within_families)
