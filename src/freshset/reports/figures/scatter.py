"""Figure 1: new accuracy against old, with the line, its band and the line of equal scores."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from freshset.core.identifiers import testset_title
from freshset.generalization.comparison import Comparison, Fit
from freshset.reports.figures import style
from freshset.reports.figures.axes import Axis, on_axis, percent_axes, spans
from freshset.reports.figures.base import Figure, Marks, axis_title, describe
from freshset.reports.figures.labels import place, unique
from freshset.reports.table import Table, Value, number, plain
from freshset.stats.types import FloatArray

_FEW = 8


@style.styled()
def scatter(comparison: Comparison, scale: Axis = "linear") -> Figure:
    """Draw every model's accuracy on the new set against that on the old.

    Parameters
    ----------
    scale
        Of both axes and of the line.
    """
    rows = comparison.models
    canvas, axes = style.canvas(7.2, 5.2)
    x, x_low, x_high = spans([row.old for row in rows], scale)
    y, y_low, y_high = spans([row.new for row in rows], scale)
    width = style.line_width(len(rows))
    alpha = 0.55 if len(rows) <= 200 else 0.35
    style.segments(axes, (x_low, y), (x_high, y), colour=style.MARK, width=width, alpha=alpha)
    style.segments(axes, (x, y_low), (x, y_high), colour=style.MARK, width=width, alpha=alpha)
    size = style.mark_size(len(rows))
    style.points(axes, x, y, gid="models", colour=style.MARK, size=size)
    axes.set_xlim(style.padded(x_low.min(), x_high.max()))
    band = _band(comparison, scale)
    axes.set_ylim(
        style.padded(min(y_low.min(), x.min(), *band[2]), max(y_high.max(), x.max(), *band[3]))
    )
    ends = _lines(axes, comparison, scale, band)
    percent_axes(axes, scale, axis_title(comparison, "old"), axis_title(comparison, "new"))
    place(axes, x, y, [(i, rows[i].model) for i in _to_label(comparison)],
          avoid=[(ends, ends), *([(band[0], band[1])] if band[0].size else [])])  # fmt: skip
    return Figure(
        f"scatter-{scale}",
        f"New against old accuracy, {scale} axes",
        _alt(comparison, scale),
        canvas,
        _data(comparison, scale),
        (Marks("models", tuple(describe(row) for row in rows)),),
    )


def _band(comparison: Comparison, scale: Axis) -> tuple[FloatArray, ...]:
    """Return x, y, low and high of the line on the axis; empty without a line."""
    fit = comparison.fits.get(scale)
    if fit is None:
        return (np.empty(0),) * 4
    parts = [np.array(part) for part in (fit.band.x, fit.band.y, fit.band.low, fit.band.high)]
    kept = np.isfinite(parts).all(axis=0)
    # A line may leave the range of accuracies; the axis does not.
    return tuple(on_axis(np.clip(part[kept], 0, 1), scale) for part in parts)


def _lines(
    axes: Axes, comparison: Comparison, scale: Axis, band: tuple[FloatArray, ...]
) -> list[float]:
    ends = [
        max(axes.get_xlim()[0], axes.get_ylim()[0]),
        min(axes.get_xlim()[1], axes.get_ylim()[1]),
    ]
    axes.plot(
        ends, ends, color=style.REFERENCE, linewidth=1, linestyle=(0, (4, 3)), zorder=2,
        label="equal scores (y = x)",
    )  # fmt: skip
    if fit := comparison.fits.get(scale):
        x, y, low, high = band
        level = f"{100 * comparison.settings.level:g} %"
        axes.plot(x, y, color=style.STRONG, linewidth=1.3, zorder=5, label=_slope(fit))
        axes.fill_between(
            x, low, high, color=style.STRONG, alpha=0.18, linewidth=0, zorder=2,
            label=f"{level} band of the line",
        )  # fmt: skip
    axes.legend(loc="lower right", handlelength=2.2)
    return ends


def _slope(fit: Fit) -> str:
    slope = fit.slope
    return f"line, slope {slope.value:.2f} [{slope.low:.2f}, {slope.high:.2f}]"


def _to_label(comparison: Comparison) -> list[int]:
    rows = comparison.models
    if len(rows) <= _FEW:
        return list(range(len(rows)))
    new = np.array([row.new.accuracy for row in rows])
    drop = np.array([row.drop.value for row in rows])
    return unique([0, *map(int, (new.argmax(), drop.argmax(), drop.argmin(), new.argmin()))])


def _alt(comparison: Comparison, scale: Axis) -> str:
    rows = comparison.models
    lower = sum(row.new.accuracy < row.old.accuracy for row in rows)
    old, new = ([100 * getattr(row, side).accuracy for row in rows] for side in ("old", "new"))
    count = f"{len(rows):,} models" if len(rows) > 1 else "one model"
    text = (
        f"Scatter plot of {count} on {scale} axes: accuracy on {testset_title(comparison.new)} "
        f"({number(min(new), 1)} to {number(max(new), 1)} %) against accuracy on "
        f"{testset_title(comparison.old)} ({number(min(old), 1)} to {number(max(old), 1)} %). "
        f"{lower:,} of {len(rows):,} lie below the line of equal scores."
    )
    if fit := comparison.fits.get(scale):
        slope = fit.slope
        text += (
            f" The fitted line has slope {slope.value:.2f} ({slope.low:.2f} to {slope.high:.2f}) "
            f"and R² {number(fit.r2, 3)}."
        )
    return text


def _data(comparison: Comparison, scale: Axis) -> Table:
    rows: list[tuple[Value, ...]] = [
        (
            "model", row.model, row.old.accuracy, row.old.low, row.old.high,
            row.new.accuracy, row.new.low, row.new.high,
        )
        for row in comparison.models
    ]  # fmt: skip
    if fit := comparison.fits.get(scale):
        band = fit.band
        rows += [
            ("line", "", x, None, None, y, low, high)
            for x, y, low, high in zip(band.x, band.y, band.low, band.high, strict=True)
        ]
    sides = tuple(
        f"{side}_{part}_fraction"
        for side in ("old", "new")
        for part in ("accuracy", "accuracy_low", "accuracy_high")
    )
    return plain(f"scatter-{scale}", ("series", "model", *sides), rows)
