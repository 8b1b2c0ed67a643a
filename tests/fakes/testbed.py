"""Models and test sets without files: small, quick, and able to fail on demand.

The fake adapter takes its behaviour from the options of a reference, so that it is the same in every
process: ``fake:NAME?seed=1&bad_row=7``.
"""

from __future__ import annotations

import fnmatch
import os
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_bytes
from freshset.core.records import TestSet
from freshset.core.registry import Entry
from freshset.datasets import registry as datasets
from freshset.datasets.base import Origin, TestSetRef
from freshset.models import registry as models
from freshset.models.base import ModelInfo, Runtime
from freshset.models.reference import ModelRef

CLASSES = ClassSpace("letters", tuple("abcde"))


@dataclass(frozen=True, slots=True)
class Plain:
    """Passes arrays through, under a name that tests choose."""

    shared: str = "plain"

    @property
    def key(self) -> str:
        return self.shared

    def prepare(self, item: Any) -> Any:
        return item


@dataclass(frozen=True, slots=True)
class Process:
    """Prepares an item as its row number and the number of the process that did it."""

    shared: str = "process"
    key: str = "process"

    def prepare(self, item: Any) -> Any:
        return np.array([item[0], os.getpid()])


class FakeModel:
    """Scores are a seeded linear map of the item."""

    def __init__(self, info: ModelInfo) -> None:
        self.info = info
        options = info.reference.options
        rng = np.random.default_rng(options.get("seed", 0))
        self.weights = rng.normal(size=(4, options.get("outputs", 5)))
        self.weights[0] *= 0.02  # the row number is only there to tell rows apart
        self.options = options
        self.largest = 0
        self.calls = 0

    def predict(self, batch: Any) -> Any:
        self.calls += 1
        self.largest = max(self.largest, len(batch))
        if len(batch) > self.options.get("fits", 10**9):
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")
        if delay := self.options.get("delay"):
            time.sleep(delay)
        scores = (batch @ self.weights).astype(np.float32)
        if (row := self.options.get("nan_at")) is not None:
            scores[batch[:, 0] == row] = np.nan
        if (row := self.options.get("raise_at")) is not None and (batch[:, 0] == row).any():
            raise RuntimeError("the model broke")
        return scores


class LayeredModel(FakeModel):
    """A fake that also gives features: its scores, twice that for another layer."""

    def features(self, batch: Any, layer: str, pooling: str) -> Any:
        if layer == "nowhere":
            raise UsageError("No layer 'nowhere'.", "Did you mean 'penultimate'?")
        found = self.predict(batch)
        return found if layer == "penultimate" else 2 * found


class FakeAdapter:
    """See `freshset.models.base.Adapter`."""

    def __init__(self) -> None:
        self.loaded: list[str] = []

    def expand(self, pattern: str) -> tuple[str, ...]:
        return tuple(fnmatch.filter(("one", "two", "three"), pattern))

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        if ref.name == "nowhere":
            raise UsageError("No model 'nowhere'.", "Did you mean 'one'?")
        classes = None if ref.option("unnamed") else ref.option("classes", CLASSES)
        if isinstance(classes, str):
            classes = ClassSpace("given", tuple(classes))
        # Weights that are not here until they are loaded.
        absent = 0 if str(ref) in self.loaded else ref.option("download", 0)
        weights = sha256_bytes(repr(sorted(ref.options.items())).encode())
        return ModelInfo(
            ref,
            "fake/1",
            Plain(ref.option("shared", "plain")),
            ref.option("gives", "logits"),
            input=ref.option("input", "array"),
            classes=classes,
            n_outputs=ref.option("outputs", 5),
            weights="" if absent else weights,
            download=absent,
            versions={"fake": "1.0"},
        )

    def load(self, ref: ModelRef, runtime: Runtime) -> FakeModel:
        if ref.name == "unloadable":
            raise RuntimeError("bad magic number")
        self.loaded.append(str(ref))
        kind = LayeredModel if ref.option("layers") else FakeModel
        return kind(self.describe(ref, runtime))


ADAPTER = FakeAdapter()


@dataclass(frozen=True, slots=True)
class FakeReader:
    """Rows of numbers whose first entry is the row number; see `freshset.datasets.base.Reader`."""

    testset: TestSet
    bad_row: int = -1
    item: Any = "array"
    reading: str = "fake rows"
    classes: ClassSpace | None = CLASSES
    origin: Origin = field(default_factory=Origin)

    def read(self, index: int) -> Any:
        if index == self.bad_row:
            raise DataError(f"row-{index}.png: not an image.")
        rng = np.random.default_rng(index)
        return np.array([index, *rng.normal(size=3)])


class FakeTestSets:
    """See `freshset.datasets.base.DatasetAdapter`."""

    def open(self, ref: TestSetRef) -> FakeReader:
        n = ref.option("n", 40)
        if n == 0:
            raise DataError(f"{ref.id}: no items.", "Give some.")
        ids = np.array([f"item-{i}" for i in range(n)], dtype=object)
        labels = np.random.default_rng(5).integers(0, 5, n).astype(np.int32)
        testset = TestSet(
            ref.id, n, 5, item_ids=ids, labels=labels, ids_given=True, class_names=CLASSES.keys,
            class_keys=CLASSES.keys,
        )  # fmt: skip
        reader = FakeReader(testset, ref.option("bad_row", -1))
        return replace(reader, item=ref.option("item", "array"))


TESTSETS = FakeTestSets()


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make both adapters known under the name ``fake``, for one test."""
    monkeypatch.setitem(models.ADAPTERS.builtin, "fake", Entry("fakes.testbed:ADAPTER"))
    monkeypatch.setitem(datasets.ADAPTERS.builtin, "fake", Entry("fakes.testbed:TESTSETS"))
