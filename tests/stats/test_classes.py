"""Class ids in another order than the labels': found where planted, and only there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.stats.classes import class_order_mismatch, histogram_distance

Ids = npt.NDArray[np.int64]


def model(rng: np.random.Generator, n: int, classes: int, accuracy: float) -> tuple[Ids, Ids]:
    """Predictions in the order of the labels, and the labels."""
    labels = rng.integers(0, classes, size=n)
    guesses = rng.integers(0, classes, size=n)
    return np.where(rng.random(n) < accuracy, labels, guesses), labels


def string_sorted(classes: int) -> Ids:
    """The class that the i-th folder holds when folders 0, 1, 2, ... are listed as strings."""
    return np.array(sorted(range(classes), key=str))


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        ("string-sorted", string_sorted(100)),
        ("string-sorted", np.argsort(string_sorted(100))),
        ("shifted", np.roll(np.arange(100), 1)),
        ("shifted", np.roll(np.arange(100), -1)),
        ("other", np.random.default_rng(0).permutation(100)),
    ],
)
def test_planted_order_is_found_and_named(kind: str, order: Ids, rng: np.random.Generator) -> None:
    predictions, labels = model(rng, 10_000, 100, 0.8)
    found = class_order_mismatch(order[predictions], labels, 100, rng=rng)
    assert found is not None
    assert found.kind == kind
    # What the permutation makes of a prediction is what the model meant by it.
    np.testing.assert_array_equal(found.permutation[order], np.arange(100))
    assert found.permuted_accuracy == pytest.approx(np.mean(predictions == labels), abs=0.02)
    assert found.accuracy == pytest.approx(np.mean(order[predictions] == labels), abs=0.02)


def test_swapping_two_of_ten_classes_is_a_mismatch_of_no_special_kind(
    rng: np.random.Generator,
) -> None:
    predictions, labels = model(rng, 5_000, 10, 0.9)
    swapped = np.array([0, 1, 2, 5, 4, 3, 6, 7, 8, 9])
    found = class_order_mismatch(swapped[predictions], labels, 10, rng=rng)
    assert found is not None
    np.testing.assert_array_equal(found.permutation, swapped)
    assert found.kind == "other"


@pytest.mark.parametrize(
    ("n", "classes", "accuracy"),
    [(10_000, 1_000, 0.75), (2_000, 10, 0.3), (2_000, 1_000, 0.05), (40, 10, 0.5), (4, 2, 0.5)],
)
def test_models_in_the_order_of_the_labels_are_left_alone(
    n: int, classes: int, accuracy: float
) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        predictions, labels = model(rng, n, classes, accuracy)
        assert class_order_mismatch(predictions, labels, classes, rng=rng) is None


def test_guessing_has_no_order_to_be_found(rng: np.random.Generator) -> None:
    predictions, labels = rng.integers(0, 20, size=(2, 3_000))
    assert class_order_mismatch(predictions, labels, 20, rng=rng) is None


def test_a_confusion_that_is_no_permutation_is_left_alone(rng: np.random.Generator) -> None:
    # A model that calls every animal a dog is bad, and not in another order.
    labels = rng.integers(0, 10, size=5_000)
    assert class_order_mismatch(np.where(labels < 6, 0, labels), labels, 10, rng=rng) is None


def test_class_spaces_too_large_for_an_assignment_are_left_alone(rng: np.random.Generator) -> None:
    predictions, labels = model(rng, 40_000, 4_001, 0.9)
    assert class_order_mismatch((predictions + 1) % 4_001, labels, 4_001, rng=rng) is None


def test_finding_depends_on_nothing_but_the_generator(rng: np.random.Generator) -> None:
    predictions, labels = model(rng, 2_000, 20, 0.7)
    shifted = (predictions + 1) % 20
    first, second = (
        class_order_mismatch(shifted, labels, 20, rng=np.random.default_rng(3)) for _ in range(2)
    )
    assert first is not None
    assert second is not None
    assert first.permuted_accuracy == second.permuted_accuracy


ids = st.lists(st.integers(0, 5), min_size=1, max_size=40)


@given(ids, ids)
def test_histogram_distance_is_half_the_sum_of_differences(first: Any, second: Any) -> None:
    a, b = np.array(first), np.array(second)
    expected = sum(abs(np.mean(a == c) - np.mean(b == c)) for c in range(6)) / 2
    got = histogram_distance(a, b, 6)
    assert got == pytest.approx(expected)
    assert got == pytest.approx(histogram_distance(b, a, 6))
    assert 0 <= got <= 1 + 1e-12


def test_limits_of_the_histogram_distance() -> None:
    assert histogram_distance(np.array([0, 1, 1]), np.array([1, 0, 1]), 2) == 0
    assert histogram_distance(np.array([0, 0]), np.array([1]), 2) == 1
