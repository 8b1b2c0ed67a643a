from __future__ import annotations

from dataclasses import replace

import numpy as np

from freshset.reports.figures import ranks
from freshset.reports.figures.base import to_svg
from freshset.reports.figures.ranks import _spread


def moved(comparison, index, change, *, noise):
    """The comparison with one rank change set by hand."""
    rows = list(comparison.models)
    low, high = (change - 50, change + 50) if noise else (change, change)
    rows[index] = replace(
        rows[index], rank=replace(rows[index].rank, change=change, low=low, high=high)
    )
    return replace(comparison, models=tuple(rows))


def names(axes):
    return [text.get_text() for text in axes.get_yticklabels()]


def test_a_slope_chart_names_every_model(comparison):
    figure = ranks(comparison)
    left, right = figure.canvas.axes
    assert len(names(left)) == len(names(right)) == 25
    assert [m.gid for m in figure.marks] == ["ranks-old", "ranks-new"]


def test_of_many_only_those_beyond_noise_are_named(make_comparison):
    comparison = make_comparison(60, per_example=False)
    quiet = moved(comparison, 0, 0, noise=True)
    for i in range(60):
        quiet = moved(quiet, i, 0, noise=True)
    loud = moved(quiet, 7, 5, noise=False)
    assert names(ranks(quiet).canvas.axes[0]) == []
    (name,) = names(ranks(loud).canvas.axes[0])
    assert loud.models[7].model in name
    assert loud.models[7].model in ranks(loud).alt


def test_too_many_for_lines_become_points(make_comparison):
    comparison = make_comparison(200, per_example=False)
    figure = ranks(comparison)
    assert len(figure.canvas.axes) == 1
    assert sum(len(m.titles) for m in figure.marks) == 200
    assert "above the line: moved up" in to_svg(figure)


def test_names_are_spread_within_the_limits():
    at = np.array([1.0, 1, 1, 9, 10, 10])
    out = _spread(at, 1, 0.5, 10.5)
    assert np.diff(out).min() >= 1 - 1e-9
    assert out.min() >= 0.5
    assert out.max() <= 10.5
    assert _spread(np.empty(0), 1, 0, 1).size == 0
