"""Scores of folds, their mean with both intervals, and the official test set, on one axis."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Canvas

from freshset.protocols.folds.result import KFoldResult
from freshset.protocols.folds.scores import NO_PERCENT, shown
from freshset.reports.figures import style
from freshset.reports.figures.base import Figure, Marks
from freshset.reports.table import Value, plain
from freshset.stats.types import Estimate

Lines = list[tuple[str, Estimate, str]]


@style.styled()
def validation(result: KFoldResult) -> Figure:
    """Draw every fold as a mark, and below them every estimate with its interval."""
    lines = _lines(result)
    percent = result.metric not in NO_PERCENT
    scale = 100 if percent else 1
    width, height = 7.2, 1.0 + 0.36 * (len(lines) + 1)
    canvas = Canvas(figsize=(width, height))
    axes = canvas.add_axes((2.3 / width, 0.5 / height, (width - 2.5) / width, 1 - 0.6 / height))
    folds = scale * np.array(result.scores)
    size = style.mark_size(len(folds))
    # Repeats a little apart, since many folds have the same score.
    level = (
        0.25 - 0.5 * np.array([one.repeat + 0.5 for one in result.folds]) / result.scheme.repeats
    )
    style.points(axes, folds, level, gid="folds", colour=style.TIED, size=size)
    for place, (_, one, colour) in enumerate(lines, start=1):
        low, high = ([scale * end] for end in (one.low, one.high))
        style.segments(axes, (low, [-place]), (high, [-place]), colour=colour, width=1.6)
        style.points(
            axes, [scale * one.value], [-place], gid=f"line-{place}", colour=colour, size=34
        )
    names = ["each fold", *(name for name, _, _ in lines)]
    axes.set_yticks([-place for place in range(len(names))], names)
    axes.set_ylim(0.5 - len(names), 0.5)
    axes.set_xlabel(f"{result.metric} (%)" if percent else result.metric)
    axes.autoscale_view(scaley=False)
    return Figure(
        "folds",
        "Folds, and what they amount to",
        _alt(result, lines),
        canvas,
        plain("folds", ("what", "repeat", "fold", "value", "low", "high"), _rows(result, lines)),
        _marks(result, lines),
    )


def _lines(result: KFoldResult) -> Lines:
    lines = [
        ("mean, corrected interval", result.mean, style.MARK),
        ("mean, as if independent", result.naive, style.REFERENCE),
    ]
    if result.official is not None:
        lines.append(("official test set", result.official.score, style.STRONG))
    return lines


def _said(result: KFoldResult, one: Estimate) -> str:
    value, low, high = (shown(x, result.metric) for x in (one.value, one.low, one.high))
    return f"{value} ({low} to {high})"


def _alt(result: KFoldResult, lines: Lines) -> str:
    low, high = (shown(x, result.metric) for x in (min(result.scores), max(result.scores)))
    said = "; ".join(f"{name}: {_said(result, one)}" for name, one, _ in lines)
    return f"{len(result.scores):,} folds score {low} to {high}; {said}."


def _rows(result: KFoldResult, lines: Lines) -> list[tuple[Value, ...]]:
    folds: list[tuple[Value, ...]] = [
        ("fold", one.repeat + 1, one.fold + 1, one.score, None, None) for one in result.folds
    ]
    return folds + [(name, None, None, one.value, one.low, one.high) for name, one, _ in lines]


def _marks(result: KFoldResult, lines: Lines) -> tuple[Marks, ...]:
    folds = tuple(
        f"repeat {one.repeat + 1}, fold {one.fold + 1}\n{shown(one.score, result.metric)}"
        for one in result.folds
    )
    return (
        Marks("folds", folds),
        *(
            Marks(f"line-{place}", (f"{name}\n{_said(result, one)}",))
            for place, (name, one, _) in enumerate(lines, start=1)
        ),
    )
