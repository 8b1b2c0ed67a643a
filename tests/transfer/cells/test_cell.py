from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from freshset.transfer.cells.cell import Cell, learned_from, subset
from freshset.transfer.datasets.base import Part

READER: Any = SimpleNamespace()
PART = Part(READER, np.arange(100, 200), np.repeat(np.arange(4), [70, 20, 9, 1]))


def test_titles_tell_cells_apart() -> None:
    assert Cell("m", "d", "finetune", 2).title == "m on d, fine-tuned, seed 2"
    assert Cell("m", "d", "scratch", 0, 1500).title.endswith("from scratch, seed 0, 1,500 steps")
    assert Cell("m", "d", "features", 0, 0, (50, 1)).title.endswith("50 images (draw 1)")


def test_all_seeds_of_fixed_features_are_one_shard() -> None:
    assert Cell("m", "d", "features", 0).shard == Cell("m", "d", "features", 1).shard
    shards = {
        cell.shard
        for cell in (
            Cell("m", "d", "features", 0),
            Cell("m", "d", "finetune", 0),
            Cell("m", "d", "finetune", 1),
            Cell("m", "d", "scratch", 0),
            Cell("m", "d", "scratch", 0, 5),
            Cell("m", "e", "scratch", 0),
        )
    }
    assert len(shards) == 6


@pytest.mark.parametrize(("n", "counts"), [(4, [1, 1, 1, 1]), (12, [4, 4, 3, 1]), (100, None)])
def test_subsets_have_all_classes_as_far_as_they_go(n: int, counts: list[int] | None) -> None:
    found = subset(PART, n, 0)
    wanted = counts or [70, 20, 9, 1]
    got = np.bincount(found.targets, minlength=4)
    assert sorted(got[:3].tolist()) == sorted(wanted[:3])
    assert got[3] == wanted[3]
    assert len(set(found.rows.tolist())) == n
    assert (np.diff(found.rows) > 0).all()
    np.testing.assert_array_equal(PART.targets[found.rows - 100], found.targets)


def test_subsets_of_a_draw_lie_within_each_other_and_draws_differ() -> None:
    small, large = (set(subset(PART, n, 3).rows.tolist()) for n in (10, 30))
    assert small < large
    assert set(subset(PART, 30, 4).rows.tolist()) != large
    shown = np.eye(100, dtype=bool)
    several = Part(READER, PART.rows, shown)
    assert len(subset(several, 10, 0).targets) == 10


def test_the_final_run_learns_from_the_validation_part_too_but_not_in_subsets() -> None:
    train, validation = PART.take(np.arange(60)), PART.take(np.arange(60, 100))
    opened: Any = SimpleNamespace(train=train, validation=validation)
    cell = Cell("m", "d", "finetune", 0)
    assert learned_from(opened, cell, final=False) is train
    assert len(learned_from(opened, cell, final=True)) == 100
    few = Cell("m", "d", "finetune", 0, 0, (9, 0))
    assert len(learned_from(opened, few, final=True)) == 9
    assert learned_from(opened, few, final=True).rows.max() < 160
