"""Curves of training, one panel a pair of model and data set."""

from __future__ import annotations

from dataclasses import replace

from fakes.transfer_results import simulated

from freshset.reports.figures.base import to_svg
from freshset.reports.figures.transfer.convergence import convergence
from freshset.transfer.analysis.analyse import analyse


def test_curves_and_numbers(transfer) -> None:
    figure = convergence(transfer)
    assert figure is not None
    svg = to_svg(figure)
    for word in ("Set 0", "Set 4", "fine-tuning", "first within 0.1 log odds", "Training steps"):
        assert word in svg
    rows = [tuple(cell.values[0] for cell in row) for row in figure.data.rows]
    assert len(rows) == 5 * 2 * 6
    assert sum(bool(row[-1]) for row in rows) == 10
    assert "Each point is a training run of its own" in figure.alt
    assert "10.0 times as many" in figure.alt


def test_nothing_and_curves_along_runs(fast) -> None:
    results = simulated(2, 1, 1, extras=False)
    assert convergence(analyse(results, fast)) is None
    curved = replace(
        results, results=tuple(replace(r, curve=((10, 0.5), (20, 0.6))) for r in results.results)
    )
    figure = convergence(analyse(curved, fast))
    assert figure is not None
    assert "along one training run each" in figure.alt
    assert "Set 0, net 1" in to_svg(figure)


def test_many_pairs_are_cut_and_said(fast) -> None:
    results = simulated(9, 2, 1, n=50, extras=False)
    curved = replace(
        results, results=tuple(replace(r, curve=((10, 0.5), (20, 0.6))) for r in results.results)
    )
    figure = convergence(analyse(curved, fast))
    assert figure is not None
    assert "18 pairs" in figure.alt
    assert "2 of them are in the data of the figure only" in figure.alt
