"""The look of the figures: colours, type and the few shapes that they share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import style as matplotlib_style
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import PathPatch
from matplotlib.path import Path

# One colour for each role, no two alike, so that the page can tell the roles apart by colour and
# give each its dark counterpart.  Blue and vermilion are Okabe and Ito's (2008), which people with
# any colour vision tell apart.
SURFACE = "#ffffff"
INK = "#1b2027"
MUTED = "#59626e"
GRID = "#e4e7eb"
REFERENCE = "#868e99"
MARK = "#0072b2"
STRONG = "#c04a00"
BAND = "#0a72b1"
TIED = "#4e93c1"

# role: (name of the page's variable, light, dark)
PALETTE: tuple[tuple[str, str, str], ...] = (
    ("fig-surface", SURFACE, "#161a20"),
    ("fig-ink", INK, "#e7eaee"),
    ("fig-muted", MUTED, "#a9b2be"),
    ("fig-grid", GRID, "#2c323b"),
    ("fig-reference", REFERENCE, "#818b98"),
    ("fig-mark", MARK, "#5cb5ea"),
    ("fig-strong", STRONG, "#f59a4c"),
    ("fig-band", BAND, "#5ab3e8"),
    ("fig-tied", TIED, "#3f86b5"),
)

_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": REFERENCE,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "figure.facecolor": SURFACE,
    "axes.facecolor": SURFACE,
    "figure.dpi": 72,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.labelcolor": MUTED,
    "path.simplify": False,
    "savefig.facecolor": SURFACE,
    "svg.fonttype": "none",
    "svg.hashsalt": "freshset",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": REFERENCE,
    "ytick.color": REFERENCE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in this style, whatever the user's own settings are; they are as before afterwards."""
    with matplotlib_style.context(["default", _RC]):
        yield


def canvas(width: float = 7.2, height: float = 4.8) -> tuple[Canvas, Axes]:
    """Return an empty figure (inches) with one pair of axes inside fixed margins."""
    figure = Canvas(figsize=(width, height))
    axes = figure.add_axes(
        (0.62 / width, 0.52 / height, (width - 0.8) / width, (height - 0.64) / height)
    )
    return figure, axes


def mark_size(models: int) -> float:
    """Area of a mark, in square points, that keeps this many models apart."""
    return float(np.interp(models, [10, 60, 300, 1500], [34, 22, 10, 5]))


def line_width(models: int) -> float:
    """Width of an error bar, in points."""
    return float(np.interp(models, [10, 60, 300, 1500], [1.1, 0.8, 0.45, 0.25]))


def points(
    axes: Axes, x: npt.ArrayLike, y: npt.ArrayLike, *, gid: str, colour: str, size: float
) -> None:
    """Draw one round mark for each model, as a group that can be found again."""
    edge = SURFACE if size > 12 else "none"
    marks = axes.scatter(x, y, s=size, color=colour, edgecolors=edge, linewidths=0.5, zorder=4)
    marks.set_gid(gid)


def segments(
    axes: Axes,
    start: tuple[npt.ArrayLike, npt.ArrayLike],
    end: tuple[npt.ArrayLike, npt.ArrayLike],
    *,
    colour: str,
    width: float,
    alpha: float = 1.0,
) -> None:
    """Draw straight pieces from ``start`` to ``end`` as one path, however many they are."""
    x0, y0, x1, y1 = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (*start, *end)))
    vertices = np.stack([x0, y0, x1, y1], axis=1).reshape(-1, 2)
    if not len(vertices):
        return
    codes = np.tile(np.array([Path.MOVETO, Path.LINETO], dtype=np.uint8), len(x0))
    axes.add_patch(
        PathPatch(
            Path(vertices, codes), fill=False, edgecolor=colour, linewidth=width, alpha=alpha,
            zorder=3,
        )
    )  # fmt: skip


def padded(low: float, high: float, share: float = 0.04) -> tuple[float, float]:
    """Return limits with some air, also where all values are one."""
    room = max((high - low) * share, 1e-3 * max(abs(low), abs(high)), 1e-6)
    return low - room, high + room
