from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_rel
from statsmodels.stats.multitest import multipletests

from freshset.stats.best_models import (
    best_by_accuracy,
    best_by_class_mean,
    best_by_decisions,
    best_over_datasets,
)
from freshset.stats.sign_flips import flip_test_exact


def models(rng, n=500, rates=(0.7, 0.9, 0.89, 0.5)):
    hard = rng.random(n)
    return np.array([hard < r + 0.1 * rng.normal(size=n) for r in rates])


def test_accuracy_against_the_binomial_test(rng) -> None:
    correct = models(rng)
    found = best_by_accuracy(correct)
    assert found.best == int(correct.mean(axis=1).argmax())
    for i, row in enumerate(correct):
        b, c = int((correct[found.best] & ~row).sum()), int((row & ~correct[found.best]).sum())
        expected = binomtest(b, b + c, 0.5).pvalue if b + c else 1.0
        assert found.p[i] == pytest.approx(expected)
    others = np.arange(4) != found.best
    assert np.allclose(found.p_holm[others], multipletests(found.p[others], method="holm")[1])
    assert found.p[found.best] == found.p_holm[found.best] == 1
    assert found.tied[found.best]
    assert (found.tied <= found.tied_holm).all()
    assert not found.tied[3]
    assert json.loads(json.dumps(found.to_dict()))["test"] == "mcnemar"


def test_of_equal_models_the_first_is_best() -> None:
    correct = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]], dtype=bool)
    found = best_by_accuracy(correct)
    assert found.best == 0
    assert found.tied.all()


def test_a_class_mean_counts_classes_alike(rng) -> None:
    labels = np.repeat([0, 1], [460, 40])
    correct = np.stack([labels == 0, labels == 1])
    found = best_by_class_mean(correct, labels, rng=rng, n_draws=2000)
    assert found.score.tolist() == [0.5, 0.5]
    assert found.tied.all()
    assert best_by_accuracy(correct).tied.tolist() == [True, False]
    correct = models(rng)
    found = best_by_class_mean(correct, rng.integers(0, 10, 500), rng=rng, n_draws=2000)
    assert not found.tied[3]
    assert found.p[3] == pytest.approx(1 / 2001)


def test_with_classes_of_one_size_it_is_mcnemar(rng) -> None:
    correct, labels = models(rng), np.tile(np.arange(10), 50)
    by_class = best_by_class_mean(correct, labels, rng=rng, n_draws=20_000)
    by_item = best_by_accuracy(correct)
    assert np.allclose(by_class.score, by_item.score)
    assert np.allclose(by_class.p, by_item.p, atol=0.015)


def test_decisions_about_several_classes(rng) -> None:
    correct = rng.random((3, 200, 5)) < np.array([0.9, 0.85, 0.6])[:, None, None]
    found = best_by_decisions(correct)
    assert found.best == 0
    assert np.allclose(found.score, correct.mean(axis=(1, 2)))
    for i in (1, 2):
        assert found.p[i] == flip_test_exact(correct[0].sum(axis=1) - correct[i].sum(axis=1))
    # Decisions of one item that always agree are one decision, not five.
    whole = np.repeat(rng.random((2, 60, 1)) < 0.6, 5, axis=2)
    single = best_by_accuracy(whole[:, :, 0])
    assert np.allclose(best_by_decisions(whole).p, single.p)


def test_what_cannot_be_compared_is_refused(rng) -> None:
    good = np.ones((2, 3), dtype=bool)
    for call in (
        lambda: best_by_accuracy(good[:, :0]),
        lambda: best_by_accuracy(good[0]),
        lambda: best_by_accuracy(good, level=1.0),
        lambda: best_by_class_mean(good, np.zeros(4, int), rng=rng),
        lambda: best_by_decisions(good),
    ):
        with pytest.raises(ValueError, match="must"):
            call()


def test_means_over_data_sets_against_the_paired_test(rng) -> None:
    logits = rng.normal(size=(5, 7)) + np.array([0, 1, 1.1, 3, 2.9])[:, None]
    logits[1] = logits[0]
    found = best_over_datasets(logits)
    assert found.best == int(logits.mean(axis=1).argmax())
    for i, row in enumerate(logits):
        expected = ttest_rel(logits[found.best], row).pvalue if i != found.best else 1.0
        assert found.p[i] == pytest.approx(expected)
    assert found.to_dict()["test"] == "paired-t"
    same = best_over_datasets(np.array([[0.5, 1.5], [0.0, 1.0], [0.5, 1.5]]))
    assert same.best == 0
    assert same.p.tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="at least two"):
        best_over_datasets(logits[:, :1])
