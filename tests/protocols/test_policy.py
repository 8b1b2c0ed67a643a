from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freshset.core.errors import DataError, UsageError
from freshset.protocols.policy import Exact, Rounded, as_losses, exact, nearest_multiple


def test_means_are_exact() -> None:
    assert as_losses(np.array([True, False, False])).mean == Fraction(1, 3)
    assert as_losses([0.0, 1.0, 1.0]).whole
    tenths = as_losses([0.1] * 10)
    assert not tenths.whole
    assert tenths.mean == Fraction(1.0) / 10


@pytest.mark.parametrize("bad", [[], [[0, 1]], ["a"], [0.5, 1.5], [-0.1], [np.nan]])
def test_what_is_no_loss_is_refused(bad: list[object]) -> None:
    with pytest.raises(DataError):
        as_losses(bad)


def test_another_length_is_refused_and_nothing_is_counted() -> None:
    policy = Exact()
    policy.submit([0, 1, 1])
    with pytest.raises(DataError, match="2 losses, where there are 3"):
        policy.submit([0, 1])
    assert policy.submissions == 1


def test_exact_shows_the_mean() -> None:
    policy = Exact()
    first = policy.submit([0, 1, 1, 1])
    assert (first.loss, first.accuracy, first.improved) == (0.75, 0.25, True)
    assert not policy.submit([1, 1, 1, 1]).improved
    assert first.to_dict() == {
        "schema": "freshset.answer/1", "loss": 0.75, "improved": True, "remaining": None,
    }  # fmt: skip


def test_rounded_shows_multiples_of_a_decimal_step() -> None:
    policy = Rounded(step=0.1)
    assert policy.submit([0, 0, 1]).loss == 0.3
    assert policy.submit([0, 1, 1]).loss == 0.7
    assert nearest_multiple(Fraction(1, 20), Fraction(1, 10)) == 0  # halves to the even one


@pytest.mark.parametrize("step", [0, -0.1, 1.5, "x", "nan", "inf", "1/0"])
def test_steps_that_mean_nothing(step: object) -> None:
    with pytest.raises(UsageError, match="not above 0"):
        exact(step, "step")


@given(
    st.lists(
        st.lists(st.integers(0, 1), min_size=7, max_size=7), min_size=1, max_size=20
    )
)  # fmt: skip
def test_rounding_moves_no_answer_by_more_than_half_a_step(many: list[list[int]]) -> None:
    plain, rounded = Exact(), Rounded(step="0.05")
    for losses in many:
        one, other = plain.submit(losses).loss, rounded.submit(losses).loss
        assert one is not None
        assert other is not None
        assert abs(one - other) <= 0.025 + 1e-12
        assert Fraction(str(other)) % Fraction("0.05") == 0
