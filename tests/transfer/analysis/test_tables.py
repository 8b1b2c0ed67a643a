"""Tables against direct computations, and complete parts against all there are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from fakes.transfer_results import simulated, without
from scipy.special import logit

from freshset.transfer.analysis.tables import by_cell, complete_part, regime_table, seed_spread


def largest(there: np.ndarray) -> int:
    rows = range(there.shape[0])
    sizes = [
        (size + 1) * int(there[list(some)].all(axis=0).sum())
        for size in rows
        for some in combinations(rows, size + 1)
    ]
    return max(sizes)


def test_complete_parts_are_complete_and_rarely_smaller_than_need_be(rng) -> None:
    ratio = []
    for _ in range(60):
        there = rng.random((6, 5)) < 0.85
        rows, columns = complete_part(there)
        assert there[np.ix_(rows, columns)].all()
        ratio.append(rows.size * columns.size / largest(there))
    assert np.mean(ratio) > 0.95
    assert np.mean(np.array(ratio) == 1) > 0.7


def test_one_gap_costs_as_little_as_it_can() -> None:
    there = np.ones((16, 12), dtype=bool)
    there[3, 7] = False
    rows, columns = complete_part(there)
    assert (rows.size, columns.size) == (15, 12)
    full = complete_part(np.ones((2, 3), dtype=bool))
    assert (full[0].size, full[1].size) == (2, 3)


def test_scores_are_means_over_seeds(results) -> None:
    table = regime_table(results, by_cell(results), "finetune")
    assert table is not None
    for i, model in enumerate(table.models):
        for j, dataset in enumerate(table.datasets):
            mine = [
                r.score
                for r in results.results
                if (r.model, r.dataset, r.regime) == (model, dataset, "finetune")
            ]
            assert table.score[i, j] == pytest.approx(np.mean(mine))
            assert table.logits[i, j] == pytest.approx(logit(np.mean(mine)))
    assert table.left_out == ()


def test_what_lacks_cells_is_named() -> None:
    results = without(
        simulated(4, 4, 1, extras=False), ("net 1", "set-2", "features"),
        *((f"net {i}", "set-3", "features") for i in range(3)),
        *((f"net {i}", f"set-{j}", "scratch") for i in range(4) for j in range(4)),
    )  # fmt: skip
    table = regime_table(results, by_cell(results), "features")
    assert table is not None
    assert (table.models, table.datasets) == (
        ("net 0", "net 2", "net 3"),
        ("set-0", "set-1", "set-2"),
    )
    assert table.left_out == ("net 1", "set-3")
    assert regime_table(results, by_cell(results), "scratch") is None


def test_spread_between_seeds_is_pooled() -> None:
    results = simulated(3, 2, 3, extras=False)
    found = seed_spread(results, by_cell(results), "scratch")
    cells = [
        [r.score for r in results.results if (r.model, r.dataset, r.regime) == (m, d, "scratch")]
        for m in ("net 0", "net 1", "net 2")
        for d in ("set-0", "set-1")
    ]
    assert (found.least, found.most, found.cells) == (3, 3, 6)
    assert found.points == pytest.approx(100 * np.sqrt(np.mean(np.var(cells, axis=1, ddof=1))))
    assert found.logit == pytest.approx(np.sqrt(np.mean(np.var(logit(cells), axis=1, ddof=1))))
    once = simulated(3, 2, 1, extras=False)
    assert np.isnan(seed_spread(once, by_cell(once), "scratch").points)
