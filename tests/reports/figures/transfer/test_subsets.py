"""Scores against the number of training images."""

from __future__ import annotations

import pytest
from fakes.transfer_results import simulated

from freshset.reports.figures.base import to_svg
from freshset.reports.figures.transfer.subsets import subsets
from freshset.transfer.analysis.analyse import analyse


def test_points_errors_and_numbers(transfer) -> None:
    figure = subsets(transfer)
    assert figure is not None
    svg = to_svg(figure)
    for word in ("Set 0", "fixed features", "training from scratch", "Training images"):
        assert word in svg
    rows = [tuple(cell.values[0] for cell in row) for row in figure.data.rows]
    assert len(rows) == 5 * 3 * 4
    first = transfer.subsets.points[0]
    assert rows[0][4:] == (pytest.approx(first.mean), pytest.approx(first.error), 3)
    assert "standard errors over 3 random subsets" in figure.alt
    assert figure.alt.startswith("Simulated data.")


def test_without_subsets_there_is_no_figure(fast) -> None:
    assert subsets(analyse(simulated(1, 1, 1, extras=False), fast)) is None
