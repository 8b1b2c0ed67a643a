from __future__ import annotations

import numpy as np
import pytest

from freshset.core.config import CompareSettings
from freshset.generalization.verdict import decide
from freshset.stats.power import fresh_items_for_drop


def test_what_the_sets_can_see(make_scores) -> None:
    scores = make_scores(5, n_old=50_000, n_new=2_000)
    settings = CompareSettings(margin=1.0)
    verdict = decide(scores, 5.0, np.linspace(4, 6, 500), settings)
    assert verdict.outcome == "dropped"
    p = float(scores.accuracy_old.mean())
    assert verdict.fresh_items_needed == fresh_items_for_drop(p, 0.01, 50_000)
    assert verdict.detectable > 1.0
    assert verdict.power < 0.8


@pytest.mark.parametrize(
    ("samples", "outcome"),
    [
        (np.linspace(1, 2, 500), "dropped"),
        (np.linspace(-2, -1, 500), "rose"),
        (np.linspace(-9, 9, 500), "undecided"),
    ],
)
def test_outcomes(make_scores, samples: np.ndarray, outcome: str) -> None:
    assert (
        decide(make_scores(4), float(samples.mean()), samples, CompareSettings()).outcome == outcome
    )


def test_a_margin_beyond_the_accuracy(make_scores) -> None:
    verdict = decide(make_scores(4), 0.0, np.linspace(-1, 1, 500), CompareSettings(margin=99.0))
    assert verdict.power == 1.0
    assert verdict.outcome == "survived"
