"""Agreement statistics against krippendorff and statsmodels."""

from __future__ import annotations

from pathlib import Path

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_kappa

from freshset.stats.answer_agreement import (
    answer_counts,
    fleiss_kappa,
    krippendorff_alpha,
    percent_agreement,
)

TABLES = hnp.arrays(
    np.int64, st.tuples(st.integers(2, 12), st.integers(2, 4)), elements=st.integers(0, 6)
)


@given(TABLES)
def test_alpha_equals_krippendorff(table: np.ndarray) -> None:
    assume((table.sum(axis=1) >= 2).any())
    assume((table[table.sum(axis=1) >= 2].sum(axis=0) > 0).sum() >= 2)
    # The oracle takes two values or more into account only where some question has two answers.
    expected = krippendorff.alpha(
        value_counts=table[table.sum(axis=1) >= 2], level_of_measurement="nominal"
    )
    assert krippendorff_alpha(table) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_kappa_equals_statsmodels(n: int, rng: np.random.Generator) -> None:
    table = rng.multinomial(n, rng.dirichlet(np.ones(3), size=50))
    assert fleiss_kappa(table) == pytest.approx(statsmodels_kappa(table), abs=1e-12)


def test_percent_agreement_counts_pairs() -> None:
    # 3 against 1 agree in 3 of 6 pairs, 2 against 0 in all; one answer says nothing.
    assert percent_agreement([[3, 1], [2, 0], [0, 1]]) == pytest.approx((0.5 + 1) / 2)


def test_krippendorffs_own_example_of_two_observers() -> None:
    # Krippendorff (2011), section A: binary, two observers, ten units, alpha = 0.095.
    first, second = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    table = answer_counts(np.tile(np.arange(10), 2), np.array(first + second), 2)
    assert krippendorff_alpha(table) == pytest.approx(0.095, abs=5e-4)


def test_ends() -> None:
    assert krippendorff_alpha([[3, 0], [0, 2]]) == 1
    assert krippendorff_alpha([[3, 0], [2, 0]]) == 1
    assert fleiss_kappa([[3, 0], [3, 0]]) == 1
    assert percent_agreement([[0, 5]]) == 1
    assert krippendorff_alpha([[1, 1]] * 50) < 0


def test_random_answers_agree_by_chance(rng: np.random.Generator) -> None:
    table = rng.multinomial(5, [0.7, 0.3], size=20_000)
    assert krippendorff_alpha(table) == pytest.approx(0, abs=0.02)
    assert fleiss_kappa(table) == pytest.approx(0, abs=0.02)
    assert percent_agreement(table) == pytest.approx(0.58, abs=0.01)


def test_answer_counts() -> None:
    got = answer_counts(np.array([0, 2, 2]), np.array([1, 0, 0]), 2)
    assert got.tolist() == [[0, 1], [0, 0], [2, 0]]
    assert answer_counts(np.array([], int), np.array([], int), 3).shape == (0, 3)


@pytest.mark.parametrize("function", [krippendorff_alpha, percent_agreement, fleiss_kappa])
@pytest.mark.parametrize(
    "table", [[[1, 0]], [[2, -1], [2, 2]], np.zeros((0, 2)), [1, 2], [[np.nan, 3]]]
)
def test_impossible_tables_are_refused(function: object, table: object) -> None:
    with pytest.raises(ValueError, match=r"two answers|negative|one row|at least two"):
        function(table)


def test_kappa_of_unequal_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="equally many answers"):
        fleiss_kappa([[2, 1], [2, 2]])


@pytest.mark.shared_data
def test_alpha_of_real(shared_data: Path) -> None:
    with np.load(shared_data / "real" / "raters.npz") as archive:
        table = archive["tensor"].sum(axis=0)
    assert table.sum() == 924_810
    assert krippendorff_alpha(table) == pytest.approx(0.412, abs=5e-4)
    yes = table[:, 2]  # no, maybe, yes
    assert krippendorff_alpha(np.stack([yes, table.sum(axis=1) - yes], axis=1)) == pytest.approx(
        0.493, abs=5e-4
    )
