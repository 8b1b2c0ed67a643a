"""Bars of gains with a point for each model."""

from __future__ import annotations

import pytest
from fakes.transfer_results import simulated

from freshset.reports.figures.transfer.gains import gain_figures
from freshset.reports.svg import inline
from freshset.transfer.analysis.analyse import analyse


def test_bars_points_and_numbers(transfer) -> None:
    figures = gain_figures(transfer)
    assert [f.name for f in figures] == ["gain-over-features", "gain-over-scratch"]
    gain = transfer.gains[0]
    page = inline(figures[0], "g")
    assert page.count("<title>") == 8 * 6
    assert "Simulated data" in page
    rows = [tuple(cell.values[0] for cell in row) for row in figures[0].data.rows]
    assert len(rows) == 1 + 5 + 8 + 40
    assert rows[0][:3] == ("mean", "(all)", "")
    assert rows[0][3] == pytest.approx(gain.mean.difference.value)
    assert rows[-1][3] == pytest.approx(gain.difference[-1, -1])
    assert f"all data sets +{gain.mean.difference.value:.2f}" in figures[0].alt


def test_one_model_on_one_data_set_has_no_intervals(fast) -> None:
    figure = gain_figures(analyse(simulated(1, 1, 1, extras=False), fast))[0]
    assert inline(figure, "g").count("<title>") == 2
    assert " to " not in figure.alt
