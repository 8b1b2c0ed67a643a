from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakes.testbed import ADAPTER, TESTSETS

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError
from freshset.datasets.base import TestSetRef
from freshset.engine.pairing import UnsuitableError, pair
from freshset.models.base import ModelInfo, Runtime
from freshset.models.reference import ModelRef

REF = TestSetRef("mine/test", "fake", "")
READER = TESTSETS.open(REF)


def info(**changes: Any) -> ModelInfo:
    return replace(ADAPTER.describe(ModelRef.parse("fake:m"), Runtime()), **changes)


def test_equal_classes_need_no_mapping() -> None:
    made = pair("m", info(), READER, "fp32", REF)
    assert made.mapping is None
    run = made.spec.run
    assert run is not None
    assert (run.adapter, run.reference, run.outputs) == ("fake/1", "fake:m", "logits")
    assert (run.precision, run.reading, run.mapping) == ("fp32", "fake rows", "")


def test_a_permutation_maps_and_is_part_of_the_identity() -> None:
    other = pair("m", info(classes=ClassSpace("x", tuple("edcba"))), READER, "fp32", REF)
    assert other.mapping is not None
    assert other.spec.run is not None
    assert other.spec.run.mapping.endswith(other.mapping.digest)


def test_another_task_or_kind_of_item_does_not_belong() -> None:
    with pytest.raises(UnsuitableError, match="text items, mine/test is classification of array"):
        pair("m", info(input="text"), READER, "fp32", REF)
    with pytest.raises(UnsuitableError, match="language-modelling"):
        pair("m", info(task="language-modelling"), READER, "fp32", REF)
    assert pair("m", info(input="id"), READER, "fp32", REF).mapping is None


def test_the_number_of_outputs_must_fit() -> None:
    with pytest.raises(DataError, match="7 outputs, but mine/test has 5 classes"):
        pair("m", info(classes=None, n_outputs=7), READER, "fp32", REF)
    with pytest.raises(DataError, match="7 outputs, but 5 class names"):
        pair("m", info(n_outputs=7), READER, "fp32", REF)
    # Known only when it is loaded; then the scorer looks.
    assert pair("m", info(classes=None, n_outputs=0), READER, "fp32", REF).mapping is None


def test_a_subset_needs_a_named_mapping() -> None:
    wide = info(classes=ClassSpace("x", tuple("abcdefg")), n_outputs=7)
    with pytest.raises(UsageError) as caught:
        pair("m", wide, READER, "fp32", REF)
    assert "restrict" in caught.value.hint
    made = pair("m", wide, READER, "fp32", replace(REF, mapping="restrict"))
    assert made.mapping is not None
    assert made.mapping.needs == "scores"
