"""Score against training steps, from weights and from scratch."""

from __future__ import annotations

from math import isfinite

import numpy as np
from matplotlib.lines import Line2D

from freshset.reports.figures import style
from freshset.reports.figures.base import Figure
from freshset.reports.figures.transfer import panels
from freshset.reports.table import Value, number, plain
from freshset.transfer.analysis.convergence import Convergence, TrainingCurve
from freshset.transfer.analysis.result import TransferAnalysis


@style.styled()
def convergence(analysis: TransferAnalysis) -> Figure | None:
    """Draw a panel for each model and data set; ``None`` without curves."""
    found = analysis.convergence
    if found is None:
        return None
    pairs = panels.by_pair(found.curves, {d.id: d.title for d in analysis.datasets})
    shown = pairs[: panels.MOST_PANELS]
    canvas, axes = panels.grid(len(shown), simulated=analysis.simulated)
    for one, (title, mine) in zip(axes, shown, strict=True):
        for curve in mine:
            look = panels.LOOKS[curve.regime]
            one.plot(
                curve.steps, curve.logits, color=look.colour, marker=look.marker, markersize=3.5,
                linewidth=1.1, dashes=look.dashes, zorder=4,
            )  # fmt: skip
            one.axvline(
                curve.first, color=look.colour, linewidth=0.8, linestyle=(0, (1, 2)), zorder=2
            )
        panels.logarithmic(one, [step for c in mine for step in c.steps])
        ends = np.concatenate([c.logits for c in mine])
        one.set_ylim(style.padded(float(ends.min()), float(ends.max()), 0.07))
        panels.percent_of_logits(one, y=True)
        panels.panel_title(one, title)
    regimes = list(dict.fromkeys(c.regime for c in found.curves))
    first = Line2D(
        [], [], color=style.MUTED, linewidth=0.8, linestyle=(0, (1, 2)),
        label=f"first within {found.within:g} log odds of the best",
    )  # fmt: skip
    panels.legend(canvas, regimes, first)
    panels.label_outer(axes, "Training steps", "Test score (%)")
    panels.settle(canvas)
    return Figure(
        "convergence",
        "Convergence, from weights and from scratch",
        _alt(analysis, found, len(pairs)),
        canvas,
        plain(
            "convergence",
            ("model", "data_set", "regime", "steps", "score_fraction", "log_odds", "first_within"),
            _rows(found.curves),
        ),
    )


def _alt(analysis: TransferAnalysis, found: Convergence, pairs: int) -> str:
    kind = (
        "Each point is a training run of its own."
        if found.basis == "lengths"
        else "Points are along one training run each, whose learning rate was set for its full length."
    )
    text = (
        f"{panels.simulated_text(simulated=analysis.simulated)}Test score against training steps for "
        f"{pairs:,} {'pair' if pairs == 1 else 'pairs'} of model and data set. {kind}"
    )
    if pairs > panels.MOST_PANELS:
        text += f" {pairs - panels.MOST_PANELS:,} of them are in the data of the figure only."
    if steps := dict(found.mean_steps):
        text += (
            f" Fine-tuning comes within {found.within:g} log odds of its best after "
            f"{number(steps['finetune'], 0)} steps on average, training from scratch after "
            f"{number(steps['scratch'], 0)}; {number(found.speedup.value, 1)} times as many"
        )
        if isfinite(found.speedup.low):
            text += f" ({number(found.speedup.low, 1)} to {number(found.speedup.high, 1)})"
        text += "."
    return text


def _rows(curves: tuple[TrainingCurve, ...]) -> list[tuple[Value, ...]]:
    return [
        (c.model, c.dataset, c.regime, int(steps), float(score), float(logit), steps == c.first)
        for c in curves
        for steps, score, logit in zip(c.steps.tolist(), c.score, c.logits, strict=True)
    ]
