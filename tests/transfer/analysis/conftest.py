from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.transfer_results import simulated

from freshset.transfer.analysis.analyse import analyse
from freshset.transfer.analysis.result import TransferAnalysis
from freshset.transfer.analysis.settings import AnalysisSettings
from freshset.transfer.results import TransferResults

FAST = AnalysisSettings(resamples=400, draws=400, score_resamples=60, embed=False)


@pytest.fixture(scope="session")
def fast() -> AnalysisSettings:
    return FAST


@pytest.fixture(scope="session")
def results() -> TransferResults:
    """Eight models on four data sets of all metrics, three regimes, two seeds; simulated."""
    return simulated()


@pytest.fixture(scope="session")
def analysis(results: TransferResults) -> TransferAnalysis:
    return analyse(results, replace(FAST, embed=True))
