from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from freshset.core.classes import ClassSpace
from freshset.core.contract import ContractViolation
from freshset.core.errors import UsageError
from freshset.models import contract
from freshset.models.base import Model, ModelInfo, Runtime
from freshset.models.contract import Subject, check_adapter, checks
from freshset.models.reference import ModelRef

ITEMS = [np.arange(4.0) + i for i in range(3)]
WEIGHTS = np.random.default_rng(0).normal(size=(4, 3))


@dataclass(frozen=True)
class Scale:
    """Preprocessing that does something."""

    factor: float = 0.5
    key: str = "scale 0.5"
    shared: str = "scale 0.5"

    def prepare(self, item: Any) -> Any:
        return (item * self.factor).astype(np.float32)


class Linear:
    """A model that keeps the contract."""

    def __init__(self, info: ModelInfo) -> None:
        self.info = info

    def predict(self, batch: Any) -> Any:
        return (batch @ WEIGHTS).astype(np.float32)


class Good:
    """An adapter that keeps the contract."""

    def expand(self, pattern: str) -> Sequence[str]:
        return ["linear"] if pattern == "*" else []

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        ref.check_options(())
        if ref.name != "linear":
            raise UsageError(f"{ref}: no such model.")
        if runtime.precision != "fp32":
            raise UsageError(f"{ref}: no precision {runtime.precision}.")
        classes = ClassSpace("", ("a", "b", "c"))
        return ModelInfo(
            ref, "good/1", Scale(), "logits", input="array", classes=classes, n_outputs=3
        )

    def load(self, ref: ModelRef, runtime: Runtime) -> Model:
        return Linear(self.describe(ref, runtime))


class Described(Good):
    """One that changes its description."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        return replace(super().describe(ref, runtime), **self.changes)


class Predicting(Good):
    """One whose model predicts otherwise."""

    def __init__(self, call: Any, **changes: Any) -> None:
        self.call, self.changes = call, changes

    def load(self, ref: ModelRef, runtime: Runtime) -> Model:
        model = Linear(replace(self.describe(ref, runtime), **self.changes))
        model.predict = lambda batch: self.call(Linear.predict(model, batch), batch)
        return model

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        return replace(super().describe(ref, runtime), **self.changes)


class Featured(Linear):
    """A model with features that are as another says."""

    def __init__(self, info: ModelInfo, call: Any, known: Sequence[str] = ("penultimate",)) -> None:
        super().__init__(info)
        self.call, self.known = call, known

    def features(self, batch: Any, layer: str, pooling: str) -> Any:
        if layer not in self.known:
            raise UsageError(f"no layer {layer!r}")
        return self.call(batch.astype(np.float32), batch)


class Featuring(Good):
    """An adapter of such models."""

    def __init__(self, call: Any, *known: str) -> None:
        self.call, self.known = call, ("penultimate", *known)

    def load(self, ref: ModelRef, runtime: Runtime) -> Model:
        return Featured(self.describe(ref, runtime), self.call, self.known)


class OtherReference(Good):
    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        return replace(super().describe(ref, runtime), reference=ModelRef("good", "other"))


class Unstable(Good):
    def __init__(self) -> None:
        self.times = 0

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        self.times += 1
        return replace(super().describe(ref, runtime), weights=str(self.times))


class Slow(Good):
    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        return super().describe(ref, runtime)


class LoadsAnother(Good):
    def load(self, ref: ModelRef, runtime: Runtime) -> Model:
        return Linear(replace(self.describe(ref, runtime), outputs="probabilities"))


class Local:
    """Preprocessing that cannot be pickled."""

    key = shared = "local"

    def __init__(self) -> None:
        self.prepare = lambda item: item


@dataclass(frozen=True)
class Forgetful(Scale):
    """Its copies prepare otherwise."""

    def __reduce__(self) -> Any:
        return Scale, (0.25,)


class Drifting(Scale):
    """It prepares an item in another way each time."""

    times = 0

    def prepare(self, item: Any) -> Any:
        Drifting.times += 1
        return super().prepare(item) + Drifting.times


class Ragged(Scale):
    def prepare(self, item: Any) -> Any:
        return np.zeros(int(item[0]) + 1)


class Lenient(Good):
    """It takes any option, name and precision."""

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        known = ModelRef("good", "linear")
        return replace(super().describe(known, Runtime()), reference=ref)


class Crashing(Good):
    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        if ref.options or ref.name != "linear" or runtime.precision != "fp32":
            raise KeyError(str(ref))
        return super().describe(ref, runtime)


class Inventive(Good):
    def expand(self, pattern: str) -> Sequence[str]:
        return ["linear"]


def noisy(out: Any, batch: Any, rng: Any = np.random.default_rng()) -> Any:  # noqa: B008
    return out + rng.normal(size=out.shape).astype(np.float32)


def centred(out: Any, batch: Any) -> Any:
    return (out - out.mean(axis=0)).astype(np.float32)


def overwritten(out: Any, batch: Any) -> Any:
    batch[...] = 0
    return out


def as_is(out: Any, batch: Any) -> Any:
    return out


def with_nan(out: Any, batch: Any) -> Any:
    return np.where(np.arange(3) == 1, np.float32(np.nan), out)


BROKEN: list[tuple[str, Good, str]] = [
    ("reference_comes_back", OtherReference(), "became good:other"),
    ("info_is_well_formed", Described(adapter="good"), "not name/version"),
    ("info_is_well_formed", Described(outputs="votes"), "outputs is 'votes'"),
    ("info_is_well_formed", Described(input="video"), "input is 'video'"),
    ("info_is_well_formed", Described(preprocessing=None), "is no Preprocessing"),
    ("info_is_well_formed", Described(n_outputs=4), "4 outputs for 3 classes"),
    ("describing_is_cheap_and_stable", Unstable(), "weights changed from one"),
    ("describing_is_cheap_and_stable", Slow(), "took .* of processor time"),
    ("info_can_be_pickled", Described(preprocessing=Local()), "cannot be pickled"),
    ("loading_agrees_with_describing", LoadsAnother(), "outputs differ once"),
    ("preprocessing_is_a_value", Described(preprocessing=Scale(key="")), "is empty"),
    ("preprocessing_is_a_value", Described(preprocessing=Drifting()), "in two ways"),
    ("preprocessing_is_a_value", Described(preprocessing=Forgetful()), "pickled copy"),
    ("prepared_items_can_be_stacked", Described(preprocessing=Ragged()), "the items became"),
    ("outputs_are_what_they_are_called", Predicting(lambda out, _: out.tolist()), "but list"),
    ("outputs_are_what_they_are_called", Predicting(lambda out, _: out[1:]), "2 outputs for 3"),
    (
        "outputs_are_what_they_are_called",
        Predicting(lambda out, _: out.astype(float)),
        "float64 of shape .3, 3., not float32",
    ),
    ("outputs_are_what_they_are_called", Predicting(lambda out, _: out[:, :2]), r"\(3, 2\), not"),
    ("outputs_are_what_they_are_called", Predicting(with_nan), "NaN"),
    ("outputs_are_what_they_are_called", Predicting(as_is, outputs="probabilities"), "sum to 1"),
    ("outputs_are_what_they_are_called", Predicting(as_is, outputs="classes"), "float32 of"),
    ("outputs_are_what_they_are_called", Predicting(as_is, outputs="answers"), "list of one text"),
    ("predicting_is_deterministic", Predicting(noisy), "other numbers the second time"),
    ("predictions_do_not_depend_on_the_batch", Predicting(centred), "item 0 alone gave other"),
    ("the_batch_is_left_alone", Predicting(overwritten), "predict changed its batch"),
    ("features_are_rows_of_numbers", Featuring(lambda out, _: out[1:]), r"\(2, 4\) for 3 items"),
    ("features_are_rows_of_numbers", Featuring(lambda out, _: out.astype(float)), "are float64"),
    ("features_are_rows_of_numbers", Featuring(lambda out, _: out * np.float32("nan")), "NaN"),
    ("features_are_rows_of_numbers", Featuring(overwritten), "features changed its batch"),
    ("features_are_rows_of_numbers", Featuring(centred), "item 2 alone gave other features"),
    ("features_are_rows_of_numbers", Featuring(as_is, "-no-such-thing"), "is not refused"),
    ("unknown_options_are_refused", Lenient(), "an unknown option is not refused"),
    ("unknown_options_are_refused", Crashing(), "an unknown option ends in KeyError"),
    ("absent_models_are_refused", Lenient(), "does not exist is not refused"),
    ("unknown_precisions_are_refused", Lenient(), "unknown precision is not refused"),
    ("names_can_be_expanded", Inventive(), "made up a name"),
]


def test_a_good_adapter_passes() -> None:
    check_adapter(Good(), "good:linear", ITEMS)
    check_adapter(Featuring(as_is), "good:linear", ITEMS)


@pytest.mark.parametrize(("name", "adapter", "message"), BROKEN)
def test_every_check_can_fail(
    name: str, adapter: Good, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "DESCRIBE_SECONDS", 0.05)
    check = next(check for check in checks() if check.name == name)
    with pytest.raises(ContractViolation, match=f"good:linear: {name}: .*{message}"):
        check(Subject(adapter, "good:linear", ITEMS))
    with pytest.raises(ContractViolation):
        check_adapter(adapter, "good:linear", ITEMS)


def test_no_check_is_untried() -> None:
    assert {check.name for check in checks()} == {name for name, _, _ in BROKEN}


def test_one_item_is_not_enough() -> None:
    with pytest.raises(ValueError, match="at least two items"):
        Subject(Good(), "good:linear", ITEMS[:1])
