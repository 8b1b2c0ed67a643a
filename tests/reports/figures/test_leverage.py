from __future__ import annotations

import numpy as np
import pytest

from freshset.reports.figures import leverage


def test_slopes_without_each_model(comparison):
    figure = leverage(comparison)
    fit = comparison.fits["linear"]
    assert [row[2].values[0] for row in figure.data.rows] == list(fit.leave_one_out)
    worst = int(np.argmax(np.abs(np.array(fit.leave_one_out) - fit.slope.value)))
    assert comparison.models[worst].model in figure.alt
    assert f"{fit.leave_one_out[worst]:.3f}" in figure.alt
    low, high = figure.canvas.axes[0].get_ylim()
    assert low < fit.slope.low < fit.slope.high < high


@pytest.mark.parametrize("models", [2, 3])
def test_too_few_models(models, make_comparison):
    with pytest.raises(ValueError, match="at least 4 models"):
        leverage(make_comparison(models))
