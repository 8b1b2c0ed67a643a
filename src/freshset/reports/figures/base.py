"""A figure as a value, and how it becomes SVG and PNG with the same bytes every time."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure as Canvas

from freshset.core.identifiers import testset_title
from freshset.generalization.comparison import Comparison, ModelRow, Score
from freshset.reports.figures.style import styled
from freshset.reports.table import Table, number

_DPI = 200
_FONT = "font-family: 'DejaVu Sans'"


@dataclass(frozen=True, slots=True)
class Marks:
    """A group of drawn marks, one for each model, that a reader can point at.

    Attributes
    ----------
    gid
        Id of the drawn group.
    titles
        What each mark stands for, in drawing order; the first line is the model's name.
    cells
        For a row of a matrix: one character per column, ``1`` where the pair is told apart.
    """

    gid: str
    titles: tuple[str, ...]
    cells: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a report.

    Attributes
    ----------
    name
        Short name, part of file names.
    title
        Heading.
    alt
        What the figure shows, in a sentence with numbers, for those who cannot see it.
    canvas
        The drawing.
    data
        The numbers behind it.
    marks
        What can be pointed at.
    """

    name: str
    title: str
    alt: str
    canvas: Canvas
    data: Table
    marks: tuple[Marks, ...] = ()


def to_svg(figure: Figure) -> str:
    """Return the figure as SVG with text as text, without date or creator."""
    absent = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    # Without a fallback, a machine that lacks the font shows a serif one.
    return _saved(figure, "svg", absent).decode().replace(_FONT, f"{_FONT}, Verdana, sans-serif")


def to_png(figure: Figure) -> bytes:
    """Return the figure as PNG, without the name of the software that wrote it."""
    return _saved(figure, "png", {"Software": None})


def _saved(figure: Figure, kind: str, metadata: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    with styled(), warnings.catch_warnings():
        # A name may be in a script that the bundled font lacks; the reader's browser has it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        figure.canvas.savefig(out, format=kind, dpi=_DPI, metadata=metadata)
    return out.getvalue()


def axis_title(comparison: Comparison, side: str) -> str:
    """Name the test set on one side and the metric, for an axis."""
    testset = comparison.old if side == "old" else comparison.new
    metric = comparison.settings.metric.replace("top", "top-")
    return f"{testset_title(testset)}, {metric} accuracy"


def describe(row: ModelRow) -> str:
    """Return a model's numbers, one line each."""
    drop = row.drop
    interval = f"[{number(drop.low, 2)}, {number(drop.high, 2)}]"
    return "\n".join(
        (
            label(row.model, 200),
            f"old {_percent(row.old)}",
            f"new {_percent(row.new)}",
            f"drop {number(drop.value, 2)} points {interval}",
        )
    )


def describe_ranks(row: ModelRow) -> str:
    """Return a model's ranks, one line each."""
    rank = row.rank
    change = f"{number(rank.change, 0, signed=True)}"
    interval = f"[{number(rank.low, 0, signed=True)}, {number(rank.high, 0, signed=True)}]"
    beyond = ", beyond noise" if rank.beyond_noise else ""
    ranks = f"rank {rank.old:,} on the old set, {rank.new:,} on the new"
    return f"{label(row.model, 200)}\n{ranks}\nchange {change} {interval}{beyond}"


def label(name: str, length: int = 32) -> str:
    """Return a model's name as a label: no control characters, its middle left out when long."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    if len(text) <= length:
        return text
    half = (length - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def _percent(score: Score) -> str:
    low, high = number(100 * score.low, 2), number(100 * score.high, 2)
    return f"{number(100 * score.accuracy, 2)} % [{low}, {high}]"
