"""Similarity and agreement by brute force, and agreement-on-the-line where its premise holds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from freshset.stats.agreement import (
    agreement,
    agreement_off_right,
    agreement_on_the_line,
    independent_similarity,
    mean_over_pairs,
    similarity,
)

FloatMatrix = npt.NDArray[np.float64]
CLASSES = 4


@st.composite
def predictions(draw: st.DrawFn) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    models, items = draw(st.integers(1, 5)), draw(st.integers(1, 30))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    labels = rng.integers(0, CLASSES, size=items)
    guesses = rng.integers(0, CLASSES, size=(models, items))
    right = rng.random((models, items)) < draw(st.floats(0, 1))
    return np.where(right, labels, guesses), labels


@given(predictions())
def test_similarity_counts_items_both_right_or_both_wrong(
    case: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
) -> None:
    guesses, labels = case
    correct = guesses == labels
    got = similarity(correct)
    for i, first in enumerate(correct):
        for j, second in enumerate(correct):
            assert got[i, j] == pytest.approx(np.mean(first == second))


@given(predictions())
def test_agreement_counts_items_of_one_predicted_class(
    case: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
) -> None:
    guesses, _ = case
    got = agreement(guesses)
    for i, first in enumerate(guesses):
        for j, second in enumerate(guesses):
            assert got[i, j] == pytest.approx(np.mean(first == second))


@given(predictions())
def test_agreement_off_right_leaves_out_items_that_both_get_right(
    case: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
) -> None:
    guesses, labels = case
    got = agreement_off_right(guesses, labels)
    for i, first in enumerate(guesses):
        for j, second in enumerate(guesses):
            rest = ~((first == labels) & (second == labels))
            expected = 1.0 if i == j else np.mean((first == second)[rest]) if rest.any() else 0.0
            assert got[i, j] == pytest.approx(expected)


def test_clones_agree_where_they_err_and_strangers_do_not(rng: np.random.Generator) -> None:
    labels = rng.integers(0, 100, size=5_000)
    guesses = np.where(rng.random((3, 5_000)) < 0.8, labels, rng.integers(0, 100, (3, 5_000)))
    guesses[1] = guesses[0]
    off_right = agreement_off_right(guesses, labels)
    assert off_right[0, 1] == 1
    assert off_right[0, 2] < 0.05
    assert agreement(guesses)[0, 2] > 0.6


def test_independent_models_have_the_similarity_of_their_accuracies(
    rng: np.random.Generator,
) -> None:
    n, accuracy = 100_000, np.array([0.3, 0.6, 0.9])
    correct = rng.random((3, n)) < accuracy[:, None]
    expected = independent_similarity(accuracy)
    np.fill_diagonal(expected, 1.0)
    np.testing.assert_allclose(similarity(correct), expected, atol=4 * np.sqrt(0.25 / n))


@given(st.floats(0, 1), st.floats(0, 1))
def test_independent_similarity_is_that_of_the_four_outcomes(p: float, q: float) -> None:
    got = independent_similarity(np.array([p, q]))
    assert got[0, 1] == got[1, 0] == pytest.approx(p * q + (1 - p) * (1 - q))
    # Models that err alike cannot be further apart than their accuracies.
    assert got[0, 1] <= 1 - abs(p - q) + 1e-12


def test_mean_over_pairs_takes_each_pair_once() -> None:
    matrix = np.array([[1.0, 0.2, 0.4], [0.2, 1.0, 0.9], [0.4, 0.9, 1.0]])
    assert mean_over_pairs(matrix) == pytest.approx(0.5)


def test_one_model_has_no_pairs_to_average() -> None:
    with pytest.raises(ValueError, match="two models"):
        mean_over_pairs(np.ones((1, 1)))


# Agreement on the line


def agreements_on_a_line(
    models: int, slope: float, bias: float, rng: np.random.Generator
) -> tuple[FloatMatrix, FloatMatrix]:
    """Symmetric agreements whose probits are exactly on a line."""
    upper = np.triu(rng.uniform(-0.5, 1.2, (models, models)), k=1)
    old = upper + upper.T
    matrices = []
    for probits in (old, slope * old + bias):
        matrix = special.ndtr(probits)
        np.fill_diagonal(matrix, 1.0)
        matrices.append(matrix)
    return matrices[0], matrices[1]


@given(st.floats(0.6, 1.2), st.floats(-0.5, 0.2), st.integers(4, 12))
def test_aline_is_exact_where_accuracy_and_agreement_share_a_line(
    slope: float, bias: float, models: int
) -> None:
    rng = np.random.default_rng(models)
    old, new = agreements_on_a_line(models, slope, bias, rng)
    accuracy = rng.uniform(0.5, 0.9, models)
    truth = special.ndtr(slope * special.ndtri(accuracy) + bias)
    got = agreement_on_the_line(old, new, accuracy, 10**9)
    assert got.slope == pytest.approx(slope)
    assert got.bias == pytest.approx(bias, abs=1e-9)
    assert got.n_pairs == models * (models - 1) // 2
    np.testing.assert_allclose(got.aline_s, truth, atol=1e-9)
    np.testing.assert_allclose(got.aline_d, truth, atol=1e-9)


def test_aline_d_solves_the_normal_equations_of_the_paper(rng: np.random.Generator) -> None:
    models = 7
    old, new = agreements_on_a_line(models, 0.9, -0.2, rng)
    noise = np.triu(rng.normal(0, 0.03, (models, models)), k=1)
    new = np.clip(new + noise + noise.T, 0.06, 0.97)
    accuracy = rng.uniform(0.5, 0.9, models)
    got = agreement_on_the_line(old, new, accuracy, 50_000)
    rows, target = [], []
    z = special.ndtri(accuracy)
    for i in range(models):
        for j in range(i + 1, models):
            rows.append([0.5 * (k in (i, j)) for k in range(models)])
            shift = (z[i] + z[j]) / 2 - special.ndtri(old[i, j])
            target.append(special.ndtri(new[i, j]) + got.slope * shift)
    design = np.array(rows)
    w = np.linalg.solve(design.T @ design, design.T @ np.array(target))
    np.testing.assert_allclose(got.aline_d, special.ndtr(w), rtol=1e-9)
    np.testing.assert_allclose(got.aline_s, special.ndtr(got.bias + got.slope * z), rtol=1e-12)


def test_pairs_that_agree_on_almost_all_or_nothing_are_left_out(rng: np.random.Generator) -> None:
    old, new = agreements_on_a_line(6, 1.0, -0.1, rng)
    accuracy = rng.uniform(0.5, 0.9, 6)
    clean = agreement_on_the_line(old, new, accuracy, 10_000)
    for matrix, (i, j), value in ((old, (0, 1), 0.99), (new, (2, 3), 0.04)):
        matrix[i, j] = matrix[j, i] = value
    got = agreement_on_the_line(old, new, accuracy, 10_000)
    assert got.n_pairs == clean.n_pairs - 2
    assert got.slope == pytest.approx(clean.slope)


def test_accuracy_of_one_stays_finite(rng: np.random.Generator) -> None:
    old, new = agreements_on_a_line(5, 1.0, 0.0, rng)
    accuracy = np.array([1.0, 0.7, 0.8, 0.6, 0.9])
    got = agreement_on_the_line(old, new, accuracy, 500)
    assert got.aline_s[0] == pytest.approx(1 - 1 / 1_000)
    assert np.all(np.isfinite(got.aline_d))


def test_aline_predicts_a_harder_set_without_its_labels(
    correlated_items: Callable[..., npt.NDArray[np.bool_]], rng: np.random.Generator
) -> None:
    old_accuracy = np.linspace(0.55, 0.85, 15)
    new_accuracy = special.ndtr(0.95 * special.ndtri(old_accuracy) - 0.35)
    # One wrong class in four tempts every model; the other errors are each model's own.  Where
    # models err alike more often, agreement no longer tracks accuracy and the premise fails.
    guesses = []
    for accuracy, n in ((old_accuracy, 20_000), (new_accuracy, 20_000)):
        correct = correlated_items(rng, accuracy, n)
        own = rng.integers(2, 200, correct.shape)
        wrong = np.where(rng.random(correct.shape) < 0.25, 1, own)
        guesses.append(np.where(correct, 0, wrong))
    measured = [(g == 0).mean(axis=1) for g in guesses]
    got = agreement_on_the_line(agreement(guesses[0]), agreement(guesses[1]), measured[0], 20_000)
    error = np.abs(got.aline_s - measured[1]).mean()
    unchanged = np.abs(measured[0] - measured[1]).mean()
    assert error < 0.1 * unchanged
    assert np.abs(got.aline_d - measured[1]).mean() < 0.1 * unchanged


def test_too_few_usable_pairs_are_refused() -> None:
    clones = np.full((4, 4), 0.99)
    with pytest.raises(ValueError, match="fewer than 3 pairs"):
        agreement_on_the_line(clones, clones, np.full(4, 0.8), 1_000)


def test_a_model_without_usable_pairs_is_refused(rng: np.random.Generator) -> None:
    old, new = agreements_on_a_line(5, 1.0, 0.0, rng)
    old[4, :4] = old[:4, 4] = 0.99
    with pytest.raises(ValueError, match="too few pairs"):
        agreement_on_the_line(old, new, np.full(5, 0.8), 1_000)
