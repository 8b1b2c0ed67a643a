"""Ranks on both sets: a slope chart, or old against new rank when there are too many models."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure as Canvas

from freshset.core.identifiers import testset_title
from freshset.generalization.comparison import Comparison, ModelRow
from freshset.reports.figures import style
from freshset.reports.figures.base import Figure, Marks, describe_ranks, label
from freshset.reports.figures.labels import place
from freshset.reports.table import Table, number, plain
from freshset.stats.types import BoolArray, FloatArray

_ALL_NAMED = 40
_SLOPE_CHART = 120
_LABELLED = 10
_PITCH = 8.6  # points between two names


@style.styled()
def ranks(comparison: Comparison) -> Figure:
    """Draw how the order changes; changes beyond noise stand out and are named."""
    if len(comparison.models) <= _SLOPE_CHART:
        canvas, groups = _slope_chart(comparison)
    else:
        canvas, groups = _rank_scatter(comparison)
    titles = tuple(describe_ranks(row) for row in comparison.models)
    beyond = np.array([row.rank.beyond_noise for row in comparison.models])
    chosen = {
        "all": titles,
        "plain": tuple(np.array(titles)[~beyond].tolist()),
        "strong": tuple(np.array(titles)[beyond].tolist()),
    }
    marks = tuple(Marks(gid, chosen[kind]) for gid, kind in groups if chosen[kind])
    return Figure("ranks", "Ranks on both sets", _alt(comparison), canvas, _data(comparison), marks)


def _slope_chart(comparison: Comparison) -> tuple[Canvas, tuple[tuple[str, str], ...]]:
    rows = comparison.models
    total = len(rows)
    height = max(2.6, total * (_PITCH + 1.4) / 72 + 0.8 if total <= _ALL_NAMED else 7.0)
    gap = _PITCH * total / (72 * (height - 0.7))
    canvas = Canvas(figsize=(7.2, height), layout="constrained")
    axes = canvas.add_subplot()
    right = axes.twinx()
    old, new = (
        np.array([getattr(row.rank, side) for row in rows], float) for side in ("old", "new")
    )
    strong = np.array([row.rank.beyond_noise for row in rows])
    axes.add_collection(
        LineCollection(
            np.stack([np.column_stack([np.zeros(total), old]),
                      np.column_stack([np.ones(total), new])], axis=1).tolist(),
            colors=[style.STRONG if mark else style.REFERENCE for mark in strong],
            linewidths=[2.0 if mark else 0.8 for mark in strong],
            alpha=0.9,
        )
    )  # fmt: skip
    style.points(axes, np.zeros(total), old, gid="ranks-old", colour=style.MARK, size=13)
    style.points(axes, np.ones(total), new, gid="ranks-new", colour=style.MARK, size=13)
    axes.set_xlim(-0.02, 1.02)
    titles = [f"{testset_title(t)}\nrank" for t in (comparison.old, comparison.new)]
    axes.set_xticks([0, 1], titles)
    axes.xaxis.set_ticks_position("top")
    axes.tick_params(axis="x", length=0, labelcolor=style.INK, labelsize=9)
    for side, ranked in ((axes, old), (right, new)):
        side.set_ylim(total + 0.8, 0.2)
        side.grid(visible=False)
        side.spines[:].set_visible(False)
        _names(side, rows, ranked, strong, right=side is right, gap=gap)
    return canvas, (("ranks-old", "all"), ("ranks-new", "all"))


def _names(
    axes: Axes,
    rows: tuple[ModelRow, ...],
    ranked: FloatArray,
    strong: BoolArray,
    *,
    right: bool,
    gap: float,
) -> None:
    """Write the names of a side at its ticks, ``gap`` ranks apart: all, or those beyond noise."""
    named = np.flatnonzero(strong) if len(rows) > _ALL_NAMED else np.arange(len(rows))
    named = named[np.argsort(ranked[named], kind="stable")]
    at = _spread(ranked[named], gap, 0.5, len(rows) + 0.5)
    parts = [(label(rows[i].model), f"{int(ranked[i])}") for i in named]
    texts = ["  ".join(reversed(part) if right else part) for part in parts]
    axes.set_yticks(at.tolist(), texts)
    axes.tick_params(axis="y", length=0, pad=4, labelsize=7)
    for tick, i in zip(axes.yaxis.get_ticklabels(), named, strict=True):
        tick.set_color(style.STRONG if strong[i] else style.INK)
        tick.set_fontweight("bold" if strong[i] else "normal")


def _spread(at: FloatArray, gap: float, low: float, high: float) -> FloatArray:
    """Move sorted positions as little as it takes to be ``gap`` apart within the limits."""
    out = at.astype(float).copy()
    gap = min(gap, (high - low) / max(len(out), 1))
    for i in range(1, len(out)):
        out[i] = max(out[i], out[i - 1] + gap)
    if len(out) and out[-1] > high:
        out[-1] = high
        for i in range(len(out) - 2, -1, -1):
            out[i] = min(out[i], out[i + 1] - gap)
    return out


def _rank_scatter(comparison: Comparison) -> tuple[Canvas, tuple[tuple[str, str], ...]]:
    rows = comparison.models
    total = len(rows)
    canvas, axes = style.canvas(7.2, 6.2)
    old, new = (
        np.array([getattr(row.rank, side) for row in rows], float) for side in ("old", "new")
    )
    strong = np.array([row.rank.beyond_noise for row in rows])
    change = np.abs(old - new)
    size = style.mark_size(total)
    axes.plot([1, total], [1, total], color=style.REFERENCE, linewidth=1, linestyle=(0, (4, 3)))
    style.points(axes, old[~strong], new[~strong], gid="plain", colour=style.MARK, size=size)
    style.points(axes, old[strong], new[strong], gid="strong", colour=style.STRONG, size=2.5 * size)
    axes.set_xlim(total * 1.02, 1 - 0.02 * total)
    axes.set_ylim(total * 1.02, 1 - 0.02 * total)
    for axis in (axes.xaxis, axes.yaxis):
        step = 10 ** np.floor(np.log10(total / 2))
        step *= 2 if total / step > 8 else 1
        axis.set_ticks([1, *np.arange(step, total + 1, step)])
    axes.set_xlabel(f"Rank on {testset_title(comparison.old)} (1 is best)")
    axes.set_ylabel(f"Rank on {testset_title(comparison.new)} (1 is best)")
    axes.text(
        0.02, 0.98, "above the line: moved up", transform=axes.transAxes, va="top", fontsize=8,
        color=style.MUTED,
    )  # fmt: skip
    axes.text(
        0.98, 0.02, "below the line: moved down", transform=axes.transAxes, ha="right", fontsize=8,
        color=style.MUTED,
    )  # fmt: skip
    far = [int(i) for i in np.argsort(-change, kind="stable") if strong[i]][:_LABELLED]
    place(axes, old, new, [(i, rows[i].model) for i in far])
    return canvas, (("plain", "plain"), ("strong", "strong"))


def _alt(comparison: Comparison) -> str:
    summary = comparison.ranks
    moved = sorted(
        (row for row in comparison.models if row.rank.beyond_noise),
        key=lambda row: -abs(row.rank.change),
    )
    text = (
        f"Ranks of {len(comparison.models):,} models on {testset_title(comparison.old)} and "
        f"{testset_title(comparison.new)}: {summary.changed:,} rank "
        f"{'change' if summary.changed == 1 else 'changes'}, {summary.changed_beyond_noise:,} "
        f"beyond noise; Spearman correlation "
        f"{number(summary.spearman, 3)}."
    )
    if moved:
        names = ", ".join(
            f"{label(row.model, 200)} (from {row.rank.old:,} to {row.rank.new:,})"
            for row in moved[:5]
        )
        text += f" Beyond noise{', among others' if len(moved) > 5 else ''}: {names}."
    return text


def _data(comparison: Comparison) -> Table:
    fields = (
        "model", "old_rank", "new_rank", "rank_change", "rank_change_low", "rank_change_high",
        "beyond_noise",
    )  # fmt: skip
    return plain(
        "ranks",
        fields,
        [
            (row.model, r.old, r.new, r.change, r.low, r.high, r.beyond_noise)
            for row in comparison.models
            for r in (row.rank,)
        ],
    )
