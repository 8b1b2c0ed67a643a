"""Maps of penultimate features before and after fine-tuning."""

from __future__ import annotations

import numpy as np

from freshset.reports.figures import style
from freshset.reports.figures.base import Figure, label
from freshset.reports.figures.transfer import panels
from freshset.reports.table import number, plain
from freshset.transfer.analysis.result import TransferAnalysis

# Okabe and Ito's (2008) colours, darkened where they would vanish on white; with the shape they tell
# twenty classes apart, on a light and on a dark page.
_COLOURS = ("#d58a00", "#3a9fd6", "#009e73", "#b3a100", "#0077bb", "#cc5f00", "#b8639a", "#7d7d7d",
            "#8c564b", "#6a51a3")  # fmt: skip
_SHAPES = ("o", "^")
_STAGES = {"before": "before fine-tuning", "after": "after fine-tuning"}


@style.styled()
def embeddings(analysis: TransferAnalysis) -> Figure | None:
    """Draw a panel for each map; ``None`` without embeddings."""
    maps = analysis.embeddings
    if not maps:
        return None
    titles = {d.id: d.title for d in analysis.datasets}
    shown = maps[: panels.MOST_PANELS]
    canvas, axes = panels.grid(len(shown), simulated=analysis.simulated)
    if 1 < len(shown) < panels.COLUMNS:
        canvas.set_size_inches(0.3 + 3.2 * len(shown), 3.6)
    for one, found in zip(axes, shown, strict=True):
        for k, class_id in enumerate(np.unique(found.labels)):
            mine = found.at[found.labels == class_id]
            one.scatter(
                mine[:, 0], mine[:, 1], s=8, color=_COLOURS[k % len(_COLOURS)], linewidths=0,
                marker=_SHAPES[k // len(_COLOURS) % len(_SHAPES)],
            )  # fmt: skip
        one.set_xticks([])
        one.set_yticks([])
        one.set_aspect("equal", adjustable="datalim")
        panels.panel_title(one, f"{titles[found.dataset]}, {_STAGES[found.stage]}", length=60)
        one.set_xlabel(
            f"{label(found.model, 24)}\nnearest is of the class: {number(100 * found.neighbour, 0)} %",
            fontsize=7,
        )
    panels.settle(canvas)
    listed = "; ".join(
        f"{m.model} on {titles[m.dataset]} {_STAGES[m.stage]} {number(100 * m.neighbour, 0)} %"
        for m in maps
    )
    return Figure(
        "embeddings",
        "Features of test images before and after fine-tuning",
        f"{panels.simulated_text(simulated=analysis.simulated)}t-SNE maps of penultimate features, a "
        "colour for each class. Distances between groups mean nothing. Share of images whose nearest "
        f"neighbour, in the features themselves, is of their class: {listed}.",
        canvas,
        plain(
            "embeddings",
            ("model", "data_set", "stage", "x", "y", "class_id"),
            [
                (m.model, m.dataset, m.stage, float(x), float(y), int(c))
                for m in maps
                for (x, y), c in zip(m.at, m.labels, strict=True)
            ],
        ),
    )
