from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fakes import testbed

from freshset.core.config import RunSettings
from freshset.datasets.base import TestSetRef
from freshset.models.base import Runtime
from freshset.models.reference import ModelRef
from freshset.transfer.features import extract as module
from freshset.transfer.features.wanted import WantedFeatures
from freshset.transfer.protocol import Features

Make = Callable[..., WantedFeatures]
SETTINGS = RunSettings(batch_size=4)


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    testbed.register(monkeypatch)
    testbed.ADAPTER.loaded.clear()
    monkeypatch.setattr(module, "_CHUNK", 8)


@pytest.fixture
def make() -> Make:
    """Features of a fake model: ``make("one?seed=1", n=30, layer="deep")``."""

    def wanted(
        model: str, testset: str = "mine/train", n: int = 20, bad_row: int = -1, **features: Any
    ) -> WantedFeatures:
        text = f"fake:{model}{'&' if '?' in model else '?'}layers=true"
        info = testbed.ADAPTER.describe(ModelRef.parse(text), Runtime())
        ref = TestSetRef(testset, "fake", "", {"n": n, "bad_row": bad_row})
        reader = testbed.TESTSETS.open(ref)
        given = Features(**({"view": "weights"} | features))
        return WantedFeatures.of(model, info, reader, given, Runtime())

    return wanted
