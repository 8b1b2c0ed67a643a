"""Scatter plots show every model on every data set, and who is not told apart from the best."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.transfer_results import simulated

from freshset.reports.figures.base import to_svg
from freshset.reports.figures.transfer.source import source_figures
from freshset.reports.svg import inline
from freshset.transfer.analysis.analyse import analyse


def test_every_model_can_be_pointed_at_in_every_panel(transfer) -> None:
    figures = source_figures(transfer)
    assert [f.name for f in figures] == ["source-features", "source-finetune", "source-scratch"]
    figure = figures[1]
    page = inline(figure, "s")
    assert page.count("<title>") == 8 * 6
    assert "Simulated data" in page
    ties = [best.found.tied.sum() for best in transfer.regime("finetune").best]
    ties.append(transfer.regime("finetune").best_mean.tied.sum())
    assert page.count("not told apart from the best</title>") == sum(ties)
    r = transfer.regime("finetune").source.overall[0].r.value
    assert f"Correlation with the mean {r:.2f}" in figure.alt
    assert figure.alt.startswith("Simulated data.")


def test_the_numbers_behind_it(transfer) -> None:
    figure = source_figures(transfer)[0]
    one = transfer.regime("features")
    rows = [tuple(cell.values[0] for cell in row) for row in figure.data.rows]
    assert len(rows) == 8 * 6
    assert rows[0][:2] == ("(mean)", "net 0")
    assert rows[0][5] == pytest.approx(one.means.mean[0])
    assert rows[2][0] == "set-1"
    assert rows[2][4] == pytest.approx(one.table.score[0, 1])
    assert to_svg(figure) == to_svg(figure)


def test_one_data_set_is_its_own_mean_and_one_model_is_no_scatter(fast) -> None:
    alone = analyse(replace(simulated(3, 1, 1, extras=False), simulated=False), fast)
    figure = source_figures(alone)[0]
    page = inline(figure, "s")
    assert page.count("<title>") == 3
    assert "Simulated" not in page + figure.alt
    assert "No correlation: One data set" in figure.alt
    assert source_figures(analyse(simulated(1, 2, 1, extras=False), fast)) == ()


def test_many_data_sets_are_cut_and_said(fast) -> None:
    results = simulated(3, 14, 1, n=60, extras=False)
    one = tuple(r for r in results.results if r.regime == "features")
    (figure,) = source_figures(analyse(replace(results, results=one), fast))
    assert "2 data sets are in the data of the figure only" in figure.alt
    assert inline(figure, "s").count("<title>") == 3 * 13
