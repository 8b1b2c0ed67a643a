"""The estimators on resamples: each against an independent way to get the same number."""

from __future__ import annotations

import numpy as np
import pytest
from fakes.annotators import answered, frequencies, right
from scipy import stats

from freshset.stats.corrections import ESTIMATORS, BiasOptions, Sides, corrected_gaps, prepared
from freshset.stats.matching import Judged


def test_equal_sets_have_no_gap(rng: np.random.Generator) -> None:
    items = answered(rng, 4_000, 8, hard=0.4)
    gaps = corrected_gaps(items, items, rng=rng)
    np.testing.assert_allclose(gaps[:3], 0, atol=1e-12)
    # The curve is a model, so that it is near only.
    np.testing.assert_allclose(gaps[3], 0, atol=0.01)


def test_naive_gap_by_hand(rng: np.random.Generator) -> None:
    old, new = answered(rng, 900, 5, hard=0.2), answered(rng, 800, 5, hard=0.6)
    expected = old.correct.mean(axis=1)
    for k in range(6):
        expected -= (old.selected == k).mean() * new.correct[:, new.selected == k].mean(axis=1)
    gaps = corrected_gaps(old, new, rng=rng)
    np.testing.assert_allclose(gaps[1], expected)
    np.testing.assert_allclose(gaps[0], old.correct.mean(axis=1) - new.correct.mean(axis=1))


@pytest.mark.parametrize("delete", [1, 3])
def test_jackknife_is_the_mean_over_random_deletions(rng: np.random.Generator, delete: int) -> None:
    old, new = answered(rng, 9_000, 6, hard=0.2), answered(rng, 9_000, 6, hard=0.6)
    sides, _ = prepared(old, new, BiasOptions())
    full = sides.by_answers()[-1]

    def deleted(items: Judged) -> np.ndarray:
        k = items.selected.astype(int)
        return rng.hypergeometric(k, 6 - k, 6 - delete)

    fewer = []
    for _ in range(40):
        k_old, k_new = deleted(old), deleted(new)
        gap = old.correct.mean()
        for k in range(7 - delete):
            gap -= (k_old == k).mean() * new.correct[:, k_new == k].mean()
        fewer.append(gap)
    expected = (6 * full - (6 - delete) * np.mean(fewer)) / delete
    gaps = corrected_gaps(old, new, rng=rng, options=BiasOptions(delete=delete))
    noise = (6 - delete) / delete * np.std(fewer) / np.sqrt(40)
    assert gaps[2].mean() == pytest.approx(expected, abs=5 * noise)


def test_the_curve_of_the_fit_is_the_true_one_where_data_are_many(rng) -> None:
    old, new = answered(rng, 60_000, 20, hard=0.2), answered(rng, 60_000, 20, hard=0.6)
    sides, _ = prepared(old, new, BiasOptions())
    old_prior, _ = sides.fit(rng, BiasOptions())
    s = frequencies(rng, 200_000, hard=0.2)
    # The adjusted accuracy is the accuracy of these models on the old images.
    truth = right(rng, s).mean(axis=1)
    gaps = corrected_gaps(old, new, rng=rng)
    adjusted = old.correct.mean(axis=1) - gaps[3]
    np.testing.assert_allclose(adjusted, truth, atol=0.01)
    grid = np.linspace(0.1, 0.9, 9)
    np.testing.assert_allclose(old_prior.cdf(grid)[0], stats.ecdf(s).cdf.evaluate(grid), atol=0.02)


def selected_by_answers(rng: np.random.Generator, n: int, items: int) -> tuple[Judged, Judged]:
    """An old set, and a new one matched to it by the answers that it is judged by."""
    old = answered(rng, items, n, hard=0.2)
    s = frequencies(rng, 4 * items, hard=0.6)
    selected = rng.binomial(n, s)
    wanted = np.bincount(old.selected.astype(int), minlength=n + 1)
    chosen = []
    for k in range(n + 1):
        stock = np.flatnonzero(selected == k)
        chosen.append(rng.choice(stock, size=min(wanted[k], len(stock)), replace=False))
    rows = np.concatenate(chosen)
    answers = np.full(4 * items, float(n))
    pool = selected.astype(float), answers
    new = Judged(pool[0][rows], answers[rows], right(rng, s[rows]), pool=pool)
    return old, new


def test_a_matched_set_is_corrected_only_by_its_pool(rng: np.random.Generator) -> None:
    gaps = {"pool": [], "alone": []}
    for _ in range(4):
        old, new = selected_by_answers(rng, 8, 8_000)
        alone = Judged(new.selected, new.answers, new.correct)
        for name, items in (("pool", new), ("alone", alone)):
            gaps[name].append(corrected_gaps(old, items, rng=rng).mean(axis=1))
    pool, alone = (np.mean(gaps[name], axis=0) for name in ("pool", "alone"))
    # True gap 0.  Without the pool the images seem to be what they were selected to be.
    assert pool[0] == pytest.approx(alone[0])
    assert pool[0] > 0.02
    assert abs(pool[2]) < 0.6 * pool[0]
    assert abs(pool[3]) < 0.35 * pool[0]
    assert alone[3] > 0.8 * pool[0]


def test_mixtures_are_no_richer_than_the_counts_allow(rng: np.random.Generator) -> None:
    for n, components in ((2, 1), (4, 1), (5, 2), (7, 2), (8, 3), (20, 3)):
        items = answered(rng, 500, n, hard=0.5)
        sides, _ = prepared(items, items, BiasOptions())
        assert sides.fit(rng, BiasOptions())[0].share.shape == (1, components)


def test_numbers_of_answers_may_differ(rng: np.random.Generator) -> None:
    old, new = answered(rng, 4_000, 12, hard=0.2), answered(rng, 4_000, 8, hard=0.6)
    # Every second old item loses answers at random; nothing changes but the noise.
    k = old.selected.astype(int)
    few = np.where(np.arange(4_000) % 2, 12, 8)
    fewer = Judged(rng.hypergeometric(k, 12 - k, few).astype(float), few.astype(float), old.correct)
    a, b = (corrected_gaps(x, new, rng=rng).mean(axis=1) for x in (old, fewer))
    np.testing.assert_allclose(a, b, atol=0.012)


def test_weights_of_classes_enter_every_estimate(rng: np.random.Generator) -> None:
    old, new = answered(rng, 3_000, 8, hard=0.3), answered(rng, 3_000, 8, hard=0.3)
    twice = np.r_[np.arange(3_000), np.arange(1_000)]
    weights = np.r_[np.full(1_000, 2.0), np.ones(2_000)]
    repeated = Judged(new.selected[twice], new.answers[twice], new.correct[:, twice])
    weighted = Judged(new.selected, new.answers, new.correct, weights)
    a = corrected_gaps(old, repeated, rng=np.random.default_rng(1))
    b = corrected_gaps(old, weighted, rng=np.random.default_rng(1))
    np.testing.assert_allclose(a[:3], b[:3], atol=1e-12)
    np.testing.assert_allclose(a[3], b[3], atol=0.003)


def test_resamples_do_not_depend_on_their_blocks(rng: np.random.Generator) -> None:
    items = answered(rng, 60, 4, hard=0.5)
    sides = Sides(items, items, 4)
    one = np.concatenate([d[0] for d in sides.resamples(120, np.random.default_rng(3))])
    assert one.shape == (120, 60)
    assert (one.sum(axis=1) == 60).all()
    old, new = next(sides.resamples(5, np.random.default_rng(3)))
    assert not np.array_equal(old, new)


def test_estimators_have_names() -> None:
    assert ESTIMATORS == ("raw", "naive", "jackknife", "beta_binomial")
