from __future__ import annotations

import numpy as np
import pytest
from models.training.pictures import CLASSES, Colours, Items, items

from freshset.core.errors import DataError, UsageError
from freshset.models.training.data import TrainingData

ROWS = np.arange(4)


def made(targets: object, ignored: object = None) -> TrainingData:
    return TrainingData(Items(Colours(), ROWS, targets, ignored), CLASSES)


def test_targets_of_one_class_and_of_several_are_taken() -> None:
    made(np.array([0, 1, 2, 0]))
    made(np.zeros((4, CLASSES), dtype=bool), np.ones((4, CLASSES), dtype=bool))


@pytest.mark.parametrize("targets", [[0, 1, 2, 3], [-1, 0, 1, 2], [0, 1, 2]])
def test_targets_that_are_no_classes_are_refused(targets: list[int]) -> None:
    with pytest.raises(DataError, match="4 items have") as caught:
        made(np.array(targets))
    assert "from 0 to 2" in caught.value.hint


def test_decisions_of_another_shape_or_type_are_refused() -> None:
    shown = np.zeros((4, CLASSES), dtype=bool)
    with pytest.raises(DataError, match=r"targets are bool of shape \(4, 2\)"):
        made(shown[:, :2])
    with pytest.raises(DataError, match="targets are float64"):
        made(shown.astype(float))
    with pytest.raises(DataError, match=r"ignored decisions are bool of shape \(3, 3\)"):
        made(shown, shown[:3])
    with pytest.raises(DataError, match="can show several"):
        made(np.array([0, 1, 2, 0]), shown)


def test_empty_and_unknown_sets_are_refused() -> None:
    empty = items(0, 0)
    with pytest.raises(UsageError, match="training set is empty"):
        TrainingData(empty, CLASSES)
    with pytest.raises(UsageError, match="test set is empty"):
        TrainingData(items(0, 3), CLASSES, {"test": empty})
    with pytest.raises(UsageError, match="No set 'tset' is judged"):
        TrainingData(items(0, 3), CLASSES, {"test": items(0, 3)}, embedded=("tset", 5))
