from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from freshset.engine.memory import HalvingPredictor


def a_model(fits: int, seen: list[int], *, lists: bool = False) -> Any:
    def predict(batch: Any) -> Any:
        seen.append(len(batch))
        if len(batch) > fits:
            raise MemoryError
        return list(batch) if lists else np.asarray(batch) * 2

    return SimpleNamespace(predict=predict, info=SimpleNamespace(versions={"lib": "1"}))


def test_batches_are_halved_for_good() -> None:
    seen: list[int] = []
    predictor = HalvingPredictor(a_model(3, seen), 16)
    assert predictor.predict(np.arange(16)).tolist() == (np.arange(16) * 2).tolist()
    assert seen == [16, 8, 4, 2, 2, 2, 2, 2, 2, 2, 2]
    seen.clear()
    predictor.predict(np.arange(4))
    assert seen == [2, 2]
    assert predictor.runtime == {"lib": "1", "batch_size": "2"}


def test_lists_stay_lists() -> None:
    predictor = HalvingPredictor(a_model(1, [], lists=True), 4)
    assert predictor.predict(["a", "b", "c"]) == ["a", "b", "c"]


def test_one_item_that_is_too_many_is_an_error() -> None:
    with pytest.raises(MemoryError):
        HalvingPredictor(a_model(0, []), 4).predict(np.arange(4))


def test_a_batch_that_fits_is_given_as_the_object_that_it_is() -> None:
    seen: list[Any] = []

    def predict(batch: Any) -> Any:
        seen.append(batch)
        return np.asarray(batch)

    model = SimpleNamespace(predict=predict, info=SimpleNamespace(versions={}))
    batch = np.arange(6)
    HalvingPredictor(model, 6).predict(batch)
    HalvingPredictor(model, 4).predict(batch)
    assert seen[0] is batch
    assert [one.tolist() for one in seen[1:]] == [[0, 1, 2, 3], [4, 5]]
