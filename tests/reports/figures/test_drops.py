from __future__ import annotations

from freshset.reports.figures import drops


def test_zero_and_mean_are_there(comparison):
    figure = drops(comparison)
    axes = figure.canvas.axes[0]
    low, high = axes.get_ylim()
    assert low < 0 < high
    heights = {line.get_ydata()[0] for line in axes.lines}
    assert {0, comparison.drop.mean.value} <= heights
    assert max(row.drop.high for row in comparison.models) < high


def test_alt_and_data(comparison):
    figure = drops(comparison)
    beyond = sum(row.drop.low > 0 or row.drop.high < 0 for row in comparison.models)
    assert f"The interval excludes no drop for {beyond} of 25." in figure.alt
    values = [row[2].values[0] for row in figure.data.rows]
    assert values == [row.drop.value for row in comparison.models]


def test_one_model(make_comparison):
    assert "for 1 model:" in drops(make_comparison(1)).alt
