"""Tables of transfer studies: data sets, best models, means and scores."""

from __future__ import annotations

from freshset.reports.study import slug_of
from freshset.reports.table import (
    ABSENT,
    Cell,
    Column,
    Table,
    estimate_cell,
    number,
    text_cell,
)
from freshset.stats.types import Estimate
from freshset.transfer.analysis.best import DatasetBest
from freshset.transfer.analysis.regimes import RegimeAnalysis
from freshset.transfer.analysis.result import TransferAnalysis
from freshset.transfer.analysis.tables import REGIME_TITLES

TIED = "="
TIED_HOLM = "~"
METRICS = {
    "top1": "top-1 accuracy",
    "mean-per-class": "mean of per-class accuracies",
    "map11": "11-point mean average precision",
}


def score_tables(analysis: TransferAnalysis) -> tuple[Table, ...]:
    """Return the tables of data sets, models and scores, in the order of the report."""
    return (
        data_sets(analysis),
        best_models(analysis),
        means(analysis),
        *(scores(analysis, one) for one in analysis.regimes),
        *((missing(analysis),) if analysis.missing else ()),
    )


def caption(analysis: TransferAnalysis, text: str) -> str:
    """Caption that says where the data are simulated."""
    return f"Simulated data. {text}" if analysis.simulated else text


def level(analysis: TransferAnalysis) -> str:
    """Confidence level, as people write it."""
    return f"{100 * analysis.settings.level:g} %"


def data_sets(analysis: TransferAnalysis) -> Table:
    """Return table 1 of the paper: what was transferred to."""
    columns = (
        Column("Data set", ("data_set",), "left"),
        Column("Classes", ("classes",)),
        Column("Training images", ("training_images",)),
        Column("Test images", ("test_images",)),
        Column("Metric", ("metric",), "left"),
        Column("Note", ("note",), "left"),
    )
    rows = tuple(
        (
            text_cell(d.title),
            *(Cell((n,), f"{n:,}") for n in (d.classes, d.n_train, d.n_test)),
            Cell((d.metric,), METRICS.get(d.metric, d.metric)),
            text_cell(d.note),
        )
        for d in analysis.datasets
    )
    text = "Data sets. Training images are those of training and validation set together."
    return Table("data-sets", caption(analysis, text), columns, rows)


def best_models(analysis: TransferAnalysis) -> Table:
    """Return table 2 of the paper's form: the best model of each data set in each regime."""
    columns = [Column("Data set", ("data_set",), "left")]
    for one in analysis.regimes:
        title, name = REGIME_TITLES[one.regime].capitalize(), one.regime
        columns += [
            Column(f"{title}: best model", (f"{name}_model",), "left"),
            Column("Score", (f"{name}_fraction",), unit="%"),
            Column("Not told apart", (f"{name}_tied", f"{name}_tied_holm")),
        ]
    rows = tuple(
        (text_cell(d.title), *(cell for one in analysis.regimes for cell in _best(one, d.id)))
        for d in analysis.datasets
    )
    text = (
        "The model with the highest score on each data set, its mean over seeds, and how many others "
        "are not told apart from it by answers of one seed, uncorrected and (in brackets) after "
        "Holm's correction. That another run would change the scores is no part of the tests."
    )
    return Table("best-models", caption(analysis, text), tuple(columns), rows)


def _best(one: RegimeAnalysis, dataset: str) -> tuple[Cell, ...]:
    found = next((best for best in one.best if best.dataset == dataset), None)
    if dataset not in one.table.datasets:
        return (text_cell(ABSENT), Cell((None,), ABSENT), Cell((None, None), ABSENT))
    column = one.table.score[:, one.table.datasets.index(dataset)]
    top = int(column.argmax())
    score = Cell((float(column[top]),), number(100 * float(column[top]), 2))
    ties = Cell((None, None), ABSENT)
    if found is not None:
        tied, holm = (int(t.sum()) - 1 for t in (found.found.tied, found.found.tied_holm))
        ties = Cell((tied, holm), f"{tied:,}", f"[{holm:,}]")
    return (text_cell(one.table.models[top]), score, ties)


def means(analysis: TransferAnalysis) -> Table:
    """Return every model's mean log odds in each regime."""
    columns = [
        Column("Model", ("model",), "left"),
        Column("Family", ("family",), "left"),
        Column(f"Accuracy on {analysis.source}", ("source_accuracy_fraction",), unit="%"),
    ]
    parts = ("log_odds", "low_log_odds", "high_log_odds", "tied")
    columns += [
        Column(
            f"{REGIME_TITLES[one.regime].capitalize()}: mean",
            tuple(f"{one.regime}_{part}" for part in parts),
            unit="log odds",
        )
        for one in analysis.regimes
    ]
    rows = []
    for model in analysis.models:
        source = model.accuracy
        rows.append(
            (
                text_cell(model.name),
                text_cell(model.family),
                Cell((source,), ABSENT if source is None else number(100 * source, 2)),
                *(_mean(one, model.name) for one in analysis.regimes),
            )
        )
    text = (
        f"Mean log odds over data sets, with {level(analysis)} intervals that leave out how hard the "
        f"data sets are (Morey 2008). {TIED} marks means that a paired test over data sets does not "
        "tell apart from the highest one, uncorrected."
    )
    return Table("means", caption(analysis, text), tuple(columns), tuple(rows))


def _mean(one: RegimeAnalysis, model: str) -> Cell:
    if model not in one.table.models:
        return Cell((None,) * 4, ABSENT)
    i = one.table.models.index(model)
    shown = estimate_cell(
        Estimate(float(one.means.mean[i]), float(one.low[i]), float(one.high[i])), 2
    )
    tied = None if one.best_mean is None else bool(one.best_mean.tied[i])
    return Cell((*shown.values, tied), shown.text, shown.interval, TIED if tied else "")


def scores(analysis: TransferAnalysis, one: RegimeAnalysis) -> Table:
    """Return the scores of one regime, models by data sets."""
    titles = {d.id: d.title for d in analysis.datasets}
    columns = [Column("Model", ("model",), "left")]
    columns += [
        Column(titles[id], (f"{id}_fraction", f"{id}_tied", f"{id}_tied_holm"), unit="%")
        for id in one.table.datasets
    ]
    best = {found.dataset: found for found in one.best}
    rows = tuple(
        (
            text_cell(model),
            *(
                _score(float(one.table.score[i, j]), model, best.get(id))
                for j, id in enumerate(one.table.datasets)
            ),
        )
        for i, model in enumerate(one.table.models)
    )
    seeds = one.seeds
    runs = f"{seeds.most:,} seeds" if seeds.most > 1 else "one seed"
    text = (
        f"Scores with {REGIME_TITLES[one.regime]}, means over {runs}, each by the data set's own "
        f"metric. {TIED} marks models that are not told apart from the best one, uncorrected as in the "
        f"paper, {TIED_HOLM} those that only Holm's correction does not tell apart. Tests of mean "
        "average precision are about the accuracy of decisions."
    )
    name = f"scores-{slug_of(REGIME_TITLES[one.regime])}"
    return Table(name, caption(analysis, text), tuple(columns), rows)


def _score(score: float, model: str, best: DatasetBest | None) -> Cell:
    text = number(100 * score, 2)
    if best is None or model not in best.models:
        return Cell((score, None, None), text)
    i = best.models.index(model)
    tied, holm = bool(best.found.tied[i]), bool(best.found.tied_holm[i])
    return Cell((score, tied, holm), text, mark=TIED if tied else TIED_HOLM if holm else "")


def missing(analysis: TransferAnalysis) -> Table:
    """Return the cells that are not there, and why."""
    columns = tuple(
        Column(title, (field,), "left")
        for title, field in (
            ("Model", "model"), ("Data set", "data_set"), ("Regime", "regime"), ("Seed", "seed"),
            ("Why", "reason"),
        )
    )  # fmt: skip
    rows = tuple(
        (
            text_cell(one.model),
            text_cell(one.dataset),
            Cell((one.regime,), REGIME_TITLES[one.regime]),
            Cell((one.seed,), str(one.seed)),
            text_cell(one.reason),
        )
        for one in analysis.missing
    )
    return Table("missing", "Cells that the study asks for and that are not there.", columns, rows)
