"""What the figures of transfer studies share: panels, axes in percent, and colours of the regimes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from freshset.reports.figures import style
from freshset.reports.figures.axes import percent_ticks
from freshset.stats.fits import transform
from freshset.transfer.analysis.tables import REGIME_TITLES
from freshset.transfer.results import Regime


class OfPair(Protocol):
    """What belongs to one model and data set."""

    @property
    def model(self) -> str:
        """Its name."""

    @property
    def dataset(self) -> str:
        """Id of the data set."""


Paired = TypeVar("Paired", bound=OfPair)

COLUMNS = 4
# Panels of one figure; beyond these the numbers are in the figure's data only.
MOST_PANELS = 16
_PANEL = 1.75  # inches
_ONE_PANEL = 5.6
_LEGEND = 0.75


@dataclass(frozen=True, slots=True)
class Look:
    """How one regime is drawn, apart from the others by shape as well as by colour."""

    colour: str
    marker: str
    dashes: tuple[float, ...]


LOOKS: Mapping[Regime, Look] = {
    "features": Look(style.MARK, "s", (1, 1.5)),
    "finetune": Look(style.STRONG, "o", ()),
    "scratch": Look(style.REFERENCE, "^", (4, 2)),
}


def grid(count: int, *, simulated: bool) -> tuple[Canvas, list[Axes]]:
    """Return panels in rows of at most four."""
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    width = _ONE_PANEL if columns == 1 else 0.3 + columns * _PANEL
    height = _LEGEND + (0.6 * width if columns == 1 else rows * _PANEL)
    canvas = Canvas(figsize=(width, height), layout="constrained")
    panels = canvas.subplots(rows, columns, squeeze=False).ravel().tolist()
    for empty in panels[count:]:
        empty.set_visible(False)
    stamp(canvas, simulated=simulated)
    return canvas, panels[:count]


def stamp(canvas: Canvas, *, simulated: bool) -> None:
    """Say on the drawing itself that its data are simulated."""
    if simulated:
        canvas.suptitle("Simulated data", fontsize=8, color=style.MUTED, x=0.995, ha="right")


def settle(canvas: Canvas) -> None:
    """Lay out once, so that every drawing of the figure is the same and names can be placed."""
    canvas.draw_without_rendering()
    canvas.set_layout_engine("none")


def simulated_text(*, simulated: bool) -> str:
    """Opening of a description."""
    return "Simulated data. " if simulated else ""


def legend(canvas: Canvas, regimes: Sequence[Regime], *others: Line2D) -> None:
    """Say below the panels which regime is drawn how."""
    handles = [
        Line2D([], [], color=LOOKS[r].colour, marker=LOOKS[r].marker, markersize=4, linewidth=1.1,
               label=REGIME_TITLES[r])
        for r in regimes
    ]  # fmt: skip
    canvas.legend(handles=[*handles, *others], loc="outside lower center", ncols=4, fontsize=7)


def label_outer(panels: Sequence[Axes], x: str, y: str) -> None:
    """Label the panels at the left and those with nothing below."""
    for i, axes in enumerate(panels):
        if i + COLUMNS >= len(panels):
            axes.set_xlabel(x, fontsize=8)
        if i % COLUMNS == 0:
            axes.set_ylabel(y, fontsize=8)


def logarithmic(axes: Axes, values: Iterable[float], *, wanted: int = 5) -> None:
    """Put counts on a logarithmic axis, with some of the counts themselves as ticks."""
    axes.set_xscale("log")
    known = sorted(set(values))
    apart = (np.log(known[-1]) - np.log(known[0])) / wanted
    ticks: list[float] = []
    for value in known:
        if not ticks or np.log(value) - np.log(ticks[-1]) >= apart:
            ticks.append(value)
    axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(labelsize=7)


def by_pair(rows: Sequence[Paired], titles: Mapping[str, str]) -> list[tuple[str, list[Paired]]]:
    """Rows of each model and data set, in the order of the rows, each under the title of its panel.

    Parameters
    ----------
    titles
        Of the data sets by id; the model is named where there are several.
    """
    found: dict[tuple[str, str], list[Paired]] = {}
    for row in rows:
        found.setdefault((row.model, row.dataset), []).append(row)
    several = len({model for model, _ in list(found)[:MOST_PANELS]}) > 1
    return [
        (f"{titles[dataset]}, {model}" if several else titles[dataset], mine)
        for (model, dataset), mine in found.items()
    ]


def panel_title(axes: Axes, text: str, *, length: int = 30) -> None:
    """Name a panel."""
    shown = text if len(text) <= length else text[: length - 1] + "…"
    axes.set_title(shown, fontsize=8, color=style.INK, pad=3)


def percent_of_logits(axes: Axes, *, x: bool = False, y: bool = False, wanted: int = 5) -> None:
    """Label axes of log odds in percent; call it when the limits are set."""
    for axis, on, (low, high) in (
        (axes.xaxis, x, axes.get_xlim()),
        (axes.yaxis, y, axes.get_ylim()),
    ):
        if on:
            ticks = percent_ticks(low, high, wanted=wanted, scale="logit")
            axis.set_ticks(
                transform(np.array(ticks) / 100, "logit").tolist(), [f"{t:g}" for t in ticks]
            )
    axes.tick_params(labelsize=7)
