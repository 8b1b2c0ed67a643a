from __future__ import annotations

import sys

import numpy as np
import pytest

from freshset.core.errors import DataError, MissingExtraError, UsageError
from freshset.replication.duplicates.approximate import approximate_nearest
from freshset.replication.duplicates.neighbours import nearest


def test_what_is_found_is_measured_exactly_and_the_rest_is_said(rng: np.random.Generator) -> None:
    centres = rng.normal(0, 20, (30, 16))
    references = np.repeat(centres, 200, axis=0) + rng.normal(0, 1, (6000, 16))
    queries = centres + rng.normal(0, 1, (30, 16))
    exact = nearest(queries, references, 5)
    few = approximate_nearest(queries, references, 5, probes=1, rng=rng)
    many = approximate_nearest(queries, references, 5, probes=1000, rng=rng)
    for found in (few, many):
        there = found.nearest.indices >= 0
        for row, query in enumerate(queries):
            ids = found.nearest.indices[row][there[row]]
            distances = np.square(references[ids] - query).sum(axis=1)
            assert np.allclose(found.nearest.distances[row][there[row]], distances)
        share = [
            np.isin(a, b).mean() for a, b in zip(exact.indices, found.nearest.indices, strict=True)
        ]
        assert found.recall == pytest.approx(np.mean(share))
        assert found.recall_se == pytest.approx(np.std(share, ddof=1) / np.sqrt(30))
    assert few.recall < many.recall
    assert many.recall > 0.95


def test_small_pools(rng: np.random.Generator) -> None:
    references = rng.integers(0, 256, (7, 8), np.uint8)
    found = approximate_nearest(references[:1], references, 30, rng=rng)
    assert found.recall == 1
    assert np.isnan(found.recall_se)
    assert np.array_equal(found.nearest.indices, nearest(references[:1], references, 30).indices)


def test_bad_input(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.ones((5, 3))
    with pytest.raises(UsageError, match="nothing to search"):
        approximate_nearest(rows[:0], rows, 2, rng=rng)
    with pytest.raises(DataError, match="references: row 0 holds NaN"):
        approximate_nearest(rows, rows * np.nan, 2, rng=rng)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtraError, match=r"freshset\[faiss\]"):
        approximate_nearest(rows, rows, 2, rng=rng)
