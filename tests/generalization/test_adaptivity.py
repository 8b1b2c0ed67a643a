from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from freshset.core.config import CompareSettings
from freshset.generalization.compare import analyse
from freshset.stats.intervals import clopper_pearson

FAST = CompareSettings(bootstrap=500, item_bootstrap=200)


def test_the_generalization_term_is_the_widest_exact_interval(make_scores) -> None:
    scores = make_scores()
    gap = analyse(scores, FAST).gap
    ci = clopper_pearson(scores.k_new, scores.n_new)
    half = 100 * np.max(ci.high - ci.low) / 2
    assert gap.generalization.identified
    assert gap.generalization.value is not None
    assert gap.generalization.value.high == pytest.approx(half)


def test_the_terms_add_up_where_they_are_identified(make_scores) -> None:
    gap = analyse(make_scores(), replace(FAST, same_distribution=True)).gap
    assert gap.adaptivity.value is not None
    assert gap.distribution.value is not None
    assert gap.adaptivity.value.value + gap.distribution.value.value == pytest.approx(
        gap.total.value
    )


@pytest.mark.parametrize(
    ("slope", "words"), [(1.5, "diminishing returns"), (0.5, "can do the same"), (1.0, "neither")]
)
def test_what_the_slope_says_and_does_not(make_scores, slope: float, words: str) -> None:
    scores = make_scores(10, n_old=10_000, n_new=10_000, per_example=False)
    k_old = np.linspace(0.9, 0.6, 10) * 10_000
    k_new = 4_000 + slope * (k_old - 6_000) + np.array([9, -9] * 5) * 8
    gap = analyse(replace(scores, k_old=k_old, k_new=k_new), replace(FAST, resample="models")).gap
    assert words in gap.adaptivity.note
    assert gap.adaptivity.note.startswith("Not identified")
