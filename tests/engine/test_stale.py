from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from fakes import testbed

from freshset.datasets.base import TestSetRef
from freshset.engine.backends.local import LocalBackend
from freshset.engine.plan import make_plan
from freshset.engine.run import run_plan
from freshset.engine.stale import Reasons, difference
from freshset.engine.wanted import Wanted
from freshset.store.parquet import ParquetStore

Make = Callable[..., Wanted]
OLD = {"mine/old": {}}


def why(wanted: Wanted, store: ParquetStore) -> str:
    plan = make_plan(wanted, store)
    assert plan.count() == {"stale": 1}
    return Reasons(plan, store).stale(wanted.models[0].title, "mine/old")


@pytest.fixture
def first(wanted: Make, store: ParquetStore) -> Callable[[str], Wanted]:
    def named(model: str) -> Wanted:
        study = wanted(model, testsets=OLD)
        return replace(study, models=(replace(study.models[0], name="mine"),))

    study = named("a?shared=resize=256%20crop=224")
    run_plan(make_plan(study, store), store, LocalBackend(study.settings))
    return named


def test_what_changed_in_a_model(first: Callable[[str], Wanted], store: ParquetStore) -> None:
    said = why(first("a?shared=resize=232%20crop=224"), store)
    assert "preprocessing: resize=256 -> resize=232" in said
    assert "weights: " in said
    said = why(first("a?shared=resize=256%20crop=224&classes=edcba"), store)
    assert "classes of the model: " in said
    assert "class mapping: none -> permute/" in said


def test_weights_that_are_not_here(first: Callable[[str], Wanted], store: ParquetStore) -> None:
    said = why(first("a?shared=resize=256%20crop=224&download=5"), store)
    assert said.startswith("the weights are not on this machine")


def test_what_changed_in_a_test_set(
    first: Callable[[str], Wanted], store: ParquetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = testbed.FakeTestSets.open

    def relabelled(self: testbed.FakeTestSets, ref: TestSetRef) -> testbed.FakeReader:
        reader = opens(self, ref)
        labels = reader.testset.known_labels.copy()
        labels[[3, 7]] = (labels[[3, 7]] + 1) % 5
        return replace(
            reader, testset=replace(reader.testset, labels=labels.astype(np.int32)), reading="other"
        )

    monkeypatch.setattr(testbed.FakeTestSets, "open", relabelled)
    said = why(first("a?shared=resize=256%20crop=224"), store)
    assert "with other labels (2 differ, first at row 3)" in said
    assert "how items are read: fake rows -> other" in said


def test_differences_of_texts() -> None:
    one, other = "ab" * 32, "cd" * 32
    assert difference(one, other) == "abababab.. -> cdcdcdcd.."
    assert difference("", one) == "none -> abababab.."
    assert difference("a=1 b=2 c=3", "a=1 b=9 c=3") == "b=2 -> b=9"
    assert difference("a b", "b a") == "a b -> b a"
    assert difference("a", "x" * 500).endswith("xxx ...")
