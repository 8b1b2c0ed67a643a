"""Source accuracy against accuracy after transfer, the mean and each data set, one figure a regime."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from freshset.reports.figures import style
from freshset.reports.figures.base import Figure, Marks, label
from freshset.reports.figures.labels import place
from freshset.reports.figures.transfer import panels
from freshset.reports.table import Table, Value, number, plain
from freshset.stats.types import BoolArray, FloatArray
from freshset.transfer.analysis.regimes import RegimeAnalysis
from freshset.transfer.analysis.result import TransferAnalysis
from freshset.transfer.analysis.source import source_logits
from freshset.transfer.analysis.tables import REGIME_TITLES

_MOST_NAMED = 20
_APART = "told apart from the best"
_TIED = "not told apart from the best"


@dataclass(frozen=True, slots=True)
class _Panel:
    """One scatter plot: log odds of the models, and which are not told apart from the best."""

    gid: str
    title: str
    axes: Axes
    x: FloatArray
    y: FloatArray
    tied: BoolArray
    titles: tuple[str, ...]


def source_figures(analysis: TransferAnalysis) -> tuple[Figure, ...]:
    """Draw the regimes in which two models have a known source accuracy."""
    return tuple(_figure(analysis, one) for one in analysis.regimes if len(one.source.models) >= 2)


@style.styled()
def _figure(analysis: TransferAnalysis, one: RegimeAnalysis) -> Figure:
    rows = [one.table.models.index(name) for name in one.source.models]
    by_name = {model.name: model for model in analysis.models}
    x = source_logits([by_name[name] for name in one.source.models])
    total = len(one.table.datasets)
    # One data set is its own mean.
    shown = min(total, panels.MOST_PANELS - 4) if total > 1 else 0
    canvas, mean_axes, others = _canvas(shown, simulated=analysis.simulated)
    drawn = [_mean_panel(analysis, one, mean_axes, x, rows)]
    drawn += [_dataset_panel(analysis, one, axes, x, rows, j) for j, axes in enumerate(others)]
    for panel in drawn:
        _scatter(panel)
    _decorate(canvas, analysis, one, drawn[0], rows)
    title = f"Accuracy on {analysis.source} and {REGIME_TITLES[one.regime]}"
    return Figure(
        f"source-{one.regime}",
        title,
        _alt(analysis, one),
        canvas,
        _data(analysis, one, x, rows),
        tuple(marks for panel in drawn for marks in _marks(panel)),
    )


def _canvas(datasets: int, *, simulated: bool) -> tuple[Canvas, Axes, list[Axes]]:
    """One large panel, and small ones beside and below it."""
    if not datasets:
        canvas, (alone,) = panels.grid(1, simulated=simulated)
        return canvas, alone, []
    below = max(0, datasets - 4)
    rows = 2 + -(-below // panels.COLUMNS)
    canvas = Canvas(figsize=(7.4, 0.55 + 1.75 * rows), layout="constrained")
    cells = canvas.add_gridspec(rows, panels.COLUMNS)
    large = canvas.add_subplot(cells[:2, :2])
    if datasets <= 2:
        # Each as wide as two others.
        small = [canvas.add_subplot(cells[row, 2:]) for row in range(datasets)]
        left = small
    else:
        places = [(0, 2), (0, 3), (1, 2), (1, 3)]
        places += [(2 + i // panels.COLUMNS, i % panels.COLUMNS) for i in range(below)]
        small = [canvas.add_subplot(cells[row, column]) for row, column in places[:datasets]]
        left = [
            axes
            for axes, (row, column) in zip(small, places, strict=False)
            if column == (2 if row < 2 else 0)
        ]
    for axes in left:
        axes.set_ylabel("Score (%)", fontsize=8)
    panels.stamp(canvas, simulated=simulated)
    return canvas, large, small


def _mean_panel(
    analysis: TransferAnalysis, one: RegimeAnalysis, axes: Axes, x: FloatArray, rows: list[int]
) -> _Panel:
    y, low, high = (values[rows] for values in (one.means.mean, one.low, one.high))
    bars = np.isfinite(low)
    style.segments(
        axes, (x[bars], low[bars]), (x[bars], high[bars]), colour=style.REFERENCE, width=0.9
    )
    if line := one.source.line:
        axes.plot(line.x, line.y, color=style.INK, linewidth=1.1, zorder=3)
        axes.fill_between(line.x, line.low, line.high, color=style.INK, alpha=0.1, linewidth=0)
    many = len(one.table.datasets) > 1
    found = _tied(one, one.table.datasets[0])
    tied = np.array([found.get(name, False) for name in one.source.models])
    if many and one.best_mean is not None:
        tied = one.best_mean.tied[rows]
    # With two or three data sets bars are so long that nothing else would be seen.
    reach = max(float(np.ptp(y)), 0.1)
    least, most = (min([y.min(), *low[bars]]), max([y.max(), *high[bars]]))
    axes.set_ylim(style.padded(max(least, y.min() - reach), min(most, y.max() + reach)))
    axes.set_ylabel("Mean log odds" if many else "Log odds")
    title = (
        f"Mean of {len(one.table.datasets):,} data sets"
        if many
        else _dataset_title(analysis, one.table.datasets[0])
    )
    titles = tuple(
        _title(analysis, name, f"mean log odds {number(float(value), 2)}", t)
        for name, value, t in zip(one.source.models, y, tied, strict=True)
    )
    return _Panel("mean", title, axes, x, y, tied, titles)


def _dataset_panel(
    analysis: TransferAnalysis,
    one: RegimeAnalysis,
    axes: Axes,
    x: FloatArray,
    rows: list[int],
    j: int,
) -> _Panel:
    y, score = one.table.logits[rows, j], one.table.score[rows, j]
    id = one.table.datasets[j]
    title = _dataset_title(analysis, id)
    tied = _tied(one, id)
    chosen = np.array([tied.get(name, False) for name in one.source.models])
    axes.set_ylim(style.padded(float(y.min()), float(y.max()), 0.08))
    titles = tuple(
        _title(analysis, name, f"{title} {number(100 * float(p), 2)} %", t)
        for name, p, t in zip(one.source.models, score, chosen, strict=True)
    )
    return _Panel(f"set{j}", title, axes, x, y, chosen, titles)


def _dataset_title(analysis: TransferAnalysis, id: str) -> str:
    return next(d.title for d in analysis.datasets if d.id == id)


def _tied(one: RegimeAnalysis, dataset: str) -> dict[str, bool]:
    found = next((best for best in one.best if best.dataset == dataset), None)
    if found is None:
        return {}
    return dict(zip(found.models, found.found.tied.tolist(), strict=True))


def _title(analysis: TransferAnalysis, name: str, score: str, tied: bool) -> str:
    model = next(m for m in analysis.models if m.name == name)
    source = f"{analysis.source} {number(100 * (model.accuracy or 0), 2)} %"
    lines = [label(name, 200), source, score]
    return "\n".join([*lines, *([_TIED] if tied else [])])


def _scatter(panel: _Panel) -> None:
    axes, tied = panel.axes, panel.tied
    size = style.mark_size(len(tied)) * (1 if panel.gid == "mean" else 0.5)
    for gid, chosen, colour in (("plain", ~tied, style.MARK), ("tied", tied, style.STRONG)):
        style.points(
            axes,
            panel.x[chosen],
            panel.y[chosen],
            gid=f"{panel.gid}-{gid}",
            colour=colour,
            size=size,
        )
    axes.set_xlim(style.padded(float(panel.x.min()), float(panel.x.max()), 0.06))
    panels.panel_title(axes, panel.title)
    panels.percent_of_logits(
        axes, x=True, y=panel.gid != "mean", wanted=4 if panel.gid != "mean" else 6
    )


def _decorate(
    canvas: Canvas, analysis: TransferAnalysis, one: RegimeAnalysis, mean: _Panel, rows: list[int]
) -> None:
    canvas.supxlabel(f"Accuracy on {analysis.source} (%, logit scale)", fontsize=9, color=style.INK)
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colour, markersize=5, label=text)
        for colour, text in ((style.STRONG, _TIED), (style.MARK, _APART))
    ]
    mean.axes.legend(handles=handles, loc="best", handletextpad=0.2, borderpad=0.2, fontsize=7)
    panels.settle(canvas)
    if len(rows) <= _MOST_NAMED:
        order = np.argsort(-mean.y, kind="stable")
        lines = [(one.source.line.x, one.source.line.y)] if one.source.line else []
        place(
            mean.axes, mean.x, mean.y, [(int(i), one.source.models[i]) for i in order], avoid=lines
        )


def _marks(panel: _Panel) -> tuple[Marks, ...]:
    groups = (("plain", ~panel.tied), ("tied", panel.tied))
    return tuple(
        Marks(
            f"{panel.gid}-{gid}",
            tuple(title for title, there in zip(panel.titles, chosen, strict=True) if there),
        )
        for gid, chosen in groups
        if chosen.any()
    )


def _alt(analysis: TransferAnalysis, one: RegimeAnalysis) -> str:
    text = (
        f"{panels.simulated_text(simulated=analysis.simulated)}Scatter plots of "
        f"{len(one.source.models):,} models: accuracy on {analysis.source} against the mean over "
        f"{len(one.table.datasets):,} data sets, and against the score on each, with "
        f"{REGIME_TITLES[one.regime]}."
    )
    left = len(one.table.datasets) - (panels.MOST_PANELS - 4)
    if left > 0:
        text += f" {left:,} data sets are in the data of the figure only."
    if one.source.overall and isfinite(one.source.overall[0].r.value):
        r = one.source.overall[0].r
        text += (
            f" Correlation with the mean {number(r.value, 2)} ({number(r.low, 2)} to "
            f"{number(r.high, 2)}), line with its band over models."
        )
    else:
        text += f" No correlation: {one.source.why_not}"
    ties = ", ".join(
        f"{int(best.found.tied.sum()):,} on {_dataset_title(analysis, best.dataset)}"
        for best in one.best
    )
    if ties:
        text += f" Models not told apart from the best, with the best itself: {ties}."
    return text + (
        " Bars are intervals that leave out how hard the data sets are; what lies outside the panel is "
        "in the data of the figure."
    )


def _data(analysis: TransferAnalysis, one: RegimeAnalysis, x: FloatArray, rows: list[int]) -> Table:
    fields = (
        "data_set", "model", "source_accuracy_fraction", "source_log_odds", "score_fraction",
        "log_odds", "low_log_odds", "high_log_odds", "tied_with_best", "tied_after_holm",
    )  # fmt: skip
    by_name = {model.name: model for model in analysis.models}
    holm = {
        best.dataset: dict(zip(best.models, best.found.tied_holm.tolist(), strict=True))
        for best in one.best
    }
    out: list[tuple[Value, ...]] = []
    for k, (i, name) in enumerate(zip(rows, one.source.models, strict=True)):
        head = (name, by_name[name].accuracy, float(x[k]))
        mean = one.best_mean
        ties = (None, None) if mean is None else (bool(mean.tied[i]), bool(mean.tied_holm[i]))
        out.append(
            ("(mean)", *head, None, float(one.means.mean[i]), float(one.low[i]), float(one.high[i]),
             *ties)
        )  # fmt: skip
        for j, dataset in enumerate(one.table.datasets):
            tied = _tied(one, dataset).get(name)
            score, logit = float(one.table.score[i, j]), float(one.table.logits[i, j])
            corrected = holm.get(dataset, {}).get(name)
            out.append((dataset, *head, score, logit, None, None, tied, corrected))
    return plain(f"source-{one.regime}", fields, out)
