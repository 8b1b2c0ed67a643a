"""Parts are taken with their targets, and data sets know what kind of labels they have."""

from __future__ import annotations

from typing import cast

import numpy as np

from freshset.datasets.base import Reader, TestSetRef
from freshset.transfer.datasets.base import OpenDataset, Part, TransferDataset

READER = cast("Reader", None)  # nothing is read here


def test_a_part_is_taken_with_its_targets() -> None:
    part = Part(READER, np.array([5, 6, 9]), np.array([0, 1, 2]))
    taken = part.take(np.array([2, 0]))
    assert len(taken) == 2
    np.testing.assert_array_equal(taken.rows, [9, 5])
    np.testing.assert_array_equal(taken.targets, [2, 0])
    assert taken.ignored is None


def test_what_does_not_count_goes_along() -> None:
    shows = np.array([[True, False], [False, True]])
    part = Part(READER, np.array([1, 2]), shows, ~shows)
    np.testing.assert_array_equal(part.take(np.array([1])).ignored, [[True, False]])


def test_several_labels() -> None:
    ref = TestSetRef("x", "arrays", "x.npy")
    declared = TransferDataset("x", "X", "top1", ref, ref)
    one = Part(READER, np.array([0]), np.array([1]))
    many = Part(READER, np.array([0]), np.array([[True, True]]))
    single = OpenDataset(declared, one, one, one, ("a", "b"), official=False)
    several = OpenDataset(declared, many, many, many, ("a", "b"), official=False)
    assert (single.multilabel, several.multilabel) == (False, True)
    assert single.n_classes == 2
