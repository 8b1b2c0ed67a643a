"""How much the line hangs on single models: its slope without each of them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from freshset.generalization.comparison import Comparison
from freshset.reports.figures import style
from freshset.reports.figures.axes import spans
from freshset.reports.figures.base import Figure, Marks, axis_title, label
from freshset.reports.figures.labels import place
from freshset.reports.table import Table, number, plain
from freshset.stats.types import Estimate, FloatArray

_LABELLED = 5


@style.styled()
def leverage(comparison: Comparison) -> Figure:
    """Draw the slope of the linear line without each model, with the full slope and its interval.

    Raises
    ------
    ValueError
        When the comparison has no leave-one-out slopes (fewer than 4 models, or no line).
    """
    fit = comparison.fits.get("linear")
    if fit is None or not fit.leave_one_out:
        raise ValueError("leave-one-out slopes take a line and at least 4 models")
    rows = comparison.models
    slope = np.array(fit.leave_one_out)
    kept = np.flatnonzero(np.isfinite(slope))
    x, y = spans([row.old for row in rows], "linear")[0][kept], slope[kept]
    canvas, axes = style.canvas(7.2, 3.8)
    _reference(axes, comparison, fit.slope)
    style.points(axes, x, y, gid="models", colour=style.MARK, size=style.mark_size(len(rows)))
    bottom, top = min(y.min(), fit.slope.low), max(y.max(), fit.slope.high)
    # Air for the legend above the marks.
    axes.set_ylim(style.padded(bottom, top + 0.2 * (top - bottom), 0.06))
    axes.set_xlim(style.padded(x.min(), x.max()))
    axes.set_xlabel(f"{axis_title(comparison, 'old')} (%) of the model left out")
    axes.set_ylabel("Slope without the model")
    axes.legend(loc="upper right", ncols=2, handlelength=2.2)
    far = np.argsort(-np.abs(y - fit.slope.value), kind="stable")
    place(axes, x, y, [(int(i), rows[kept[i]].model) for i in far[:_LABELLED]],
          avoid=[(axes.get_xlim(), [fit.slope.value] * 2)])  # fmt: skip
    titles = tuple(
        f"{label(rows[i].model, 200)}\nslope without it {slope[i]:.4f}\n"
        f"slope of all models {fit.slope.value:.4f}"
        for i in kept
    )
    return Figure(
        "leverage",
        "Leave-one-out leverage of the line",
        _alt(fit.slope, y, rows[kept[far[0]]].model),
        canvas,
        _data(comparison, slope, fit.slope),
        (Marks("models", titles),),
    )


def _reference(axes: Axes, comparison: Comparison, full: Estimate) -> None:
    level = f"{100 * comparison.settings.level:g} %"
    axes.axhline(
        full.value, color=style.STRONG, linewidth=1.2, zorder=2,
        label=f"slope of all models, {full.value:.3f}",
    )  # fmt: skip
    axes.axhspan(
        full.low, full.high, color=style.STRONG, alpha=0.14, linewidth=0, zorder=1,
        label=f"its {level} interval [{full.low:.2f}, {full.high:.2f}]",
    )  # fmt: skip


def _alt(full: Estimate, slopes: FloatArray, worst: str) -> str:
    far = slopes[np.argmax(np.abs(slopes - full.value))]
    return (
        f"Slope of the line on the linear scale when one of {slopes.size:,} models is left out: "
        f"from {number(slopes.min(), 3)} to {number(slopes.max(), 3)}, against {full.value:.3f} "
        f"({full.low:.3f} to {full.high:.3f}) with all. It moves most without {label(worst, 200)}, "
        f"to {far:.3f}."
    )


def _data(comparison: Comparison, slope: FloatArray, full: Estimate) -> Table:
    return plain(
        "leverage",
        ("model", "old_accuracy_fraction", "slope_without_model", "slope_of_all_models"),
        [
            (row.model, row.old.accuracy, float(value), full.value)
            for row, value in zip(comparison.models, slope, strict=True)
        ],
    )
