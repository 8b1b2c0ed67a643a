"""Attacks on leaderboards: by how much each feedback policy flatters its leader."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import NullLocator

from freshset.protocols.simulation import Curve, FeedbackStudy
from freshset.reports.figures import style
from freshset.reports.figures.base import Figure
from freshset.reports.table import Value, number, plain

# Colour, mark and line of the policies in their order; the last one is the one to compare with.
_LOOKS = (
    (style.STRONG, "s", "-"),
    (style.TIED, "^", "--"),
    (style.REFERENCE, "D", "-."),
    (style.INK, "v", ":"),
    (style.MARK, "o", "-"),
)


@style.styled()
def feedback(study: FeedbackStudy) -> Figure:
    """Draw the leader's error against the number of submissions, one panel for each attack."""
    attacks = list(dict.fromkeys(curve.attack for curve in study.curves))
    width, height = 2.4 + 2.6 * len(attacks), 3.6
    canvas = Canvas(figsize=(width, height))
    panels: list[Axes] = []
    for place, name in enumerate(attacks):
        left = (0.62 + 2.6 * place) / width
        box = (left, 0.52 / height, 2.35 / width, (height - 0.95) / height)
        panel = canvas.add_axes(box, sharey=panels[0] if panels else None)
        _panel(panel, study, name)
        panel.tick_params(labelleft=not panels)
        panels.append(panel)
    panels[0].set_ylabel("Board above fresh data (points)")
    handles, labels = panels[0].get_legend_handles_labels()
    where = ((0.62 + 2.6 * len(attacks) - 0.1) / width, 0.9)
    canvas.legend(handles, labels, loc="upper left", bbox_to_anchor=where)
    fields = ("attack", "policy", "submissions", "error_points", "low_points", "high_points")
    return Figure(
        "feedback",
        "What feedback policies buy",
        " ".join(study.findings),
        canvas,
        plain("feedback", fields, [row for curve in study.curves for row in _rows(study, curve)]),
    )


def _panel(axes: Axes, study: FeedbackStudy, name: str) -> None:
    curves = [curve for curve in study.curves if curve.attack == name]
    counts = np.array(study.settings.counts)
    axes.axhspan(
        -study.sampling_error, study.sampling_error, color=style.GRID, linewidth=0, zorder=0,
        label="one standard error",
    )  # fmt: skip
    for place, curve in enumerate(curves):
        colour, mark, line = _LOOKS[place % len(_LOOKS)]
        value, low, high = (
            np.array([getattr(one, part) for one in curve.error])
            for part in ("value", "low", "high")
        )
        axes.fill_between(counts, low, high, color=colour, alpha=0.13, linewidth=0, zorder=2)
        axes.plot(
            counts, value, color=colour, marker=mark, linestyle=line, markersize=3.5, linewidth=1.2,
            zorder=3, label=curve.policy,
        )  # fmt: skip
    axes.axhline(0, color=style.INK, linewidth=0.7, zorder=1)
    axes.set_xscale("log")
    ticks = [10**power for power in range(7) if counts[0] <= 10**power <= counts[-1]]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_title(f"{name[0].upper()}{name[1:]}", fontsize=9)
    axes.set_xlabel("Submissions")


def _rows(study: FeedbackStudy, curve: Curve) -> list[tuple[Value, ...]]:
    return [
        (curve.attack, curve.policy, count, one.value, one.low, one.high)
        for count, one in zip(study.settings.counts, curve.error, strict=True)
    ]


def describe(study: FeedbackStudy, digits: int = 1) -> str:
    """Return the last point of every curve as a Markdown table, points with intervals."""
    attacks = list(dict.fromkeys(curve.attack for curve in study.curves))
    lines = [f"| Policy | {' | '.join(attacks)} |", "| --- |" + " --- |" * len(attacks)]
    for policy in dict.fromkeys(curve.policy for curve in study.curves):
        last = [study.curve(name, policy).error[-1] for name in attacks]
        cells = " | ".join(
            f"{number(e.value, digits)} ({number(e.low, digits)} to {number(e.high, digits)})"
            for e in last
        )
        lines.append(f"| {policy} | {cells} |")
    return "\n".join(lines)
