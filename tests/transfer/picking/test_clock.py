"""A clock counts down, and the time of a model is reading by all processes and then running."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from freshset.core.config import RunSettings
from freshset.models.preprocessing import ArrayPreprocessing
from freshset.transfer.picking import clock
from freshset.transfer.picking.clock import Clock, seconds_for


def test_counts_down() -> None:
    times = iter([10.0, 13.0, 13.0, 30.0])
    found = Clock(15, now=times.__next__)
    assert found.spent == 3
    assert found.left == 12
    assert found.left == -5


def test_time_of_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    model = SimpleNamespace(
        info=None, features=lambda batch, layer, pooling: np.zeros((len(batch), 2), np.float32)
    )
    monkeypatch.setattr(clock, "load_features", lambda ref, runtime: model)
    wanted = SimpleNamespace(
        info=SimpleNamespace(reference="x"),
        runtime=None,
        images=40,
        preprocessing=ArrayPreprocessing(),
        reader=SimpleNamespace(item="array", read=lambda index: np.zeros(3)),
        features=SimpleNamespace(layer="penultimate", pooling="mean"),
    )
    # Reading 8 images takes 4 s, and the second forward pass 2 s.
    times = iter([0.0, 4.0, 5.0, 7.0])
    settings = RunSettings(batch_size=8, workers=0)
    found = seconds_for(cast("Any", wanted), settings, 40, times.__next__)
    assert found == pytest.approx((4 + 2) / 8 * 40)
