"""Eleven-point average precision: a case by hand, a plain reference, ties, and coverage."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.stats.average_precision import mean_average_precision
from freshset.stats.means import Sampling

QUIET = Sampling(None)


def value(scores: npt.NDArray, relevant: npt.NDArray) -> float:
    return mean_average_precision(scores, relevant, QUIET)[0].value


def plain(scores: npt.NDArray, relevant: npt.NDArray) -> float:
    """One class as VOC 2007 defines it: a precision for every threshold, then the eleven points."""
    points = []
    for threshold in np.unique(scores):
        found = scores >= threshold
        hits = np.count_nonzero(found & relevant)
        points.append((hits, hits / np.count_nonzero(found)))
    wanted = np.count_nonzero(relevant)
    return sum(max(p for hits, p in points if 10 * hits >= j * wanted) for j in range(11)) / 11


def test_a_case_by_hand() -> None:
    # Ordered by score: hit, miss, hit, miss, miss, hit; precision 1, 2/3 and 1/2 at recall 1/3,
    # 2/3 and 1.  Four points of recall lie at or below 1/3, three up to 2/3, four up to 1.
    scores = np.array([[6.0], [5.0], [4.0], [3.0], [2.0], [1.0]])
    relevant = np.array([[True], [False], [True], [False], [False], [True]])
    assert value(scores, relevant) == pytest.approx((4 * 1 + 3 * 2 / 3 + 4 * 1 / 2) / 11)


def test_a_recall_of_three_tenths_counts_as_three_tenths() -> None:
    # Three of ten found first, then a miss before each other one: 3 * 0.1 > 3/10 in floating point.
    hits = [1, 1, 1] + [0, 1] * 7
    scores = -np.arange(len(hits), dtype=float)[:, None]
    relevant = np.array(hits, dtype=bool)[:, None]
    after = [max((3 + j) / (3 + 2 * j) for j in range(i, 8)) for i in range(1, 8)]
    assert value(scores, relevant) == pytest.approx((4 * 1 + sum(after)) / 11)


def test_precision_is_the_best_at_that_recall_or_above() -> None:
    scores = np.array([[4.0], [3.0], [2.0], [1.0]])
    relevant = np.array([[False], [True], [True], [True]])
    assert value(scores, relevant) == pytest.approx(0.75)


@st.composite
def problems(draw: st.DrawFn) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    n, classes = draw(st.integers(1, 25)), draw(st.integers(1, 3))
    seed, values = draw(st.integers(0, 10_000)), draw(st.sampled_from([2, 6, 1_000]))
    rng = np.random.default_rng(seed)
    # Few different scores make many ties.
    return rng.integers(0, values, (n, classes)) / 8, rng.random((n, classes)) < 0.4


@given(problems())
def test_it_equals_a_plain_reference(
    problem: tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]],
) -> None:
    scores, relevant = problem
    shown = relevant.any(axis=0)
    if not shown.any():
        with pytest.raises(ValueError, match="no item shows"):
            value(scores, relevant)
        return
    expected = [plain(scores[:, c], relevant[:, c]) for c in np.flatnonzero(shown)]
    assert value(scores, relevant) == pytest.approx(np.mean(expected))


@given(problems(), st.integers(0, 9))
def test_the_order_of_items_and_the_scale_of_scores_do_not_matter(
    problem: tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]], seed: int
) -> None:
    scores, relevant = problem
    relevant[0, 0] = True
    order = np.random.default_rng(seed).permutation(len(scores))
    before = value(scores, relevant)
    assert value(scores[order], relevant[order]) == pytest.approx(before, abs=1e-12)
    assert value(scores * 2 - 7, relevant) == pytest.approx(before, abs=1e-12)


def test_labels_mean_one_class_an_item_and_classes_without_items_are_left_out(
    rng: np.random.Generator,
) -> None:
    # More classes than are sorted at a time, the last ones shown by no item.
    scores, label = rng.normal(size=(400, 140)), rng.integers(0, 100, size=400)
    one_hot = label[:, None] == np.arange(140)
    assert value(scores, label) == value(scores, one_hot)
    expected = [plain(scores[:, c], one_hot[:, c]) for c in np.unique(label)]
    assert value(scores, label) == pytest.approx(np.mean(expected))


def test_a_perfect_order_scores_one_and_leaves_no_interval(rng: np.random.Generator) -> None:
    label = rng.integers(0, 3, 90)
    scores = (label[:, None] == np.arange(3)).astype(np.float16)
    estimate, method = mean_average_precision(scores, label, Sampling(rng))
    assert estimate.value == 1
    assert np.isnan(estimate.low)
    assert method == "none: all parts agree"


def test_minus_infinity_is_a_score(rng: np.random.Generator) -> None:
    scores = np.array([[-np.inf], [0.0], [np.inf]], dtype=np.float32)
    assert value(scores, np.array([[False], [True], [True]])) == 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_nan_is_refused_with_its_row(dtype: type) -> None:
    scores = np.zeros((5, 130), dtype=dtype)
    scores[3, 129] = np.nan
    with pytest.raises(ValueError, match="row 3 of scores is nan"):
        value(scores, np.zeros(5, dtype=np.int32))


def test_double_precision_is_not_rounded_into_ties() -> None:
    scores = np.array([[1.0], [1.0 + 1e-12]])
    assert value(scores, np.array([[False], [True]])) == 1
    assert value(scores, np.array([[True], [False]])) == 0.5


def test_leaving_out_parts_equals_doing_so(rng: np.random.Generator) -> None:
    scores, label = rng.normal(size=(90, 3)), rng.integers(0, 3, 90)
    scores[np.arange(90), label] += 1
    estimate, method = mean_average_precision(scores, label, Sampling(np.random.default_rng(5)))
    parts = np.array_split(np.random.default_rng(5).permutation(90), 20)
    left = [value(np.delete(scores, p, axis=0), np.delete(label, p)) for p in parts]
    error = np.sqrt(19 / 20 * np.sum((left - np.mean(left)) ** 2))
    assert estimate.high - estimate.value == pytest.approx(2.0930 * error, rel=1e-4)
    assert estimate.value - estimate.low == pytest.approx(2.0930 * error, rel=1e-4)
    assert method == "jackknife, 20 random parts left out in turn"


def test_one_item_has_no_interval(rng: np.random.Generator) -> None:
    estimate, method = mean_average_precision(np.zeros((1, 2)), np.array([1]), Sampling(rng))
    assert estimate.value == 1
    assert method == "none: too few items to leave some out"


def simulate(
    rng: np.random.Generator, n: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    label = rng.integers(0, 8, n)
    scores = rng.normal(size=(n, 8))
    scores[np.arange(n), label] += 1.5
    return scores, label


def test_the_interval_covers_what_other_items_would_give(rng: np.random.Generator) -> None:
    n, repeats = 400, 250
    # The mean over test sets of this size: average precision is biased upwards on few items.
    truth = np.mean([value(*simulate(rng, n)) for _ in range(600)])
    held = 0
    for _ in range(repeats):
        estimate, _ = mean_average_precision(*simulate(rng, n), Sampling(rng))
        held += estimate.low <= truth <= estimate.high
    assert abs(held / repeats - 0.95) <= 3 * np.sqrt(0.95 * 0.05 / repeats) + 0.02
    assert truth > value(*simulate(rng, 100_000))
