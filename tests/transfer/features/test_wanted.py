from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import testbed

from freshset.core.errors import DataError, UsageError
from freshset.models.base import OUTPUTS, Runtime
from freshset.models.preprocessing import ImagePreprocessing
from freshset.models.reference import ModelRef
from freshset.store.works import Works
from freshset.transfer.features.wanted import (
    WantedFeatures,
    feature_rows,
    fetched,
    passes,
)
from freshset.transfer.protocol import Features

# Fields whose change gives other features, and those that change none, with what they are changed to.
CHANGES: dict[str, dict[str, Any]] = {
    "features": {"layer": "deep", "view": "whole", "storage": "float16"},
    "runtime": {"precision": "bf16"},
    "info": {
        "reference": ModelRef.parse("fake:other"),
        "adapter": "fake/2",
        "preprocessing": testbed.Plain("other"),
        "weights": "0" * 64,
    },
}
HARMLESS: dict[str, dict[str, Any]] = {
    "features": {"pooling": "first"},  # of the penultimate layer, which is pooled already
    "runtime": {
        "device": "cpu",
        "threads": 3,
        "trust": frozenset({"a"}),
        "offline": True,
        "root": "x",
    },
    "info": {
        "task": "question-answering",
        "outputs": "scores",
        "classes": None,
        "n_outputs": 9,
        "network": "0" * 64,  # whatever it is the digest of is part of `weights`, too
        "versions": {"a": "2"},
    },
}
# These decide whether features can be taken at all.
CONDITIONS = {"info": {"input", "download"}}


@pytest.fixture
def one(make: Any) -> WantedFeatures:
    return make("one")


def changed(one: WantedFeatures, part: str, change: dict[str, Any]) -> WantedFeatures:
    made = {name: getattr(one, name) for name in ("info", "features", "runtime")}
    made[part] = replace(made[part], **change)
    return WantedFeatures.of(one.model, made["info"], one.reader, made["features"], made["runtime"])


@pytest.mark.parametrize("part", CHANGES)
def test_every_field_is_known_to_change_features_or_not(part: str, one: WantedFeatures) -> None:
    known = {*CHANGES[part], *HARMLESS[part], *CONDITIONS.get(part, set())}
    assert known == {field.name for field in fields(getattr(one, part))}


@pytest.mark.parametrize(("part", "name"), [(p, n) for p in CHANGES for n in CHANGES[p]])
def test_what_changes_features_changes_their_identity(
    part: str, name: str, one: WantedFeatures
) -> None:
    if name == "view":
        image = replace(
            one.info, input="image", preprocessing=ImagePreprocessing(resize=8, crop=(8, 8))
        )
        reader = replace(one.reader, item="image")
        given = [
            WantedFeatures.of("one", image, reader, Features(view=view), Runtime())
            for view in ("whole", "centre", "weights")
        ]
        assert len({w.spec.identity for w in given}) == 3
        assert len({w.preprocessing.shared for w in given}) == 3
        return
    other = changed(one, part, {name: CHANGES[part][name]})
    assert other.spec.identity != one.spec.identity


@pytest.mark.parametrize(("part", "name"), [(p, n) for p in HARMLESS for n in HARMLESS[p]])
def test_nothing_else_does(part: str, name: str, one: WantedFeatures) -> None:
    assert changed(one, part, {name: HARMLESS[part][name]}).spec == one.spec


def test_pooling_counts_where_a_layer_is_named(make: Any) -> None:
    a, b = (make("one", layer="deep", pooling=pooling) for pooling in ("mean", "first"))
    assert a.spec != b.spec


def test_model_and_items_count(make: Any) -> None:
    found = [
        make("one"),
        make("two"),
        make("one", testset="mine/test"),
        make("one", n=21),
        make("one?seed=1"),
    ]
    assert len({w.spec.identity for w in found}) == 5
    other = replace(found[0].reader, reading="other bytes")
    again = WantedFeatures.of("one", found[0].info, other, found[0].features, Runtime())
    assert again.spec != found[0].spec
    assert (found[0].title, found[0].images) == ("features of one on mine/train", 20)


def test_what_cannot_be_is_refused(make: Any) -> None:
    one = make("one")
    with pytest.raises(UsageError, match="takes text items, mine/train has array items"):
        changed(one, "info", {"input": "text"})
    with pytest.raises(DataError, match="its weights are not here"):
        make("one?download=5")


def test_weights_that_are_not_here_are_fetched(make: Any) -> None:
    info = testbed.ADAPTER.describe(ModelRef.parse("fake:one?download=5"), Runtime())
    here = fetched(info, Runtime())
    assert (here.download, bool(here.weights)) == (0, True)
    assert testbed.ADAPTER.loaded == ["fake:one?download=5"]
    assert fetched(here, Runtime()) is here


def test_rows_are_read_as_float32(tmp_path: Path, make: Any) -> None:
    values = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float16)
    claim = Works(tmp_path).claim(make("one").spec)
    assert claim is not None
    with claim:
        work = claim.finish({}, {"features": values})
    found = feature_rows(work, np.array([3, 1, 19]))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, values[[3, 1, 19]].astype(np.float32))


def test_answers_come_with_other_features_of_the_same_items(make: Any) -> None:
    deep, answers = make("one", layer="deep"), make("one", layer=OUTPUTS)
    others = [make("two", layer=OUTPUTS), make("one", "mine/test", layer=OUTPUTS)]
    assert passes([deep, answers, *others]) == [deep, *others]
    assert passes([answers]) == [answers]
