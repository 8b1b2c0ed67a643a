from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freshset.core.errors import UsageError
from freshset.protocols.thresholdout import Thresholdout


def losses(rate: float, n: int = 100) -> list[int]:
    k = round(rate * n)
    return [1] * k + [0] * (n - k)


def test_without_noise_it_is_a_threshold() -> None:
    policy = Thresholdout(threshold=0.05, sigma=0, budget=2)
    assert policy.submit(losses(0.30), claimed=0.27).loss == 0.27
    assert policy.remaining == 2
    assert policy.submit(losses(0.30), claimed=0.2).loss == 0.3
    assert policy.submit(losses(0.30), claimed=0.4).loss == 0.3
    refused = policy.submit(losses(0.30), claimed=0.3)
    assert (refused.loss, refused.accuracy, refused.improved, refused.remaining) == (
        None, None, False, 0,
    )  # fmt: skip
    assert policy.submissions == 4


def test_a_loss_must_be_claimed() -> None:
    policy = Thresholdout(threshold=0.05, sigma=0, budget=2)
    for claimed in (None, -0.1, 1.1, float("nan")):
        with pytest.raises(UsageError, match="Claim the loss"):
            policy.submit([0, 1], claimed=claimed)
    assert policy.submissions == 0


@pytest.mark.parametrize(
    "options",
    [
        {"threshold": -1.0}, {"sigma": -1.0}, {"sigma": float("inf")}, {"budget": -1},
        {"noise": "uniform"}, {"seed": -1},
    ],
)  # fmt: skip
def test_settings_that_mean_nothing(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Thresholdout(**({"threshold": 0.1, "sigma": 0.1, "budget": 1} | options))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=40),
    st.integers(0, 5),
    st.integers(0, 2**40),
    st.sampled_from(["laplace", "gaussian"]),
)
def test_the_budget_is_never_overdrawn_and_a_seed_decides_all(
    many: list[tuple[float, float]], budget: int, seed: int, noise: str
) -> None:
    options = {"threshold": 0.05, "sigma": 0.02, "budget": budget, "seed": seed, "noise": noise}
    one, other = (Thresholdout(**options) for _ in range(2))
    left = budget
    for rate, claimed in many:
        answer = one.submit(losses(rate), claimed=claimed)
        other = Thresholdout.from_dict(json.loads(json.dumps(other.to_dict())))
        assert other.submit(losses(rate), claimed=claimed) == answer
        assert answer.remaining is not None
        assert answer.remaining in {left, left - 1}
        assert answer.remaining >= 0
        if left and answer.remaining == left:
            assert answer.loss == claimed
        assert (answer.loss is None) == (left == 0)
        left = answer.remaining


def test_the_noise_has_the_scales_of_the_paper() -> None:
    draws = 4000
    far = [
        Thresholdout(threshold=0.0, sigma=0.01, budget=None, seed=seed).submit([1, 1], claimed=0.0)
        for seed in range(draws)
    ]
    noise = np.array([answer.loss for answer in far], dtype=float) - 1
    # Laplace: the mean absolute value is the scale; its own standard error is scale / sqrt(draws).
    assert np.abs(noise).mean() == pytest.approx(0.01, abs=4 * 0.01 / np.sqrt(draws))
    assert abs(noise.mean()) < 4 * 0.01 * np.sqrt(2 / draws)
    # T^ + eta = T + Lap(2 sigma) + Lap(4 sigma): how often a gap of 0.05 is above it.
    rng = np.random.default_rng(0)
    limit = 0.03 + rng.laplace(scale=0.02, size=10**6) + rng.laplace(scale=0.04, size=10**6)
    expected = float((limit < 0.05).mean())
    above = [
        Thresholdout(threshold=0.03, sigma=0.01, budget=9, seed=seed)
        .submit(losses(0.05), claimed=0.0)
        .remaining
        == 8
        for seed in range(draws)
    ]
    assert np.mean(above) == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(draws))


def test_the_gaussian_form_is_that_of_the_authors_experiment() -> None:
    draws, sigma, threshold = 4000, 0.02, 0.05
    answers = [
        Thresholdout(threshold=threshold, sigma=sigma, budget=None, noise="gaussian", seed=seed)
        .submit(losses(0.07), claimed=0.0)
        .loss
        for seed in range(draws)
    ]
    told = np.array([loss for loss in answers if loss], dtype=float)
    rng = np.random.default_rng(0)
    expected = float((threshold + sigma * rng.standard_normal(10**6) < 0.07).mean())
    assert len(told) / draws == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(draws))
    assert told.std() == pytest.approx(sigma, rel=0.1)
    assert told.mean() == pytest.approx(0.07, abs=4 * sigma / np.sqrt(len(told)))


def test_the_threshold_is_drawn_anew_only_when_the_budget_is_used() -> None:
    policy = Thresholdout(threshold=0.05, sigma=0.01, budget=None, seed=3)
    shifts = [policy._draw(0, policy.spent, (2.0,))]
    for claimed in (0.3, 0.3, 0.9, 0.3):
        policy.submit(losses(0.3), claimed=claimed)
        shifts.append(policy._draw(0, policy.spent, (2.0,)))
    assert shifts[0] == shifts[1] == shifts[2] != shifts[3] == shifts[4]
