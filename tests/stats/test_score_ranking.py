from __future__ import annotations

import json

import numpy as np
import pytest

from freshset.stats.score_ranking import score_ranking, weighted_kendall


def one_sided(x, y):
    """Vigna's index with ranks by x, one pair after the other."""
    rank = {i: r for r, i in enumerate(np.argsort(-np.asarray(x), kind="stable"))}
    top = bottom_x = bottom_y = 0.0
    for i in range(len(x)):
        for j in range(i):
            weight = 1 / (rank[i] + 1) + 1 / (rank[j] + 1)
            a, b = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
            top += a * b * weight
            bottom_x += a * a * weight
            bottom_y += b * b * weight
    return top / np.sqrt(bottom_x * bottom_y)


def test_weighted_kendall_by_its_definition(rng) -> None:
    x, y = rng.normal(size=(2, 11))
    expected = (one_sided(x, y) + one_sided(y, x)) / 2
    assert weighted_kendall(x, y) == pytest.approx(expected)


def test_an_exchange_at_the_top_costs_more() -> None:
    order = np.arange(10.0)
    top, bottom = order.copy(), order.copy()
    top[[8, 9]], bottom[[0, 1]] = top[[9, 8]], bottom[[1, 0]]
    assert weighted_kendall(order, order) == pytest.approx(1)
    assert weighted_kendall(order, -order) == pytest.approx(-1)
    assert weighted_kendall(order, top) < weighted_kendall(order, bottom) < 1


def test_ranking_with_its_interval(rng) -> None:
    accuracy = np.linspace(0.6, 0.9, 12)
    score = accuracy + 0.05 * rng.normal(size=12)
    found = score_ranking(score, accuracy, rng=rng, n_resamples=400)
    assert found.weighted.value == weighted_kendall(score, accuracy)
    assert found.weighted.low < found.weighted.value <= found.weighted.high <= 1
    assert found.regret == pytest.approx(0.9 - accuracy[score.argmax()])
    assert json.loads(json.dumps(found.to_dict()))["n_models"] == 12


def test_a_constant_score_ranks_nothing(rng) -> None:
    found = score_ranking(np.ones(4), [0.1, 0.2, 0.3, 0.4], rng=rng, n_resamples=50)
    assert np.isnan(found.weighted.value)
    assert found.to_dict()["weighted"]["value"] is None
    # Whoever picks among equals gets the mean of them.
    assert found.regret == pytest.approx(0.4 - 0.25)


def test_what_cannot_be_ranked_is_refused(rng) -> None:
    for x, y in (([1], [1]), ([1, 2], [1]), ([1, np.nan], [1, 2])):
        with pytest.raises(ValueError, match=r"need|finite"):
            score_ranking(x, y, rng=rng)
