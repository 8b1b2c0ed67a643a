from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from freshset.replication.labelling.answer_table import AnswerTable
from freshset.replication.labelling.quality import worker_quality
from freshset.replication.spec_sections import WorkersSpec


def table(*rows: tuple[int, float, float]) -> AnswerTable:
    """Worker, answer and what it should be."""
    worker, selected, expected = (np.array(column, float) for column in zip(*rows, strict=True))
    n = int(worker.max()) + 1
    names = np.array([f"w{i}" for i in range(n)], dtype=object)
    ids = np.array([str(i) for i in range(len(rows))], dtype=object)
    question = np.arange(len(rows))
    return AnswerTable(worker.astype(int), question, selected, expected, names, ids, ids)


NONE = float("nan")
GOOD = [(0, 1.0, 1.0)] * 10 + [(0, 0.0, 0.0)] * 9 + [(0, 1.0, 0.0)]
BAD = [(1, 1.0, 1.0)] * 10 + [(1, 1.0, 0.0)] * 10
FEW = [(2, 0.0, 1.0)] * 3 + [(2, 0.5, 0.0)] * 2
NEW = [(3, 1.0, NONE)]
ALL = table(*GOOD, *BAD, *FEW, *NEW)


def test_accuracy_on_controls_with_wilson_interval() -> None:
    got = worker_quality(ALL, WorkersSpec())
    assert got.right.tolist() == [19, 10, 1, 0]
    assert got.controls.tolist() == [20, 20, 5, 0]
    assert got.answers.tolist() == [20, 20, 5, 1]
    np.testing.assert_allclose(got.accuracy[:3], [0.95, 0.5, 0.2])
    assert np.isnan([got.accuracy[3], got.low[3], got.high[3]]).all()
    expected = stats.binomtest(19, 20).proportion_ci(0.95, method="wilson")
    assert (got.low[0], got.high[0]) == pytest.approx((expected.low, expected.high))
    # Too few controls decide nothing.
    assert got.failed.tolist() == [False, True, False, False]
    assert got.to_dict()[3]["accuracy"] is None


@pytest.mark.parametrize(
    ("policy", "weights"),
    [
        ("warn", [1, 1, 1, 1]),
        ("drop", [1, 0, 1, 1]),
        # 30 of 45 together: who saw too few controls gets 2 * 30 / 45 - 1.
        ("weight", [0.9, 0, 1 / 3, 1 / 3]),
    ],
)
def test_policies(policy: str, weights: list[float]) -> None:
    got = worker_quality(ALL, WorkersSpec(policy=policy))
    np.testing.assert_allclose(got.weight, weights)
    assert got.failed.tolist() == [False, True, False, False]


def test_without_controls_everybody_counts() -> None:
    got = worker_quality(table(*NEW), WorkersSpec(policy="weight"))
    assert got.weight.tolist() == [1] * 4
    assert not got.failed.any()
