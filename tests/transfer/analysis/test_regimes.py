"""Means and bars of a regime by their definition."""

from __future__ import annotations

import numpy as np
import pytest
from fakes.transfer_results import simulated
from scipy.stats import t as student

from freshset.transfer.analysis.regimes import analyse_regime
from freshset.transfer.analysis.tables import by_cell


def test_morey_bars_by_their_definition(results, fast) -> None:
    found = analyse_regime(results, by_cell(results), "features", fast)
    assert found is not None
    assert found.regime == "features"
    x = found.table.logits
    models, datasets = x.shape
    free = x - x.mean(axis=0) + x.mean()
    error = free.std(axis=1, ddof=1) / np.sqrt(datasets) * np.sqrt(models / (models - 1))
    assert found.means.error == pytest.approx(error)
    half = student.ppf(0.975, datasets - 1) * error
    assert found.high - found.means.mean == pytest.approx(half)
    assert found.agreement is not None
    assert found.best_mean is not None
    assert found.best_mean.best == int(x.mean(axis=1).argmax())


def test_parts_that_need_several_are_absent(fast) -> None:
    one = simulated(1, 3, 1, extras=False)
    found = analyse_regime(one, by_cell(one), "scratch", fast)
    assert found is not None
    assert found.agreement is found.best_mean is None
    assert np.isnan(found.low).all()
    two = simulated(2, 3, 1, extras=False)
    found = analyse_regime(two, by_cell(two), "scratch", fast)
    assert found is not None
    assert found.agreement is None
    assert found.best_mean is not None
    assert analyse_regime(two, {}, "scratch", fast) is None
