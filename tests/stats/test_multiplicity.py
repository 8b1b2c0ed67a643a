"""Adjusted p-values against their definitions and against the errors they promise to bound."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from freshset.stats.multiplicity import Method, adjust

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def holm_by_definition(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Step down: the i-th smallest times the hypotheses still open, never decreasing."""
    order = np.argsort(p, kind="stable")
    out = np.empty(len(p))
    so_far = 0.0
    for i, j in enumerate(order):
        so_far = max(so_far, (len(p) - i) * p[j])
        out[j] = min(1.0, so_far)
    return out


@settings(max_examples=30)
@given(P_VALUES)
def test_holm_equals_its_definition(values: list[float]) -> None:
    p = np.array(values)
    np.testing.assert_allclose(adjust(p, "holm"), holm_by_definition(p), rtol=1e-12)


def bh_by_definition(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Step up: the smallest m p(j) / j over all j whose p-value is no smaller."""
    in_order = np.sort(p)
    scaled = in_order * len(p) / np.arange(1, len(p) + 1)
    return np.array([min(1.0, scaled[in_order >= value].min()) for value in p])


@given(P_VALUES)
def test_bh_equals_its_definition(values: list[float]) -> None:
    p = np.array(values)
    np.testing.assert_allclose(adjust(p, "bh"), bh_by_definition(p), rtol=1e-12)


@pytest.mark.parametrize(("method", "theirs"), [("holm", "holm"), ("bh", "fdr_bh")])
def test_all_pairs_of_a_leaderboard_equal_statsmodels(
    method: Method, theirs: str, rng: np.random.Generator
) -> None:
    # 67 models make 2,211 pairs, most of them far apart, some tied and some with p = 1.
    p = np.concatenate([rng.random(1_700) ** 8, np.full(500, 1e-9), np.ones(11)])
    expected = multipletests(p, method=theirs)[1]
    np.testing.assert_allclose(adjust(p, method), expected, rtol=1e-12)


@settings(max_examples=30)
@given(P_VALUES)
def test_adjustment_keeps_order_and_only_raises(values: list[float]) -> None:
    p = np.array(values)
    order = np.argsort(p, kind="stable")
    holm, bh = adjust(p, "holm"), adjust(p, "bh")
    for adjusted in (holm, bh):
        assert np.all(adjusted >= p * (1 - 1e-12))
        assert np.all(adjusted <= 1)
        assert np.all(np.diff(adjusted[order]) >= 0)
    # Bounding any false finding costs more than bounding their share, and less than Bonferroni.
    assert np.all(bh <= holm * (1 + 1e-12))
    assert np.all(holm <= np.minimum(1, len(p) * p) * (1 + 1e-12))


@settings(max_examples=30)
@given(P_VALUES, st.randoms(use_true_random=False))
@pytest.mark.parametrize("method", ["holm", "bh"])
def test_order_of_tests_does_not_matter(
    method: Method, values: list[float], random: object
) -> None:
    p = np.array(values)
    order = list(range(len(p)))
    random.shuffle(order)
    np.testing.assert_allclose(adjust(p[order], method), adjust(p, method)[order], rtol=1e-12)


@pytest.mark.parametrize("method", ["holm", "bh", "none"])
def test_one_test_needs_no_adjustment_and_none_has_none(method: Method) -> None:
    assert adjust([0.03], method).tolist() == [0.03]
    assert adjust([], method).size == 0


def test_none_returns_a_copy() -> None:
    p = np.array([0.2, 0.1])
    adjust(p, "none")[0] = 0.9
    assert p[0] == 0.2


def test_holm_bounds_the_chance_of_any_false_finding(rng: np.random.Generator) -> None:
    # Few repetitions: statsmodels' Holm collects garbage at every call, which takes its time.
    repetitions = 80
    # Five true effects among fifteen nulls: step-down methods spend what those leave over.
    null = rng.random((repetitions, 15))
    effects = rng.random((repetitions, 5)) * 1e-4
    wrong = [
        np.any(adjust(np.concatenate([a, b]), "holm")[:15] <= 0.05)
        for a, b in zip(null, effects, strict=True)
    ]
    assert np.mean(wrong) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / repetitions)


def test_bh_bounds_the_expected_share_of_false_findings(rng: np.random.Generator) -> None:
    repetitions = 2_000
    null = rng.random((repetitions, 15))
    effects = rng.random((repetitions, 5)) * 1e-4
    shares = []
    for a, b in zip(null, effects, strict=True):
        found = adjust(np.concatenate([a, b]), "bh") <= 0.05
        shares.append(found[:15].sum() / max(1, found.sum()))
    # Independent tests, 15 of 20 null: the share is exactly .05 * 15 / 20.
    assert np.mean(shares) == pytest.approx(0.0375, abs=3 * np.std(shares) / np.sqrt(repetitions))


@pytest.mark.parametrize("p", [[-0.1], [1.1], [float("nan")], [[0.1, 0.2]], 0.1])
def test_values_that_are_no_p_values_are_refused(p: object) -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        adjust(p)


@pytest.mark.parametrize("p", [[0.1], []])
def test_unknown_method_is_refused_even_without_tests(p: list[float]) -> None:
    with pytest.raises(ValueError, match="unknown method 'sidak'"):
        adjust(p, "sidak")
