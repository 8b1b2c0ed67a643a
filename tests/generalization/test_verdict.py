from __future__ import annotations

from dataclasses import replace

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


def test_where_accuracy_cannot_fall_by_the_margin_a_rise_must_be_visible(make_scores) -> None:
    scores = make_scores(2, per_example=False)
    few = replace(scores, n_old=1, n_new=1, k_old=np.zeros(2), k_new=np.zeros(2))
    verdict = decide(few, 0.0, np.zeros(500), CompareSettings())
    assert verdict.outcome == "undecided"
    assert verdict.p_equivalence == 1.0
    assert verdict.power < 0.8
    many = replace(few, n_old=100_000, n_new=100_000)
    assert decide(many, 0.0, np.zeros(500), CompareSettings()).outcome == "survived"
