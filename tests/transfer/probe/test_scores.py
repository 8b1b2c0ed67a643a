from __future__ import annotations

import numpy as np
import pytest

from freshset.core.errors import UsageError
from freshset.transfer.probe.scores import check_metric, score

CLASSES = np.array([2, 4, 7])
LOGITS = np.array([[3.0, 0, 0, 9], [1, 5, 0, 0], [0, 0, 1, 0]])


def test_share_of_right_answers_and_mean_over_classes() -> None:
    labels = np.array([2, 2, 7, 5])  # class 5 was never learned
    assert score(LOGITS, CLASSES, labels, "top1") == 2 / 4
    assert score(LOGITS, CLASSES, labels, "mean-per-class") == pytest.approx((1 / 2 + 1 + 0) / 3)


def test_mean_average_precision() -> None:
    shown = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 1], [1, 0, 0]], dtype=bool)
    # The second class: its images are ranked 1 and 3 or 4 of four, the second two being equal.
    assert score(LOGITS, CLASSES, shown, "map11") == pytest.approx((1 + (6 + 5 / 2) / 11 + 1) / 3)


def test_a_metric_must_fit_the_labels() -> None:
    check_metric("top1", multilabel=False)
    check_metric("map11", multilabel=True)
    for metric, many in (("map11", False), ("top1", True), ("f1", False)):
        with pytest.raises(UsageError):
            check_metric(metric, multilabel=many)
