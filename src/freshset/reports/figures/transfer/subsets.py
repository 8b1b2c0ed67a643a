"""Score against the number of training images, with the error over random subsets."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np
from matplotlib.axes import Axes

from freshset.reports.figures import style
from freshset.reports.figures.base import Figure
from freshset.reports.figures.transfer import panels
from freshset.reports.table import Value, number, plain
from freshset.transfer.analysis.result import TransferAnalysis
from freshset.transfer.analysis.subsets import SubsetPoint, SubsetSizes
from freshset.transfer.analysis.tables import REGIME_TITLES, REGIMES


@style.styled()
def subsets(analysis: TransferAnalysis) -> Figure | None:
    """Draw a panel for each model and data set; ``None`` without subsets."""
    found = analysis.subsets
    if found is None:
        return None
    pairs = panels.by_pair(found.points, {d.id: d.title for d in analysis.datasets})
    shown = pairs[: panels.MOST_PANELS]
    canvas, axes = panels.grid(len(shown), simulated=analysis.simulated)
    for one, (title, mine) in zip(axes, shown, strict=True):
        _panel(one, mine)
        panels.panel_title(one, title)
    regimes = [r for r in REGIMES if any(p.regime == r for p in found.points)]
    panels.legend(canvas, regimes)
    panels.label_outer(axes, "Training images", "Test score (%)")
    panels.settle(canvas)
    return Figure(
        "subsets",
        "Score and number of training images",
        _alt(analysis, found, len(pairs)),
        canvas,
        plain(
            "subsets",
            ("model", "data_set", "regime", "images", "score_fraction", "error_fraction", "subsets"),
            _rows(found.points),
        ),
    )  # fmt: skip


def _panel(axes: Axes, points: Sequence[SubsetPoint]) -> None:
    for regime in REGIMES:
        mine = [p for p in points if p.regime == regime]
        if not mine:
            continue
        look = panels.LOOKS[regime]
        n, mean = np.array([p.n for p in mine]), 100 * np.array([p.mean for p in mine])
        error = 100 * np.array([p.error for p in mine])
        known = np.isfinite(error)
        style.segments(
            axes, (n[known], (mean - error)[known]), (n[known], (mean + error)[known]),
            colour=look.colour, width=1.0,
        )  # fmt: skip
        axes.plot(
            n, mean, color=look.colour, marker=look.marker, markersize=3.5, linewidth=1.1,
            dashes=look.dashes, zorder=4,
        )  # fmt: skip
    panels.logarithmic(axes, [p.n for p in points])


def _alt(analysis: TransferAnalysis, found: SubsetSizes, pairs: int) -> str:
    sizes = sorted({p.n for p in found.points})
    draws = sorted({p.draws for p in found.points})
    text = (
        f"{panels.simulated_text(simulated=analysis.simulated)}Test score against the number of "
        f"training images, {sizes[0]:,} to {sizes[-1]:,}, for {pairs:,} "
        f"{'pair' if pairs == 1 else 'pairs'} of model and data set. Bars are standard errors over "
        f"{' to '.join(f'{d:,}' for d in dict.fromkeys((draws[0], draws[-1])))} random subsets."
    )
    if pairs > panels.MOST_PANELS:
        text += f" {pairs - panels.MOST_PANELS:,} of them are in the data of the figure only."
    last = [p for p in found.points if p.n == sizes[-1]]
    listed = "; ".join(
        f"{REGIME_TITLES[regime]} {number(100 * float(np.mean(scores)), 1)} %"
        for regime in REGIMES
        if (scores := [p.mean for p in last if p.regime == regime])
    )
    return f"{text} Mean at the largest size: {listed}."


def _rows(points: Sequence[SubsetPoint]) -> list[tuple[Value, ...]]:
    return [
        (p.model, p.dataset, p.regime, p.n, p.mean, p.error if isfinite(p.error) else None, p.draws)
        for p in points
    ]
