"""What fine-tuning gains over another regime: a bar for each data set, a point for each model."""

from __future__ import annotations

from math import isfinite

import numpy as np
from matplotlib.figure import Figure as Canvas

from freshset.reports.figures import style
from freshset.reports.figures.base import Figure, Marks, label
from freshset.reports.figures.transfer.panels import settle, simulated_text, stamp
from freshset.reports.table import Value, number, plain
from freshset.stats.types import Estimate
from freshset.transfer.analysis.gains import Gain
from freshset.transfer.analysis.result import TransferAnalysis
from freshset.transfer.analysis.tables import REGIME_TITLES

_SPREAD = 0.26  # of a bar's place, over which points are dealt


def gain_figures(analysis: TransferAnalysis) -> tuple[Figure, ...]:
    """Draw the gain over fixed features, and over training from scratch."""
    return tuple(_figure(analysis, gain) for gain in analysis.gains)


@style.styled()
def _figure(analysis: TransferAnalysis, gain: Gain) -> Figure:
    titles = {d.id: d.title for d in analysis.datasets}
    names = ["all data sets", *(titles[id] for id in gain.datasets)]
    bars = [gain.mean.difference, *gain.by_dataset]
    points = [gain.difference.mean(axis=1), *gain.difference.T]
    place = -np.arange(len(names), dtype=float)
    place[0] += 0.25  # the mean stands apart
    canvas = Canvas(figsize=(7.2, 0.95 + 0.36 * len(names)), layout="constrained")
    axes = canvas.add_subplot()
    axes.barh(
        place, [bar.value for bar in bars], height=0.62, linewidth=0, zorder=2,
        color=[style.REFERENCE, *[style.GRID] * (len(bars) - 1)],
    )  # fmt: skip
    known = [(y, bar) for y, bar in zip(place, bars, strict=True) if isfinite(bar.low)]
    style.segments(
        axes, ([bar.low for _, bar in known], [y for y, _ in known]),
        ([bar.high for _, bar in known], [y for y, _ in known]), colour=style.INK, width=1.3,
    )  # fmt: skip
    shift = (
        np.linspace(_SPREAD, -_SPREAD, len(gain.models)) if len(gain.models) > 1 else np.zeros(1)
    )
    size = 0.7 * style.mark_size(len(gain.models))
    for number_, (y, values) in enumerate(zip(place, points, strict=True)):
        style.points(axes, values, y + shift, gid=f"gain-{number_}", colour=style.MARK, size=size)
    axes.axvline(0, color=style.INK, linewidth=0.9, zorder=3)
    axes.set_yticks(place.tolist(), [label(name, 34) for name in names])
    axes.tick_params(axis="y", length=0, labelcolor=style.INK)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(place[-1] - 0.6, place[0] + 0.6)
    ends = [0.0, *np.concatenate(points), *(e for _, bar in known for e in (bar.low, bar.high))]
    axes.set_xlim(style.padded(min(ends), max(ends)))
    other = REGIME_TITLES[gain.over]
    axes.set_xlabel(f"Fine-tuning less {other} (log odds)")
    stamp(canvas, simulated=analysis.simulated)
    settle(canvas)
    return Figure(
        f"gain-over-{gain.over}",
        f"Gain of fine-tuning over {other}",
        _alt(analysis, gain, names, bars),
        canvas,
        plain(
            f"gain-over-{gain.over}",
            ("what", "data_set", "model", "gain_log_odds", "low_log_odds", "high_log_odds", "gain_points"),
            _rows(gain),
        ),
        _marks(gain, names, points),
    )  # fmt: skip


def _alt(analysis: TransferAnalysis, gain: Gain, names: list[str], bars: list[Estimate]) -> str:
    listed = "; ".join(
        f"{name} {number(bar.value, 2, signed=True)}"
        + (f" ({number(bar.low, 2)} to {number(bar.high, 2)})" if isfinite(bar.low) else "")
        for name, bar in zip(names, bars, strict=True)
    )
    return (
        f"{simulated_text(simulated=analysis.simulated)}Mean gain over "
        f"{len(gain.models):,} {'model' if len(gain.models) == 1 else 'models'} in log odds: {listed}. "
        "A point is a model. The interval of all data sets is over data sets, the others are over models."
    )


def _rows(gain: Gain) -> list[tuple[Value, ...]]:
    mean = gain.mean.difference
    out: list[tuple[Value, ...]] = [
        ("mean", "(all)", "", mean.value, mean.low, mean.high, float(gain.points.mean()))
    ]
    out += [
        ("mean", id, "", bar.value, bar.low, bar.high, float(gain.points[:, j].mean()))
        for j, (id, bar) in enumerate(zip(gain.datasets, gain.by_dataset, strict=True))
    ]
    out += [
        ("model", "(all)", name, one.difference.value, one.difference.low, one.difference.high,
         float(gain.points[i].mean()))
        for i, (name, one) in enumerate(zip(gain.models, gain.by_model, strict=True))
    ]  # fmt: skip
    out += [
        ("model", id, name, float(gain.difference[i, j]), None, None, float(gain.points[i, j]))
        for j, id in enumerate(gain.datasets)
        for i, name in enumerate(gain.models)
    ]
    return out


def _marks(gain: Gain, names: list[str], points: list[np.ndarray]) -> tuple[Marks, ...]:
    return tuple(
        Marks(
            f"gain-{k}",
            tuple(
                f"{label(model, 200)}\n{title}\n{number(float(value), 2, signed=True)} log odds"
                for model, value in zip(gain.models, values, strict=True)
            ),
        )
        for k, (title, values) in enumerate(zip(names, points, strict=True))
    )
