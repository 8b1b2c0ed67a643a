"""What all figures of transfer studies share."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit

from freshset.reports.figures import style
from freshset.reports.figures.transfer import panels


def test_axes_of_log_odds_are_labelled_in_percent() -> None:
    with style.styled():
        _, axes = style.canvas()
        axes.set_xlim(*logit([0.6, 0.95]))
        axes.set_ylim(0, 1)
        panels.percent_of_logits(axes, x=True, wanted=5)
    shown = [t.get_text() for t in axes.get_xticklabels()]
    assert {"70", "80", "90"} <= set(shown)
    places = np.array([float(s) / 100 for s in shown])
    assert axes.get_xticks() == pytest.approx(logit(places))


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (3, 1), (4, 1), (5, 2), (12, 3)])
def test_grids(count: int, rows: int) -> None:
    with style.styled():
        canvas, axes = panels.grid(count, simulated=True)
        panels.label_outer(axes, "x", "y")
    assert len(axes) == count
    assert canvas.get_suptitle() == "Simulated data"
    assert sum(a.get_ylabel() == "y" for a in axes) == rows
    assert sum(a.get_xlabel() == "x" for a in axes) == min(count, 4)
    with style.styled():
        assert panels.grid(1, simulated=False)[0].get_suptitle() == ""


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([10, 30, 100, 300, 1000, 3000], ["10", "100", "1,000"]),
        ([5, 10, 20, 40], ["5", "10", "20", "40"]),
        ([20, 100, 200], ["20", "100", "200"]),
        ([50], ["50"]),
    ],
)
def test_counts_are_written_in_full_where_there_are_some(values, shown) -> None:
    with style.styled():
        _, axes = style.canvas()
        panels.logarithmic(axes, values)
        found = [t.get_text() for t in axes.get_xticklabels()]
    assert len(found) >= len(shown)
    assert set(shown) <= set(found)
    assert {float(text.replace(",", "")) for text in found} <= set(values)


def test_long_titles_are_cut() -> None:
    with style.styled():
        _, axes = style.canvas()
        panels.panel_title(axes, "x" * 50)
    assert len(axes.get_title()) == 30
