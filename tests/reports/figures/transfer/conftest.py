from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.transfer_results import simulated

from freshset.transfer.analysis.analyse import analyse
from freshset.transfer.analysis.result import TransferAnalysis
from freshset.transfer.analysis.settings import AnalysisSettings

FAST = AnalysisSettings(resamples=200, draws=200, score_resamples=60, embed=False)


@pytest.fixture(scope="session")
def fast() -> AnalysisSettings:
    return FAST


@pytest.fixture(scope="session")
def transfer() -> TransferAnalysis:
    """Eight simulated models on five data sets, all that a study can have."""
    return analyse(simulated(8, 5, 1), replace(FAST, embed=True))
