from __future__ import annotations

import pytest

from freshset.reports.figures import scatter
from freshset.reports.figures.base import to_svg


@pytest.mark.parametrize("scale", ["linear", "probit"])
def test_line_band_and_alt(scale, comparison):
    figure = scatter(comparison, scale)
    fit = comparison.fits[scale]
    assert (
        f"slope {fit.slope.value:.2f} ({fit.slope.low:.2f} to {fit.slope.high:.2f})" in figure.alt
    )
    assert "25 of 25 lie below" in figure.alt
    series = [row[0].values[0] for row in figure.data.rows]
    assert series.count("model") == 25
    assert series.count("line") == len(fit.band.x) == 200
    svg = to_svg(figure)
    assert "equal scores (y = x)" in svg
    assert "95 % band of the line" in svg


def test_data_are_the_numbers(comparison):
    first = [cell.values[0] for cell in scatter(comparison).data.rows[0]]
    row = comparison.models[0]
    assert first == [
        "model", row.model, row.old.accuracy, row.old.low, row.old.high, row.new.accuracy,
        row.new.low, row.new.high,
    ]  # fmt: skip


@pytest.mark.parametrize("models", [1, 2])
def test_no_line_below_three_models(models, make_comparison):
    figure = scatter(make_comparison(models), "probit")
    assert "slope" not in figure.alt
    assert "band" not in to_svg(figure)
    assert len(figure.data.rows) == models


def test_few_models_are_all_named_and_many_are_not(make_comparison):
    few = scatter(make_comparison(5))
    assert len(few.canvas.axes[0].texts) == 5
    many = scatter(make_comparison(300, per_example=False, n=2000))
    assert 1 <= len(many.canvas.axes[0].texts) <= 5
