"""Tables of correlations, gains, rankings, convergence and cost."""

from __future__ import annotations

import pytest
from fakes.transfer_results import simulated

from freshset.reports.transfer_numbers import number_tables
from freshset.transfer.analysis.analyse import analyse
from freshset.transfer.analysis.settings import AnalysisSettings

FAST = AnalysisSettings(resamples=200, draws=200, score_resamples=60, embed=False)


def made(*args, **kwargs):
    analysis = analyse(simulated(*args, **kwargs), FAST)
    return analysis, {table.name: table for table in number_tables(analysis)}


def test_numbers_are_those_of_the_analysis() -> None:
    analysis, tables = made(5, 2, 1)
    assert list(tables) == ["correlations", "gains", "rankings", "convergence", "cost"]
    first = tables["correlations"].rows[0]
    r = analysis.regimes[0].source.overall[0].r
    assert first[4].values == pytest.approx((r.value, r.low, r.high))
    assert len(tables["correlations"].rows) == 3 * (3 + 2 + 1)
    assert "within 3 families" in tables["correlations"].rows[5][1].text
    gain = tables["gains"].rows[0]
    assert gain[2].values[0] == pytest.approx(analysis.gains[0].mean.difference.value)
    assert gain[4].values[0] == pytest.approx(analysis.gains[0].mean.p)
    assert len(tables["rankings"].rows) == 4
    assert [row[3].values[0] for row in tables["convergence"].rows] == [300, 3000, 300, 3000]
    assert tables["cost"].rows[1][2].values == (20.0,)


def test_what_there_is_not_is_left_out_or_said() -> None:
    _, tables = made(1, 2, 1, extras=False)
    assert list(tables) == ["correlations", "gains", "cost"]
    assert "One model has results" in tables["correlations"].rows[0][1].text
    assert all(row[4].values == (None, None, None) for row in tables["correlations"].rows)
