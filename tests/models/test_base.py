from __future__ import annotations

import numpy as np

from freshset.models.base import (
    PENULTIMATE,
    Pooling,
    Preprocessing,
    Runtime,
    feature_outputs,
    stacked,
)
from freshset.models.preprocessing import ArrayPreprocessing, ImagePreprocessing, TextPreprocessing


def test_arrays_are_stacked_and_all_else_is_listed() -> None:
    batch = stacked([np.zeros((2, 3), np.uint8), np.ones((2, 3), np.uint8)])
    assert batch.shape == (2, 2, 3)
    assert batch.dtype == np.uint8
    assert stacked(("a", "b")) == ["a", "b"]


def test_preprocessings_are_what_the_port_asks_for() -> None:
    for one in (ImagePreprocessing(), TextPreprocessing(), ArrayPreprocessing()):
        assert isinstance(one, Preprocessing)


def test_the_default_is_exact_and_safe() -> None:
    runtime = Runtime()
    assert runtime.precision == "fp32"
    assert runtime.trust == frozenset()


def test_features_say_what_they_are_and_pooling_only_where_it_counts() -> None:
    kinds: list[Pooling] = ["mean", "first", "none"]
    assert {feature_outputs(PENULTIMATE, pooling) for pooling in kinds} == {"features penultimate"}
    named = {feature_outputs(layer, pooling) for layer in ("a", "b.c") for pooling in kinds}
    assert len(named) == 6
    assert feature_outputs("layer4", "first") == "features layer4 first"
