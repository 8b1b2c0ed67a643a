"""The gap at equal selection frequency: by estimator, and by the number of answers."""

from __future__ import annotations

import numpy as np

from freshset.generalization.comparison import Comparison
from freshset.generalization.selection import ESTIMATOR_NAMES, Selection
from freshset.reports.figures import style
from freshset.reports.figures.base import Figure
from freshset.reports.table import number, plain


def selection(comparison: Comparison) -> tuple[Figure, ...]:
    """Draw both figures, and none without selection frequencies."""
    if comparison.selection is None:
        return ()
    return by_estimator(comparison.selection), by_answers(comparison.selection)


@style.styled()
def by_estimator(found: Selection) -> Figure:
    """Draw the mean gap by each estimator with its interval, and its null test."""
    rows = found.estimates
    x = np.arange(len(rows))
    value, low, high = (
        np.array([getattr(row.mean, part) for row in rows]) for part in ("value", "low", "high")
    )
    null, spread = (np.array([getattr(row, part) for row in rows]) for part in ("null", "null_sd"))
    canvas, axes = style.canvas(7.2, 3.6)
    style.segments(axes, (x, low), (x, high), colour=style.MARK, width=1.4)
    style.points(axes, x, value, gid="estimates", colour=style.MARK, size=34)
    axes.axhline(0, color=style.INK, linewidth=0.9, zorder=2)
    ends = [0.0, *low, *high]
    if np.isfinite(null).all():
        beside = x + 0.18
        style.segments(axes, (beside, null - spread), (beside, null + spread),
                       colour=style.REFERENCE, width=1.1)  # fmt: skip
        axes.scatter(beside, null, s=26, marker="s", color=style.REFERENCE, zorder=4,
                     label="where the true gap is 0 (null test, one standard deviation)")  # fmt: skip
        axes.legend(loc="upper right")
        ends += [*(null - spread), *(null + spread)]
    bottom, top = min(ends), max(ends)
    axes.set_ylim(style.padded(bottom, top + 0.14 * (top - bottom)))
    axes.set_xlim(-0.5, len(rows) - 0.4)
    names = [ESTIMATOR_NAMES[row.estimator].replace(" on ", "\non ").replace(" over ", "\nover ")
             for row in rows]  # fmt: skip
    axes.set_xticks(x, names)
    axes.set_ylabel("Mean gap, old minus new (points)")
    listed = "; ".join(
        f"{ESTIMATOR_NAMES[row.estimator]} {number(row.mean.value, 2)} "
        f"({number(row.mean.low, 2)} to {number(row.mean.high, 2)})"
        for row in rows
    )
    fields = ("estimator", "gap_points", "gap_low_points", "gap_high_points", "null_points")
    data = [(r.estimator, r.mean.value, r.mean.low, r.mean.high, r.null) for r in rows]
    return Figure(
        "selection",
        "Gap at equal selection frequency",
        f"Mean gap in points by each estimator, with its interval: {listed}.",
        canvas,
        plain("selection", fields, list(data)),
    )


@style.styled()
def by_answers(found: Selection) -> Figure:
    """Draw the matched gap against 1/m, and where a straight line through it would end."""
    m, gap = np.array(found.by_answers.answers), np.array(found.by_answers.gap)
    canvas, axes = style.canvas(7.2, 3.6)
    axes.plot(1 / m, gap, color=style.MARK, linewidth=0.9, zorder=3)
    style.points(axes, 1 / m, gap, gid="answers", colour=style.MARK, size=26)
    labels = {"jackknife": "jackknife", "beta_binomial": "Beta-Binomial"}
    colours = {"jackknife": style.REFERENCE, "beta_binomial": style.STRONG}
    for name, text in labels.items():
        mean = found[name].mean
        axes.errorbar([0], [mean.value], yerr=[[mean.value - mean.low], [mean.high - mean.value]],
                      fmt="D", markersize=5, color=colours[name], capsize=3, zorder=4,
                      label=f"{text}, {number(mean.value, 2)}")  # fmt: skip
    axes.axhline(0, color=style.INK, linewidth=0.9, zorder=2)
    axes.set_xlim(-0.04, 1.04)
    shown = [int(x) for x in m if x <= 5 or x == m[-1]]
    axes.set_xticks(
        [0, *(1 / x for x in shown)], ["0", *(f"1/{x}" if x > 1 else "1" for x in shown)]
    )
    axes.set_xlabel("1 / answers an item that were matched on")
    axes.set_ylabel("Mean matched gap (points)")
    axes.legend(loc="lower right")
    return Figure(
        "selection-answers",
        "Matched gap by the number of answers",
        f"Mean gap matched on 1 to {m[-1]} answers an item: from {number(gap[0], 2)} to "
        f"{number(gap[-1], 2)} points; R² of a line in 1/answers "
        f"{number(found.by_answers.r2, 3)}. At 0 the corrected estimates.",
        canvas,
        plain("selection-answers", ("answers", "gap_points"),
              list(zip(m.tolist(), gap.tolist(), strict=True))),
    )  # fmt: skip
