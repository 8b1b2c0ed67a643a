"""The whole estimate with its errors, on simulated annotators whose true gap is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fakes.annotators import answered

from freshset.stats.corrections import ESTIMATORS, BiasOptions
from freshset.stats.matching import Judged
from freshset.stats.selection_bias import SelectionBias, answers_needed, selection_bias

QUICK = BiasOptions(n_resamples=60)


def simulated(seed: int, n: int, items: int = 6_000, **more) -> SelectionBias:
    rng = np.random.default_rng(seed)
    old, new = answered(rng, items, n, hard=0.15), answered(rng, items, n, hard=0.5)
    return selection_bias(old, new, rng=rng, options=BiasOptions(n_resamples=60, **more))


@pytest.fixture(scope="module")
def runs() -> list[SelectionBias]:
    """The true gap is 0: accuracy depends on the true frequency alone."""
    return [simulated(seed, 10) for seed in range(20)]


def test_bias_falls_from_raw_to_naive_to_jackknife_to_beta_binomial(runs) -> None:
    raw, naive, jackknife, beta = (
        abs(np.mean([getattr(r, name).mean for r in runs])) for name in ESTIMATORS
    )
    assert raw > 3 * naive
    assert naive > 2 * jackknife
    assert jackknife > 2 * beta
    assert beta < 0.004


def test_intervals_cover_and_errors_are_those_seen(runs) -> None:
    for name in ESTIMATORS:
        gaps = np.array([getattr(r, name).mean for r in runs])
        errors = np.array([getattr(r, name).mean_se for r in runs])
        assert 0.6 < errors.mean() / gaps.std(ddof=1) < 1.6, name
    covered = [r.beta_binomial.interval().low <= 0 <= r.beta_binomial.interval().high for r in runs]
    # Nominally 95 %; 15 of 20 or fewer would happen once in 400 times.
    assert sum(covered) >= 16
    # Each model on its own, too.
    within = [np.abs(r.beta_binomial.value) <= 1.96 * r.beta_binomial.se for r in runs]
    assert np.mean(within) > 0.85


def test_naive_interval_does_not_cover(runs) -> None:
    """Were it to cover, the corrections would be for nothing."""
    assert sum(abs(r.naive.mean) < 1.96 * r.naive.mean_se for r in runs) < 12


def test_diagnostic_and_held_out_answers_show_the_regression(runs) -> None:
    for run in runs[:3]:
        assert run.diagnostic.answers.tolist() == list(range(1, 11))
        assert run.diagnostic.gap[-1] == pytest.approx(run.naive.mean)
        assert (np.diff(run.diagnostic.gap) < 0.001).all()
        assert run.diagnostic.r2 > 0.85
        assert (run.held_out.matched_on, run.held_out.answers) == (5, 10)
        assert run.held_out.drop > 5 * run.held_out.se > 0
        assert run.held_out.drop == pytest.approx(run.held_out.old - run.held_out.new)


def test_answers_needed_are_enough() -> None:
    """The number asked for at n = 10 does what it says when so many answers are there."""
    tolerance = 0.01
    asked = np.mean([answers_needed(simulated(s, 10), tolerance).naive for s in range(4)])
    assert 12 < asked < 60
    biases = [simulated(s, round(asked)).naive.mean for s in range(8, 14)]
    assert np.mean(biases) == pytest.approx(tolerance, abs=0.006)
    fewer = [simulated(s, 6).naive.mean for s in range(4)]
    assert np.mean(fewer) > 2 * tolerance


def test_answers_needed_by_its_formula(runs) -> None:
    run = runs[0]
    need = answers_needed(run, 0.005)
    bias = abs(run.naive.mean - run.beta_binomial.mean)
    assert need.naive == math.ceil(10 * bias / 0.005)
    assert need.naive_most >= need.naive
    assert need.jackknife < need.naive
    assert answers_needed(run, 0.5).naive <= 1
    with pytest.raises(ValueError, match="positive"):
        answers_needed(run, 0.0)


def test_same_seed_same_numbers() -> None:
    one, two = (simulated(5, 6, items=600) for _ in range(2))
    np.testing.assert_array_equal(one.samples, two.samples)
    assert one.beta_binomial.mean == two.beta_binomial.mean
    assert one.samples.shape == (60, 4)


def test_missing_frequencies_are_told(rng: np.random.Generator) -> None:
    old, new = answered(rng, 500, 4, hard=0.5), answered(rng, 500, 4, hard=0.5)
    high = new.selected >= 2
    cut = Judged(new.selected[high], new.answers[high], new.correct[:, high])
    run = selection_bias(old, cut, rng=rng, options=QUICK)
    assert run.missing == pytest.approx((old.selected < 2).mean())
    assert np.isfinite([getattr(run, name).mean_se for name in ESTIMATORS]).all()


def test_items_without_answers_are_counted(rng: np.random.Generator) -> None:
    old, new = answered(rng, 300, 4, hard=0.5), answered(rng, 300, 4, hard=0.5)
    answers, selected = old.answers.copy(), old.selected.copy()
    answers[:5], selected[:5] = 0, 0
    run = selection_bias(Judged(selected, answers, old.correct), new, rng=rng, options=QUICK)
    assert (run.answers, run.left_out) == (4, (5, 0))


def test_very_small_sets_have_an_answer(rng: np.random.Generator) -> None:
    """Some resamples have no frequency in common; the others make the errors."""
    old, new = (
        Judged(np.array(k, float), np.full(3, 2.0), np.array([[True, False, True]]))
        for k in ([2, 2, 0], [0, 1, 1])
    )
    run = selection_bias(old, new, rng=rng, options=QUICK)
    assert np.isnan(run.samples).any()
    assert run.missing == pytest.approx(2 / 3)
    assert np.isfinite([getattr(run, name).mean_se for name in ESTIMATORS]).all()
    assert answers_needed(run, 0.1).naive_most >= answers_needed(run, 0.1).naive


def test_bad_input(rng: np.random.Generator) -> None:
    items = answered(rng, 50, 1, hard=0.5)
    with pytest.raises(ValueError, match="1 answers an item are too few"):
        selection_bias(items, items, rng=rng)
    never, always = (
        Judged(np.full(50, k), np.full(50, 4.0), np.ones((4, 50), bool)) for k in (0.0, 4.0)
    )
    with pytest.raises(ValueError, match="no selection frequency in common"):
        selection_bias(never, always, rng=rng)
    more = answered(rng, 50, 4, hard=0.5)
    with pytest.raises(ValueError, match="same models"):
        selection_bias(more, Judged(more.selected, more.answers, more.correct[:2]), rng=rng)
    with pytest.raises(ValueError, match="no item has 9"):
        selection_bias(more, more, rng=rng, options=BiasOptions(answers=9))
    with pytest.raises(ValueError, match="too few"):
        selection_bias(more, more, rng=rng, options=BiasOptions(delete=4))
