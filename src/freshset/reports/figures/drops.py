"""The drop of each model against its accuracy on the old set."""

from __future__ import annotations

import numpy as np

from freshset.core.identifiers import testset_title
from freshset.generalization.comparison import Comparison
from freshset.reports.figures import style
from freshset.reports.figures.axes import spans
from freshset.reports.figures.base import Figure, Marks, axis_title, describe
from freshset.reports.figures.labels import place, unique
from freshset.reports.table import Table, number, plain
from freshset.stats.types import FloatArray

_FEW = 8


@style.styled()
def drops(comparison: Comparison) -> Figure:
    """Draw old minus new accuracy with its interval, and the mean drop with its own."""
    rows = comparison.models
    canvas, axes = style.canvas(7.2, 4.2)
    x, _, _ = spans([row.old for row in rows], "linear")
    y, low, high = (
        np.array([getattr(row.drop, part) for row in rows]) for part in ("value", "low", "high")
    )
    width = style.line_width(len(rows))
    alpha = 0.55 if len(rows) <= 200 else 0.35
    style.segments(axes, (x, low), (x, high), colour=style.MARK, width=width, alpha=alpha)
    style.points(axes, x, y, gid="models", colour=style.MARK, size=style.mark_size(len(rows)))
    axes.axhline(0, color=style.INK, linewidth=0.9, zorder=2)
    mean = comparison.drop.mean
    axes.axhline(mean.value, color=style.STRONG, linewidth=1.2, zorder=5, label=_mean(comparison))
    if np.isfinite([mean.low, mean.high]).all():
        axes.axhspan(mean.low, mean.high, color=style.STRONG, alpha=0.16, linewidth=0, zorder=1)
    bottom, top = min(0, low.min(), mean.low), max(0, high.max(), mean.high)
    # Air for the legend above the bars.
    axes.set_ylim(style.padded(bottom, top + 0.12 * (top - bottom)))
    axes.set_xlim(style.padded(x.min(), x.max()))
    axes.set_xlabel(f"{axis_title(comparison, 'old')} (%)")
    axes.set_ylabel("Drop, old minus new (percentage points)")
    axes.legend(loc="upper right", handlelength=2.2)
    place(axes, x, y, [(i, rows[i].model) for i in _to_label(y)],
          avoid=[(axes.get_xlim(), [mean.value] * 2), (axes.get_xlim(), [0, 0])])  # fmt: skip
    return Figure(
        "drops",
        "Drop against old accuracy",
        _alt(comparison),
        canvas,
        _data(comparison),
        (Marks("models", tuple(describe(row) for row in rows)),),
    )


def _mean(comparison: Comparison) -> str:
    mean = comparison.drop.mean
    return f"mean drop {number(mean.value, 2)} [{number(mean.low, 2)}, {number(mean.high, 2)}]"


def _to_label(drop: FloatArray) -> list[int]:
    if drop.size <= _FEW:
        return list(range(drop.size))
    order = drop.argsort()
    return unique([order[-1], order[0], order[-2], order[1]])


def _alt(comparison: Comparison) -> str:
    rows, drop = comparison.models, comparison.drop
    beyond = sum(row.drop.excludes_zero for row in rows)
    return (
        f"Drop in accuracy from {testset_title(comparison.old)} to {testset_title(comparison.new)} "
        f"against accuracy on the former, for {len(rows):,} "
        f"{'model' if len(rows) == 1 else 'models'}: from "
        f"{number(drop.min, 2)} to {number(drop.max, 2)} points, on average "
        f"{number(drop.mean.value, 2)} ({number(drop.mean.low, 2)} to {number(drop.mean.high, 2)}). "
        f"The interval excludes no drop for {beyond:,} of {len(rows):,}."
    )


def _data(comparison: Comparison) -> Table:
    fields = (
        "model", "old_accuracy_fraction", "drop_points", "drop_low_points", "drop_high_points",
    )  # fmt: skip
    return plain(
        "drops",
        fields,
        [
            (row.model, row.old.accuracy, row.drop.value, row.drop.low, row.drop.high)
            for row in comparison.models
        ],
    )
