from __future__ import annotations

from freshset.reports.figures import all_figures, selection
from freshset.reports.figures.base import to_svg
from freshset.reports.study import Study


def test_gap_by_estimator(judged):
    figure, _ = selection(judged)
    estimates = judged.selection.estimates
    assert [row[1].values[0] for row in figure.data.rows] == [e.mean.value for e in estimates]
    assert "Beta-Binomial" in figure.alt
    low, high = figure.canvas.axes[0].get_ylim()
    assert low < min(0, *(e.mean.low for e in estimates))
    assert high > max(e.mean.high for e in estimates)


def test_matched_gap_by_answers(judged):
    _, figure = selection(judged)
    assert [row[0].values[0] for row in figure.data.rows] == list(range(1, 9))
    assert [row[1].values[0] for row in figure.data.rows] == list(judged.selection.by_answers.gap)


def test_same_bytes_every_time(judged):
    for one, two in zip(selection(judged), selection(judged), strict=True):
        assert to_svg(one) == to_svg(two)


def test_only_with_frequencies(judged, study):
    names = [figure.name for figure in all_figures(Study("t", "t", judged))]
    assert names[-2:] == ["selection", "selection-answers"]
    assert "selection" not in [figure.name for figure in all_figures(study)]
