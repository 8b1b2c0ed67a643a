from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, precision_recall_curve

from freshset.transfer.cells.judging import answers, judge, spread
from freshset.transfer.datasets.base import Part

READER: Any = SimpleNamespace()


def test_single_labels(rng: np.random.Generator) -> None:
    labels, logits = rng.integers(0, 4, 60), rng.normal(size=(60, 4))
    part = Part(READER, np.arange(60), labels)
    found = answers(part, logits)
    assert found.dtype == np.int32
    assert judge(part, "top1", logits) == pytest.approx((found == labels).mean())
    wanted = balanced_accuracy_score(labels, found)
    assert judge(part, "mean-per-class", logits) == pytest.approx(wanted)


def eleven_points(shown: Any, scores: Any) -> float:
    precision, recall, _ = precision_recall_curve(shown, scores)
    precision, recall = precision[:-1], recall[:-1]  # the last point is no cut
    points = np.arange(11) / 10
    return float(np.mean([precision[recall >= point - 1e-12].max() for point in points]))


def test_several_labels_and_decisions_that_do_not_count(rng: np.random.Generator) -> None:
    shown, logits = rng.random((80, 3)) < 0.4, rng.normal(size=(80, 3))
    part = Part(READER, np.arange(80), shown)
    wanted = np.mean([eleven_points(shown[:, c], logits[:, c]) for c in range(3)])
    assert judge(part, "map11", logits) == pytest.approx(wanted)
    ignored = rng.random((80, 3)) < 0.2
    part = Part(READER, np.arange(80), shown, ignored)
    wanted = np.mean(
        [eleven_points(shown[~ignored[:, c], c], logits[~ignored[:, c], c]) for c in range(3)]
    )
    assert judge(part, "map11", logits) == pytest.approx(wanted)
    np.testing.assert_array_equal(answers(part, logits), logits > 0)


def test_classes_that_were_never_learned() -> None:
    scores = np.array([[1.0, -2.0]], dtype=np.float32)
    found = spread(scores, np.array([0, 2]), 4)
    assert found.dtype == np.float32
    assert found.tolist() == [[1.0, -np.inf, -2.0, -np.inf]]
