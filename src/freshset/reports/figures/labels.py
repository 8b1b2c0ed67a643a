"""Names next to marks, placed where they cover neither each other nor, if possible, a mark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from freshset.reports.figures.base import label
from freshset.reports.figures.style import REFERENCE, SURFACE
from freshset.stats.types import FloatArray

_SIZE = 7.5
_WIDTH = 0.57  # of the font size, for an average letter
_MOST_COVERED = 16  # a mark counts 5, a line at most 4
_DISTANCES = (8.0, 18.0, 32.0, 48.0)
_DIRECTIONS = (
    (1, 0.35), (-1, -0.35), (-1, 0.35), (1, -0.35), (0, 1), (0, -1), (1, 1), (-1, -1), (-1, 1), (1, -1),
)  # fmt: skip

# Sign of the horizontal offset: alignment of the name, and where on its box the leader ends.
_SIDES: dict[int, tuple[str, Callable[[float], tuple[float, float]]]] = {
    1: ("left", lambda _: (0, 0.5)),
    -1: ("right", lambda _: (1, 0.5)),
    0: ("center", lambda up: (0.5, 0 if up > 0 else 1)),
}


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: _Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def count(self, points: FloatArray) -> int:
        x, y = points.T
        inside = (x > self.left) & (x < self.right) & (y > self.bottom) & (y < self.top)
        return int(inside.sum())


def place(
    axes: Axes,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    wanted: Sequence[tuple[int, str]],
    *,
    avoid: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]] = (),
) -> None:
    """Name some of the marks; a name that finds no free place is left out.

    Parameters
    ----------
    x, y
        Positions of all marks, in data units; the limits of the axes must be set.
    wanted
        Index and name of the marks to label, most important first.
    avoid
        Lines (x and y in data units) that names should not cross either.
    """
    scale = axes.figure.get_dpi() / 72
    at = _on_paper(axes, x, y) / scale
    pieces = (_on_paper(axes, *_resampled(*line)) / scale for line in avoid)
    lines = np.concatenate([np.empty((0, 2)), *pieces])
    frame = _Box(*(np.asarray(axes.bbox.extents) / scale).tolist())
    taken: list[_Box] = []
    for index, name in wanted:
        text = label(name)
        spot = _spot(at[index], (at, lines), text, frame, taken)
        if spot is None:
            continue
        dx, dy, box = spot
        taken.append(box)
        axes.annotate(
            text,
            np.column_stack([x, y])[index],
            xytext=(dx, dy),
            textcoords="offset points",
            ha=_SIDES[_sign(dx)][0],
            va="center",
            fontsize=_SIZE,
            zorder=3.5,  # over bars and grid, under marks: no name hides a model
            bbox={"facecolor": SURFACE, "alpha": 0.8, "linewidth": 0, "pad": 0.4},
            arrowprops={"arrowstyle": "-", "color": REFERENCE, "linewidth": 0.5, "shrinkA": 0,
                        "shrinkB": 2, "relpos": _SIDES[_sign(dx)][1](dy)},
        )  # fmt: skip


def _spot(
    mark: FloatArray,
    filled: tuple[FloatArray, FloatArray],
    text: str,
    frame: _Box,
    taken: list[_Box],
) -> tuple[float, float, _Box] | None:
    """Return the offset and the box that cover least; nearer wins a draw."""
    best: tuple[float, float, _Box] | None = None
    fewest = _MOST_COVERED
    width, height = _SIZE * _WIDTH * len(text), _SIZE * 1.25
    for distance in _DISTANCES:
        for right, up in _DIRECTIONS:
            dx, dy = right * distance, up * distance
            x, y = mark[0] + dx, mark[1] + dy
            left = x - width * (1 - _sign(dx)) / 2
            box = _Box(left - 1, y - height / 2, left + width + 1, y + height / 2)
            inside = (
                box.left >= frame.left
                and box.right <= frame.right
                and box.bottom >= frame.bottom
                and box.top <= frame.top
            )
            if not inside or any(box.meets(other) for other in taken):
                continue
            covered = 5 * box.count(filled[0]) + min(4, box.count(filled[1]))
            if covered < fewest:
                best, fewest = (dx, dy, box), covered
        if fewest == 0:
            break
    return best


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _on_paper(axes: Axes, x: npt.ArrayLike, y: npt.ArrayLike) -> FloatArray:
    return np.asarray(axes.transData.transform(np.column_stack([x, y]).astype(float)))


def _resampled(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return a line as points so close together that no name fits between them."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    at = np.linspace(0, len(x) - 1, 400)
    return np.interp(at, np.arange(len(x)), x), np.interp(at, np.arange(len(y)), y)


def unique(indices: Sequence[int]) -> list[int]:
    """Return the indices in order, each once."""
    return list(dict.fromkeys(int(i) for i in indices))
