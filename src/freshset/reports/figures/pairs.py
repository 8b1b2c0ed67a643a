"""All pairs of models on one test set: told apart, or tied."""

from __future__ import annotations

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path

from freshset.core.identifiers import testset_title
from freshset.generalization.pair import PairMatrix
from freshset.reports.figures import style
from freshset.reports.figures.base import Figure, Marks, label
from freshset.reports.table import Table, Value, plain
from freshset.stats.types import BoolArray, IntArray

_ALL_NAMED = 90
_SHOWN = 6


@style.styled()
def pairs(matrix: PairMatrix, side: Literal["old", "new"]) -> Figure:
    """Draw which pairs of models McNemar's test tells apart after Holm's correction, best first.

    Parameters
    ----------
    side
        Whether it is the old or the new test set of a study.
    """
    apart = matrix.distinguishable
    total = len(matrix.models)
    named = total <= _ALL_NAMED
    width = float(np.clip(2.6 + total * 0.095, 4.4, 8.6))
    tall = float(np.clip(0.7 + total * 0.095, 1.6, 7.2))
    canvas = Canvas(figsize=(width, tall), layout="constrained")
    axes = canvas.add_subplot()
    axes.add_patch(
        Rectangle((0, 0), total, total, facecolor=style.GRID, linewidth=0, gid="cells-frame")
    )
    for i, row in enumerate(apart):
        tied = PathPatch(
            _runs(~row, i), facecolor=style.TIED, linewidth=0, gid=f"row-{i}", antialiased=False
        )
        axes.add_patch(tied)
    own = PathPatch(_diagonal(total), facecolor=style.INK, linewidth=0, antialiased=False)
    axes.add_patch(own)
    _finish(axes, matrix, named=named)
    return Figure(
        f"pairs-{side}",
        f"Pairs of models on {testset_title(matrix.testset)}",
        _alt(matrix),
        canvas,
        _data(matrix, side),
        tuple(
            Marks(f"row-{i}", (_describe(matrix, apart, i),), "".join("01"[cell] for cell in row))
            for i, row in enumerate(apart.astype(int).tolist())
        ),
    )


def _finish(axes: Axes, matrix: PairMatrix, *, named: bool) -> None:
    total = len(matrix.models)
    axes.set_xlim(0, total)
    axes.set_ylim(total, 0)
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    shown = [i for i in range(total) if total <= 12 or i == 0 or (i + 1) % _step(total) == 0]
    axes.set_xticks([i + 0.5 for i in shown], [f"{i + 1:,}" for i in shown])
    axes.xaxis.set_ticks_position("top")
    if named:
        names = [f"{label(name, 30)}  {i + 1}" for i, name in enumerate(matrix.models)]
        axes.set_yticks(np.arange(total) + 0.5, names)
        axes.tick_params(axis="y", labelsize=6 if total > 20 else 7)
    else:
        axes.set_yticks([i + 0.5 for i in shown], [f"{i + 1:,}" for i in shown])
    axes.tick_params(length=0, pad=3)
    axes.legend(
        handles=[
            Patch(facecolor=style.TIED, label="tied"),
            Patch(facecolor=style.GRID, label="told apart"),
            Patch(facecolor=style.INK, label="the model itself"),
        ],
        loc="upper center",
        bbox_to_anchor=(0.5, -0.01),
        ncols=3,
        handlelength=1,
        handleheight=1,
    )


def _step(total: int) -> int:
    return next(step for step in (5, 10, 20, 50, 100, 200, 500, 1000, 10**9) if total / step <= 14)


def _runs(cells: BoolArray, row: int) -> Path:
    """Return one path of rectangles over the runs of true cells in a row."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], cells, [False]]).astype(int)))
    return _rectangles(edges[::2], np.full(len(edges) // 2, row), edges[1::2])


def _diagonal(total: int) -> Path:
    at = np.arange(total)
    return _rectangles(at, at, at + 1)


def _rectangles(
    left: IntArray,
    top: IntArray,
    right: IntArray,
) -> Path:
    bottom = top + 1
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    vertices = np.stack([np.column_stack(corner) for corner in corners], axis=1).reshape(-1, 2)
    one = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(vertices.astype(float), np.tile(np.array(one, dtype=np.uint8), len(left)))


def _describe(matrix: PairMatrix, apart: BoolArray, row: int) -> str:
    tied = [name for j, name in enumerate(matrix.models) if j != row and not apart[row, j]]
    others = len(matrix.models) - 1
    shown = ", ".join(label(name, 40) for name in tied[:_SHOWN])
    more = f" and {len(tied) - _SHOWN:,} more" if len(tied) > _SHOWN else ""
    head = f"{label(matrix.models[row], 200)}\nplace {row + 1:,}, told apart from "
    head += f"{others - len(tied):,} of {others:,}"
    return f"{head}\ntied with {shown}{more}" if tied else head


def _alt(matrix: PairMatrix) -> str:
    total = len(matrix.models)
    pairs_of_models = total * (total - 1) // 2
    apart = int(np.triu(matrix.distinguishable, 1).sum())
    tied = matrix.tied_with_best
    best = label(matrix.models[0], 200)
    text = (
        f"Matrix of {pairs_of_models:,} {'pair' if pairs_of_models == 1 else 'pairs'} of {total:,} models on "
        f"{testset_title(matrix.testset)}, best first: {apart:,} told apart "
        f"(exact McNemar tests, Holm's correction, level {1 - matrix.level:.2g}), "
        f"{pairs_of_models - apart:,} tied."
    )
    if not tied:
        return f"{text} The best, {best}, is told apart from every other."
    few = ", ".join(label(name, 200) for name in tied[:5])
    more = f" and {len(tied) - 5:,} more" if len(tied) > 5 else ""
    return f"{text} The best, {best}, is tied with {len(tied):,}: {few}{more}."


def _data(matrix: PairMatrix, side: str) -> Table:
    apart = matrix.distinguishable
    first, second = np.triu_indices(len(matrix.models), 1)
    rows: list[tuple[Value, ...]] = [
        (matrix.models[i], matrix.models[j], float(matrix.p[i, j]), bool(apart[i, j]))
        for i, j in zip(first.tolist(), second.tolist(), strict=True)
    ]
    return plain(f"pairs-{side}", ("first", "second", "p_holm", "distinguishable"), rows)
