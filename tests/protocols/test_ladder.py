from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from freshset.core.errors import DataError, UsageError
from freshset.protocols.ladder import FreeLadder, Ladder

LABELS = np.array([1, 0, 1, 1, 1, 0])
SUBMISSIONS = ([0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0])

Runs = st.lists(st.lists(st.booleans(), min_size=9, max_size=9), min_size=1, max_size=30)
Reals = st.lists(
    st.lists(st.floats(0, 1, width=16), min_size=5, max_size=5), min_size=1, max_size=15
)


def test_the_example_of_the_authors_readme() -> None:
    # Ladder.jl scores its second submission twice by mistake; step 2 sits on the edge .5 < .5.
    ladder = FreeLadder()
    shown = [ladder.submit(np.array(one) != LABELS) for one in SUBMISSIONS]
    assert [round(answer.loss or 0, 4) for answer in shown] == [0.6667, 0.6667, 0.3333]
    assert [answer.improved for answer in shown] == [True, False, True]


def authors_free(runs: np.ndarray) -> list[float]:
    """Ladder.jl in floating point, line by line."""
    current, leader, out = np.inf, None, []
    for losses in runs:
        loss = losses.mean()
        s = np.std(losses if leader is None else losses - leader, ddof=1)
        if loss < current - s / np.sqrt(len(losses)):
            current, leader = loss, losses
        out.append(current)
    return out


def test_the_free_ladder_is_that_of_the_authors_away_from_the_edge() -> None:
    rng = np.random.default_rng(1)
    quality = rng.uniform(0.3, 0.7, size=(80, 1))
    runs = (rng.random((80, 101)) < quality).astype(float)
    ladder = FreeLadder()
    assert [ladder.submit(losses).loss for losses in runs] == pytest.approx(authors_free(runs))


def test_the_fixed_ladder_on_paper() -> None:
    ladder = Ladder(step=0.1)
    rates = (10, 9, 8, 7, 5, 4)  # of 20; a gain of exactly one step is not enough
    shown = [ladder.submit([1] * k + [0] * (20 - k)).loss for k in rates]
    assert shown == [0.5, 0.5, 0.5, 0.4, 0.2, 0.2]


def test_steps_are_decimal() -> None:
    # In binary fractions 0.3 < 0.4 - 0.1 is true.
    ladder = Ladder(step=0.1)
    ladder.submit([1] * 4 + [0] * 6)
    assert not ladder.submit([1] * 3 + [0] * 7).improved


@given(Runs, st.sampled_from(["0.01", "0.1", "0.25"]))
def test_the_fixed_ladder_is_monotone_and_still_within_a_step(
    runs: list[list[bool]], step: str
) -> None:
    ladder, before = Ladder(step=step), None
    for losses in runs:
        answer = ladder.submit(losses)
        assert answer.loss is not None
        now, mean = Fraction(str(answer.loss)), Fraction(sum(losses), len(losses))
        assert now % Fraction(step) == 0
        if before is not None:
            assert now <= before
            assert answer.improved == (mean < before - Fraction(step)) == (now < before)
        before = now


@given(Runs)
@example([[True] * 4 + [False] * 5, [True] * 3 + [False] * 6])
def test_the_free_ladder_is_mcnemar_above_one(runs: list[list[bool]]) -> None:
    ladder, held, best = FreeLadder(), None, 2.0
    for losses in np.array(runs):
        answer = ladder.submit(losses)
        assert answer.loss is not None
        assert answer.loss <= best
        if held is not None:
            b, c = int((held & ~losses).sum()), int((losses & ~held).sum())
            assert answer.improved == (b > c and (b - c) ** 2 > b + c)
        if answer.improved:
            held = losses
        assert answer.loss == held.mean()
        best = answer.loss


@given(Reals)
def test_real_losses_are_monotone_too(runs: list[list[float]]) -> None:
    ladder, best = FreeLadder(), 2.0
    for losses in runs:
        answer = ladder.submit(losses)
        assert answer.loss is not None
        assert answer.loss <= best
        assert (answer.loss < best) == answer.improved
        assert (5 * answer.loss) == pytest.approx(round(5 * answer.loss))
        best = answer.loss


@given(Runs, st.integers(0, 30), st.sampled_from(["free", "fixed"]))
def test_a_saved_ladder_goes_on_as_if_nothing_had_happened(
    runs: list[list[bool]], cut: int, kind: str
) -> None:
    whole = FreeLadder() if kind == "free" else Ladder(step="0.1")
    part = FreeLadder() if kind == "free" else Ladder(step="0.1")
    one = [whole.submit(losses) for losses in runs]
    other = [part.submit(losses) for losses in runs[:cut]]
    again = type(part).from_dict(json.loads(json.dumps(part.to_dict())))
    other += [again.submit(losses) for losses in runs[cut:]]
    assert one == other
    assert again.to_dict() == whole.to_dict()


def test_real_losses_are_saved_as_they_are() -> None:
    ladder = FreeLadder()
    ladder.submit([0.1, 0.7, 0.3])
    again = FreeLadder.from_dict(json.loads(json.dumps(ladder.to_dict())))
    assert again.submit([0.0, 0.6, 0.2]) == ladder.submit([0.0, 0.6, 0.2])


def test_bad_input() -> None:
    with pytest.raises(DataError, match="no standard deviation"):
        FreeLadder().submit([1])
    with pytest.raises(UsageError, match="step"):
        Ladder(step=0)
    ladder = FreeLadder()
    ladder.submit([1, 0])
    with pytest.raises(DataError, match="where there are 2"):
        ladder.submit([1, 0, 0])
    assert ladder.submissions == 1
