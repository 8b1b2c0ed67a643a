from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from freshset.reports.figures import style
from freshset.reports.figures.axes import on_axis, percent_axes, percent_ticks, spans


def test_positions():
    assert on_axis([0.5, 0.9], "linear").tolist() == [50, 90]
    assert on_axis([0.5], "probit").tolist() == [0]
    ends = on_axis([0, 1], "probit", 100)
    assert ends.tolist() == pytest.approx(special.ndtri([0.005, 0.995]).tolist())


def test_spans_hold_their_value(perfect):
    value, low, high = spans([row.new for row in perfect.models], "probit")
    assert np.isfinite([value, low, high]).all()
    assert (low <= value).all()
    assert (value <= high).all()


@pytest.mark.parametrize(
    ("low", "high"), [(0.8, 0.98), (0.05, 0.9), (0.001, 0.999), (0.7, 0.72), (0.985, 0.999)]
)
def test_ticks_are_round_apart_and_enough(low, high):
    ends = special.ndtri([low, high])
    ticks = percent_ticks(*ends)
    assert 4 <= len(ticks) <= 11
    assert all(100 * low - 1e-9 <= tick <= 100 * high + 1e-9 for tick in ticks)
    gaps = np.diff(special.ndtri(np.array(ticks) / 100))
    assert gaps.min() >= (ends[1] - ends[0]) / 10 - 1e-9


def test_ticks_of_other_scales():
    ticks = percent_ticks(*special.logit([0.05, 0.9]), scale="logit")
    assert {10, 50, 90} <= set(ticks)
    assert np.diff(special.logit(np.array(ticks) / 100)).min() > 0.4


def test_probit_axes_are_labelled_in_percent():
    with style.styled():
        _, axes = style.canvas()
        axes.set_xlim(*special.ndtri([0.5, 0.95]))
        axes.set_ylim(*special.ndtri([0.4, 0.9]))
        percent_axes(axes, "probit", "x", "y")
    assert [t.get_text() for t in axes.get_xticklabels()][-1] == "95"
    assert axes.get_xlabel() == "x (%, probit scale)"
