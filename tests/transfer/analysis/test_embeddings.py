"""Maps are reproducible, and neighbours are those of the features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from freshset.transfer.analysis.embeddings import embedding_maps


def test_neighbours_by_brute_force_and_the_same_map_twice(results, analysis) -> None:
    before, after = analysis.embeddings
    assert (before.stage, after.stage) == ("before", "after")
    features, labels = results.embeddings[0].features, results.embeddings[0].labels
    distance = np.linalg.norm(features[:, None] - features, axis=2)
    np.fill_diagonal(distance, np.inf)
    assert before.neighbour == pytest.approx((labels[distance.argmin(axis=1)] == labels).mean())
    assert after.neighbour > before.neighbour
    assert before.at.shape == (80, 2)
    again = embedding_maps(replace(results, embeddings=results.embeddings[:1]), analysis.settings)
    assert np.array_equal(again[0].at, before.at)


def test_small_embeddings_and_switched_off(results, fast) -> None:
    first = results.embeddings[0]
    few = replace(first, features=first.features[:5], labels=first.labels[:5])
    narrow = replace(first, features=first.features[:20, :1], labels=first.labels[:20])
    found = embedding_maps(replace(results, embeddings=(few, narrow)), replace(fast, embed=True))
    assert [len(one.labels) for one in found] == [20]
    assert embedding_maps(results, fast) == ()
