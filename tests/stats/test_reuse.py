from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import pytest

from freshset.stats.agreement import similarity
from freshset.stats.reuse import (
    cover_bound,
    log_transcripts,
    resampled_bound,
    similarity_cover,
    transcript_bound,
    union_bound,
)


def family(rng: np.random.Generator, models: int, n: int, own: float) -> np.ndarray:
    """Models that share their errors but for a share of items of their own."""
    base = rng.random(n) < 0.8
    return np.where(rng.random((models, n)) < own, rng.random((models, n)) < 0.8, base)


def test_the_union_bound_on_paper() -> None:
    assert union_bound(100, 10_000) == pytest.approx(sqrt(log(2000) / 20_000))
    assert union_bound(1, 10**8) < union_bound(10, 10**8)
    assert union_bound(10, 1) == 1.0
    for bad in ((0, 10), (1, 0)):
        with pytest.raises(ValueError, match="at least one"):
            union_bound(*bad)


def test_transcripts_by_counting() -> None:
    # Two answers, three looks: 1 + 2 + 4 models can come up, bounded by 3 * 2^2.
    assert exp(log_transcripts(3, 2)) == pytest.approx(12)
    assert log_transcripts(1, 10**6) == 0
    # At most one change in 4 looks with 5 answers: 4 * (1 + 4 * 5).
    assert exp(log_transcripts(4, 5, changes=1)) == pytest.approx(4 * 21)
    assert log_transcripts(1000, 101, changes=3) < log_transcripts(1000, 101) / 50
    assert transcript_bound(log(100), 10_000) == pytest.approx(union_bound(100, 10_000))
    assert transcript_bound(10**6, 10) == 1.0
    with pytest.raises(ValueError, match="at least one"):
        log_transcripts(0, 2)
    with pytest.raises(ValueError, match="at least one"):
        transcript_bound(-1, 10)


def test_covers_cover() -> None:
    rng = np.random.default_rng(0)
    groups = [family(rng, 6, 500, 0.02) for _ in range(3)]
    similar = similarity(np.concatenate(groups))
    for eta in (0.5, 0.9, 0.999, 1.0):
        centres = similarity_cover(similar, eta)
        assert (similar[list(centres)].max(axis=0) >= min(eta, 0.99)).all()
        assert len(set(centres)) == len(centres)
    assert len(similarity_cover(similar, 0.95)) == 3
    assert len(similarity_cover(similar, 0.3)) == 1
    with pytest.raises(ValueError, match="shape"):
        similarity_cover(np.zeros((2, 3)), 0.9)


def test_clones_cost_almost_nothing() -> None:
    rng = np.random.default_rng(1)
    clones = np.repeat(rng.random((1, 5000)) < 0.7, 400, axis=0)
    flips = rng.random(clones.shape) < 0.0005
    got = cover_bound(clones ^ flips)
    assert (got.size, got.models) == (1, 400)
    assert got.bound < cover_bound(rng.random((400, 5000)) < 0.7).bound
    unlike = cover_bound(rng.random((5, 5000)) < 0.7)
    assert (unlike.eta, unlike.size) == (1.0, 5)
    assert unlike.bound >= union_bound(5, 5000)


def test_bounds_hold_and_the_resampled_one_is_near_nominal() -> None:
    rng = np.random.default_rng(2)
    runs, n, level = 150, 400, 0.9
    held = np.zeros(3)
    for _ in range(runs):
        correct = family(rng, 40, n, 0.3)  # every model has a true accuracy of .8
        excess = correct.mean(axis=1).max() - 0.8
        bounds = (
            resampled_bound(correct, rng=rng, level=level, n_resamples=300),
            cover_bound(correct, level=level).bound,
            union_bound(40, n, level=level),
        )
        held += np.array(bounds) >= excess
    assert held[0] / runs == pytest.approx(level, abs=0.09)
    assert (held[1:] / runs >= level).all()


def test_bad_shapes() -> None:
    with pytest.raises(ValueError, match="shape"):
        cover_bound(np.ones(4, dtype=bool))
    with pytest.raises(ValueError, match="shape"):
        resampled_bound(np.ones((0, 4), dtype=bool), rng=np.random.default_rng(0))
