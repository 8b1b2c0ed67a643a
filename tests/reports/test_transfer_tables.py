"""Tables of scores hold the numbers of the analysis."""

from __future__ import annotations

import pytest
from fakes.transfer_results import simulated, without

from freshset.reports.transfer_tables import score_tables
from freshset.transfer.analysis.analyse import analyse
from freshset.transfer.analysis.settings import AnalysisSettings

FAST = AnalysisSettings(resamples=200, draws=200, score_resamples=60, embed=False)


@pytest.fixture(scope="module")
def analysis():
    results = without(simulated(4, 3, 1, extras=False), ("net 1", "set-1", "scratch"))
    return analyse(results, FAST)


def values(table):
    return [[cell.values for cell in row] for row in table.rows]


def test_tables_in_the_order_of_the_report(analysis) -> None:
    tables = {table.name: table for table in score_tables(analysis)}
    assert list(tables) == [
        "data-sets", "best-models", "means", "scores-fixed-features", "scores-fine-tuning",
        "scores-training-from-scratch", "missing",
    ]  # fmt: skip
    assert values(tables["data-sets"])[1][:4] == [("Set 1",), (5,), (80,), (300,)]
    assert values(tables["missing"])[0][-1] == ("out of memory",)


def test_best_means_and_scores(analysis) -> None:
    tables = {table.name: table for table in score_tables(analysis)}
    tuned = analysis.regime("finetune")
    row = values(tables["best-models"])[2]
    column = tuned.table.score[:, 2]
    assert row[4:6] == [(tuned.table.models[column.argmax()],), (pytest.approx(column.max()),)]
    best = tuned.best[2].found
    assert row[6] == (best.tied.sum() - 1, best.tied_holm.sum() - 1)
    mean = values(tables["means"])[1]
    assert mean[4][0] == pytest.approx(tuned.means.mean[1])
    assert mean[4][3] == bool(tuned.best_mean.tied[1])
    assert mean[5] == (None, None, None, None)
    scores = tables["scores-fine-tuning"].rows
    for i, line in enumerate(scores):
        assert line[1].values[0] == pytest.approx(tuned.table.score[i, 0])
        tied, holm = bool(tuned.best[0].found.tied[i]), bool(tuned.best[0].found.tied_holm[i])
        assert line[1].mark == ("=" if tied else "~" if holm else "")
