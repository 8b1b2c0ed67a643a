from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from scipy import stats

from freshset.stats.across_datasets import first_within, paired_t, rank_agreement


def test_paired_t_is_that_of_scipy(rng) -> None:
    a, b = rng.normal(size=(2, 12))
    found, expected = paired_t(a, b), stats.ttest_rel(a, b)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.n == 12
    assert found.difference.low == pytest.approx(expected.confidence_interval().low)
    assert json.loads(json.dumps(found.to_dict()))["n"] == 12


def test_one_data_set_gives_no_p() -> None:
    assert np.isnan(paired_t(np.ones(1), np.zeros(1)).p)
    assert paired_t(np.ones(1), np.zeros(1)).to_dict()["p"] is None
    assert np.isnan(paired_t(np.ones(3), np.zeros(3)).p)


def test_concordance_is_that_of_friedman(rng) -> None:
    x = rng.normal(size=(6, 5)) + np.arange(6)[:, None]
    found = rank_agreement(x)
    friedman = stats.friedmanchisquare(*x)
    assert found.w == pytest.approx(friedman.statistic / (5 * 5))
    assert found.p == pytest.approx(friedman.pvalue)
    taus = [
        stats.kendalltau(x[:, i], x[:, j]).statistic for i, j in itertools.combinations(range(5), 2)
    ]
    assert found.mean_tau == pytest.approx(np.mean(taus))
    assert np.allclose(found.tau, found.tau.T)
    assert json.loads(json.dumps(found.to_dict()))["w"] == pytest.approx(found.w)


def test_ties_are_corrected_for(rng) -> None:
    x = rng.integers(0, 3, size=(7, 4)).astype(float)
    friedman = stats.friedmanchisquare(*x)
    assert rank_agreement(x).w == pytest.approx(friedman.statistic / (4 * 6))
    assert np.isnan(rank_agreement(np.ones((3, 2))).w)


def test_full_agreement_and_a_reversal() -> None:
    order = np.arange(5.0)
    assert rank_agreement(np.stack([order, 2 * order], 1)).w == 1
    assert rank_agreement(np.stack([order, -order], 1)).w == 0
    assert rank_agreement(np.stack([order, -order], 1)).mean_tau == pytest.approx(-1)


def test_the_first_length_near_the_best() -> None:
    lengths = [10, 20, 40, 80]
    assert first_within(lengths, [0.0, 1.95, 2.0, 2.04]) == 20
    assert first_within(lengths, [0.0, 1.9, 2.0, np.nan]) == 20
    assert first_within(lengths, [2.0, 0.0, 0.0, 0.0]) == 10
    assert first_within(lengths, [0.1, 0.2, 0.25, 0.3]) == 20
    assert first_within(lengths, [0.1, 0.2, 0.25, 0.3], within=0.0) == 80
    assert first_within(lengths, [np.nan] * 4) is None


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="two models and two data sets"):
        rank_agreement(np.ones((3, 1)))
    with pytest.raises(ValueError, match="increase"):
        first_within([2, 1], [0, 0])
    with pytest.raises(ValueError, match="each length"):
        first_within([1, 2], [0])
    with pytest.raises(ValueError, match="one length"):
        paired_t(np.ones(2), np.ones(3))
