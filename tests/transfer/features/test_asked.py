from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from fakes import testbed

from freshset.core.errors import DataError, UsageError
from freshset.models.base import Runtime
from freshset.models.reference import ModelRef
from freshset.transfer.features.asked import AskFeatures, FeatureColumns

VALUES = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


@pytest.fixture
def columns(make: Any) -> FeatureColumns:
    return FeatureColumns("one", make("one").reader.testset, "float32")


def test_a_model_is_asked_for_a_layer() -> None:
    layered = testbed.ADAPTER.load(ModelRef.parse("fake:one?layers=true"), Runtime())
    batch = np.ones((2, 4))
    ask = pickle.loads(pickle.dumps(AskFeatures("deep", "mean")))
    np.testing.assert_array_equal(ask(layered, batch), 2 * layered.predict(batch))
    plain = testbed.ADAPTER.load(ModelRef.parse("fake:one"), Runtime())
    with pytest.raises(UsageError, match="has no features"):
        ask(plain, batch)


def test_features_are_kept_as_they_are(columns: FeatureColumns) -> None:
    found = columns.columns(VALUES, slice(4, 8), ())["features"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, VALUES)


def test_half_as_large(make: Any) -> None:
    half = FeatureColumns("one", make("one").reader.testset, "float16")
    found = half.columns(VALUES, slice(4, 8), ())["features"]
    np.testing.assert_array_equal(found, VALUES.astype(np.float16))
    large = VALUES.copy()
    large[2, 1] = -65_505
    with pytest.raises(DataError, match=r"beyond the 65,504 of float16 at row 6 .*'item-6'"):
        half.columns(large, slice(4, 8), ())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_numbers_that_are_none_are_told(value: float, columns: FeatureColumns) -> None:
    bad = VALUES.astype(np.float64)
    bad[3, 0] = value
    with pytest.raises(
        DataError, match=r"one: a feature that is NaN or infinite at row 7 .*item-7"
    ):
        columns.columns(bad, slice(4, 8), ())


@pytest.mark.parametrize("shape", [(4,), (3, 3), (4, 0), (4, 3, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...], columns: FeatureColumns) -> None:
    with pytest.raises(DataError, match="for 4 items"):
        columns.columns(np.zeros(shape), slice(0, 4), ())


def test_all_rows_have_one_width(columns: FeatureColumns) -> None:
    columns.columns(VALUES, slice(0, 4), ())
    with pytest.raises(DataError, match=r"2 features at row 4 .* 3 before"):
        columns.columns(VALUES[:, :2], slice(4, 8), ())
