from __future__ import annotations

import pytest

from freshset.core.config import RunSettings
from freshset.core.errors import UsageError
from freshset.datasets.base import TestSetRef
from freshset.engine.wanted import Wanted, WantedModel, run_settings
from freshset.models.reference import ModelRef


def test_a_model_is_called_as_it_is_referred_to_or_as_it_is_named() -> None:
    ref = ModelRef.parse("timm:resnet18@main")
    assert WantedModel(ref).title == "timm:resnet18@main"
    assert WantedModel(ref, "mine").title == "mine"


def test_names_are_unique() -> None:
    a, b = WantedModel(ModelRef.parse("a:x"), "same"), WantedModel(ModelRef.parse("b:y"), "same")
    with pytest.raises(UsageError, match="model 'same' occurs twice"):
        Wanted((a, b), ())
    sets = (TestSetRef("t", "x", ""), TestSetRef("t", "y", ""))
    with pytest.raises(UsageError, match="test set 't' occurs twice"):
        Wanted((a,), sets)


def test_the_runtime_is_that_of_the_settings() -> None:
    settings = RunSettings(
        device="cpu", precision="bf16", threads=2, offline=True, trust=("a.pkl",)
    )
    runtime = Wanted((), (), settings).runtime
    assert (runtime.device, runtime.precision, runtime.threads) == ("cpu", "bf16", 2)
    assert runtime.offline
    assert runtime.trust == {"a.pkl"}


def test_settings_are_made_of_plain_values() -> None:
    assert run_settings({"batch_size": 8}) == RunSettings(batch_size=8)
    with pytest.raises(UsageError, match="No setting 'batchsize'") as info:
        run_settings({"batchsize": 8})
    assert "batch_size" in info.value.hint
