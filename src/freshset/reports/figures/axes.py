"""Axes of accuracies: percent on a linear or a probit scale."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from freshset.generalization.comparison import Score
from freshset.stats.fits import Scale, clip_accuracy, transform
from freshset.stats.types import FloatArray

Axis = Literal["linear", "probit"]

_STEPS = (10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)


def on_axis(accuracy: npt.ArrayLike, scale: Axis, n: int = 10**6) -> FloatArray:
    """Return where accuracies (fractions) lie: percent, or probits with the ends clipped by n."""
    values = np.asarray(accuracy, dtype=float)
    return transform(values if scale == "linear" else clip_accuracy(values, n), scale)


def spans(scores: list[Score], scale: Axis) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return position, lower and upper end of each score on the axis, each of shape (models,)."""
    n = max(score.n for score in scores)
    value, low, high = (
        on_axis([getattr(score, part) for score in scores], scale, n)
        for part in ("accuracy", "low", "high")
    )
    return value, low, high


def percent_ticks(
    low: float, high: float, *, wanted: int = 7, scale: Scale = "probit"
) -> list[float]:
    """Choose round percentages for an axis from ``low`` to ``high``, in units of its scale.

    Rounder numbers come first, and none comes too close to one that is there.
    """
    apart = (high - low) / (wanted + 3)
    chosen: list[float] = []
    for step in _STEPS:
        percents = step * np.arange(1, round(100 / step))
        for percent, where in zip(percents, transform(percents / 100, scale), strict=True):
            inside = low <= where <= high
            taken = [float(transform(other / 100, scale)) for other in chosen]
            if inside and all(abs(where - other) >= apart for other in taken):
                chosen.append(round(float(percent), 2))
        if len(chosen) >= wanted - 1:
            break
    return sorted(chosen)


def percent_axes(axes: Axes, scale: Axis, x_title: str, y_title: str) -> None:
    """Label both axes in percent; call it when the limits are set."""
    how = "%" if scale == "linear" else "%, probit scale"
    axes.set_xlabel(f"{x_title} ({how})")
    axes.set_ylabel(f"{y_title} ({how})")
    if scale == "linear":
        return
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        ticks = percent_ticks(low, high)
        axis.set_ticks(
            transform(np.array(ticks) / 100, "probit").tolist(), [f"{tick:g}" for tick in ticks]
        )
