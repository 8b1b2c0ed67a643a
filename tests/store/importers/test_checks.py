from __future__ import annotations

import numpy as np
import pytest

from freshset.core.errors import DataError, UsageError
from freshset.core.records import TestSet
from freshset.store.importers import checks


def items(n: int) -> TestSet:
    labels = np.arange(n, dtype=np.int32) % 5
    ids = np.array([str(i) for i in range(n)], dtype=object)
    return TestSet("t", n, 5, item_ids=ids, labels=labels)


def test_class_ids_keep_their_shape() -> None:
    assert checks.class_ids(np.array([1, 2], dtype=np.uint8), "f").tolist() == [[1], [2]]
    with pytest.raises(DataError, match="shape"):
        checks.class_ids(np.zeros((1, 1, 1), dtype=int), "f")


def test_repair_needs_evidence() -> None:
    testset = items(100)
    best = np.stack([testset.known_labels, (testset.known_labels + 1) % 5], axis=1).astype(np.int32)
    for repair, topk, expected in (
        ("worst-first", best[:, ::-1], "worst-first"),
        ("worst-first", best, "none"),
        ("none", best[:, ::-1], "none"),
        ("worst-first", best[:, :1], "none"),
    ):
        out, done = checks.repaired(np.ascontiguousarray(topk), testset, repair)
        assert done == expected
        assert (out == (best if done != "none" else topk)).all()


def test_unknown_repair() -> None:
    with pytest.raises(UsageError, match="Use one of: none, worst-first"):
        checks.check_repair("reverse")
