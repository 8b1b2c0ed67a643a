"""Settings refuse what cannot be, and streams of random numbers do not touch."""

from __future__ import annotations

import json

import pytest

from freshset.core.errors import UsageError
from freshset.transfer.analysis.settings import AnalysisSettings


@pytest.mark.parametrize(
    "wrong",
    [{"level": 1}, {"resamples": 10}, {"draws": 0}, {"within": 0}, {"seed": -1},
     {"level": 0.999, "score_resamples": 300}],
)  # fmt: skip
def test_refuses(wrong: dict) -> None:
    with pytest.raises(UsageError, match=next(reversed(wrong))):
        AnalysisSettings(**wrong)


def test_streams_and_plain_values() -> None:
    settings = AnalysisSettings(seed=3)
    assert settings.rng(1, 2).random() == settings.rng(1, 2).random() != settings.rng(2, 1).random()
    assert AnalysisSettings(**json.loads(json.dumps(settings.to_dict()))) == settings
