"""Target sets know their size, whatever their labels."""

from __future__ import annotations

import numpy as np

from freshset.transfer.results import TargetSet


def test_items_are_counted_for_both_kinds_of_labels() -> None:
    single = TargetSet("a", "A", "top1", 10, np.array([0, 1, 1]))
    several = TargetSet("b", "B", "map11", 10, np.zeros((4, 2), dtype=bool))
    assert (single.n_test, several.n_test) == (3, 4)
