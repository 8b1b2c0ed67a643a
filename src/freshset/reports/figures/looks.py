"""Scores over the looks at a test set, and the best one so far."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator

from freshset.protocols.looks import Looks
from freshset.reports.figures import style
from freshset.reports.figures.base import Figure, Marks
from freshset.reports.table import Value, number, plain


@style.styled()
def looks(result: Looks) -> Figure:
    """Draw every look in the order of time, the best score so far, and how far above its truth it may be."""
    canvas, axes = style.canvas(7.2, 3.8)
    told = [(k, one) for k, one in enumerate(result.looks, start=1) if one.accuracy is not None]
    places = np.array([k for k, _ in told], dtype=float)
    scores = 100 * np.array([one.accuracy for _, one in told], dtype=float)
    best = np.maximum.accumulate(scores) if len(scores) else scores
    size = style.mark_size(len(told))
    style.points(axes, places, scores, gid="looks", colour=style.MARK, size=size)
    if len(scores):
        axes.step(
            places, best, where="post", color=style.STRONG, linewidth=1.3, label="best so far"
        )
        axes.axhline(best[-1] - result.union, color=style.REFERENCE, linestyle="--", linewidth=1.0,
                     label=f"{number(result.union, 1)} points below it (union bound)")  # fmt: skip
        axes.legend(loc="best")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("Look, in the order of time")
    axes.set_ylabel("Accuracy (%)")
    rows: list[tuple[Value, ...]] = [
        (k, one.at, one.who, one.model, one.accuracy, one.best)
        for k, one in enumerate(result.looks, start=1)
    ]
    titles = tuple(
        f"{one.model}\nlook {k:,}, {one.at[:10]}\n{score:.2f} %"
        for (k, one), score in zip(told, scores, strict=True)
    )
    return Figure(
        "looks",
        "Looks, and the best score so far",
        " ".join(result.findings[:2]),
        canvas,
        plain("looks", ("look", "at", "who", "model", "accuracy_fraction", "best_fraction"), rows),
        (Marks("looks", titles),),
    )
