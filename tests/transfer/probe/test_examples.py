from __future__ import annotations

import numpy as np
import pytest

from freshset.core.errors import DataError
from freshset.transfer.probe.examples import Examples, checked

GOOD = Examples(np.ones((3, 2)), np.array([0, 1, 1]))


def test_what_is_right_comes_back_as_it_is() -> None:
    found = checked(GOOD, "training")
    assert found.features is GOOD.features
    assert found.labels.dtype == np.int64
    assert not found.multilabel
    both = checked(Examples(GOOD.features, np.array([[0, 1], [1, 1], [0, 0]])), "training")
    assert both.multilabel
    assert both.labels.dtype == bool
    assert len(both) == 3


@pytest.mark.parametrize(
    ("features", "labels", "said"),
    [
        (np.ones(3), [0, 1, 1], "shape"),
        (np.ones((3, 0)), [0, 1, 1], "shape"),
        (np.ones((3, 2)), [0, 1], "3 rows of features but labels of shape"),
        (np.ones((3, 2)), np.zeros((3, 2, 2)), "labels of shape"),
        (np.ones((0, 2)), np.zeros(0, int), "no examples"),
        (np.array([["a"], ["b"]]), [0, 1], "not numbers"),
        (np.array([[1], [np.inf]]), [0, 1], "Row 1 of the test features is not finite"),
        (np.ones((2, 2)), [0.5, 1], "not class ids"),
        (np.ones((2, 2)), [0, -1], "Row 1 of the test labels is negative"),
        (np.ones((2, 2)), [[0, 2], [1, 1]], "not all true or false"),
        (np.ones((2, 2)), [[0.5, 1], [1, 1]], "not all true or false"),
    ],
)
def test_what_is_wrong_is_said(features, labels, said) -> None:
    with pytest.raises(DataError, match=said):
        checked(Examples(features, np.asarray(labels)), "test")


def test_sets_must_be_alike() -> None:
    with pytest.raises(DataError, match="3 columns, the training features 2"):
        checked(Examples(np.ones((2, 3)), np.array([0, 1])), "validation", GOOD)
    with pytest.raises(DataError, match="labels have shape"):
        checked(Examples(np.ones((2, 2)), np.eye(2, dtype=bool)), "validation", GOOD)


def test_a_large_file_is_looked_at_in_parts() -> None:
    features = np.zeros((5000, 1000), np.float16)
    features[4900, 3] = np.nan
    with pytest.raises(DataError, match="Row 4900"):
        checked(Examples(features, np.arange(5000)), "training")
