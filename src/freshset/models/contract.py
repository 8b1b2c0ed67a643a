"""What every model adapter must do, as checks that any package can run on its own adapter.

In a test of one's own, ``check_adapter(ADAPTER, "mine:name", items)`` runs them all; one test a
check is one line more::

    @pytest.mark.parametrize("check", checks(), ids=str)
    def test_my_adapter(check):
        check(Subject(ADAPTER, "mine:name", items))
"""

from __future__ import annotations

import copy
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from freshset.core.contract import Check, ContractViolation, listed, refused, require
from freshset.core.errors import UsageError
from freshset.models.base import (
    PENULTIMATE,
    Adapter,
    FeatureModel,
    Input,
    Model,
    ModelInfo,
    Outputs,
    Preprocessing,
    Runtime,
    stacked,
)
from freshset.models.reference import ModelRef

__all__ = ["Check", "ContractViolation", "Subject", "check_adapter", "checks"]

TOLERANCE = 1e-4
"""Largest difference that the other items of a batch may make, relative to the largest score."""

DESCRIBE_SECONDS = 1.0
"""Processor time that describing a model for the second time may take."""

# What `Adapter.describe` may leave open, with the value that says so.
_OPEN: dict[str, Any] = {"classes": None, "n_outputs": 0, "weights": "", "download": -1}
_ABSENT = "-no-such-thing"


@dataclass(frozen=True)
class Subject:
    """An adapter with a model to try it on.

    Attributes
    ----------
    adapter
        The adapter.
    reference
        A model that it can load, small and on this machine.
    items
        At least two different items that the model takes: images, texts, arrays or ids.
    runtime
        How to run it.
    """

    adapter: Adapter
    reference: str
    items: Sequence[Any]
    runtime: Runtime = field(default_factory=Runtime)

    def __post_init__(self) -> None:
        if len(self.items) < 2:
            raise ValueError("The contract needs at least two items.")

    def __str__(self) -> str:
        return self.reference

    @property
    def ref(self) -> ModelRef:
        """The reference, parsed."""
        return ModelRef.parse(self.reference)

    @cached_property
    def info(self) -> ModelInfo:
        """What the adapter says before it loads the model."""
        return self.adapter.describe(self.ref, self.runtime)

    @cached_property
    def model(self) -> Model:
        """The model, loaded."""
        return self.adapter.load(self.ref, self.runtime)

    def batch(self) -> Any:
        """All items, prepared and stacked."""
        return stacked([self.info.preprocessing.prepare(item) for item in self.items])


def checks() -> list[Check[Subject]]:
    """All clauses, in the order in which they are best mended."""
    return listed(_CHECKS)


def check_adapter(
    adapter: Adapter, reference: str, items: Sequence[Any], runtime: Runtime | None = None
) -> None:
    """Check one adapter on one model.

    Parameters
    ----------
    adapter
        The adapter.
    reference
        A model that it can load, for example ``mine:small``.
    items
        At least two different items that the model takes.
    runtime
        How to run it; the default finds relative paths from the current folder.

    Raises
    ------
    ContractViolation
        For the first clause that it does not keep.
    """
    subject = Subject(adapter, reference, items, runtime or Runtime())
    for check in checks():
        check(subject)


def reference_comes_back(subject: Subject) -> None:
    """The reference in the info is the one asked for and survives being written and parsed."""
    written = str(subject.info.reference)
    require(
        written == str(subject.ref) and str(ModelRef.parse(written)) == written,
        f"{subject.ref} became {written}",
    )


def info_is_well_formed(subject: Subject) -> None:
    """The fields of the info hold what the port says."""
    info = subject.info
    name, slash, version = info.adapter.partition("/")
    require(bool(name and slash and version), f"adapter is {info.adapter!r}, not name/version")
    require(info.outputs in get_args(Outputs), f"outputs is {info.outputs!r}")
    require(info.input in get_args(Input), f"input is {info.input!r}")
    require(isinstance(info.preprocessing, Preprocessing), "preprocessing is no Preprocessing")
    if info.classes is not None and info.n_outputs:
        require(
            len(info.classes) == info.n_outputs,
            f"{info.n_outputs} outputs for {len(info.classes)} classes",
        )


def describing_is_cheap_and_stable(subject: Subject) -> None:
    """Describing a model twice says the same, and quickly: a plan describes them all."""
    first = subject.info
    start = time.process_time()
    again = subject.adapter.describe(subject.ref, subject.runtime)
    spent = time.process_time() - start
    differ = _differences(first, again)
    require(not differ, f"{', '.join(differ)} changed from one description to the next")
    require(spent < DESCRIBE_SECONDS, f"describing it again took {spent:.1f} s of processor time")


def info_can_be_pickled(subject: Subject) -> None:
    """The info goes to other processes."""
    differ = _differences(subject.info, _pickled(subject.info, "the info"))
    require(not differ, f"{', '.join(differ)} changed by pickling")


def loading_agrees_with_describing(subject: Subject) -> None:
    """What the plan hashed is what runs: loading fills in what was open and changes nothing."""
    described, loaded = subject.info, subject.model.info
    differ = [
        name
        for name in _differences(described, loaded)
        if name not in _OPEN or getattr(described, name) != _OPEN[name]
    ]
    require(not differ, f"{', '.join(differ)} differ once the model is loaded")


def preprocessing_is_a_value(subject: Subject) -> None:
    """Its texts are filled in, and a copy in another process prepares the same."""
    ours = subject.info.preprocessing
    require(bool(ours.key) and bool(ours.shared), "key or shared is empty")
    theirs = _pickled(ours, "the preprocessing")
    for item in subject.items:
        first = ours.prepare(copy.deepcopy(item))
        require(_same(first, ours.prepare(item)), "one item was prepared in two ways")
        require(_same(first, theirs.prepare(item)), "a pickled copy prepares otherwise")


def prepared_items_can_be_stacked(subject: Subject) -> None:
    """Arrays have one shape and dtype, whatever the item; anything else is one type."""
    prepared = [subject.info.preprocessing.prepare(item) for item in subject.items]
    kinds = {
        (one.shape, one.dtype) if isinstance(one, np.ndarray) else type(one) for one in prepared
    }
    require(len(kinds) == 1, f"the items became {', '.join(sorted(map(str, kinds)))}")


def outputs_are_what_they_are_called(subject: Subject) -> None:
    """Number, shape, type and range of the outputs are those of the port."""
    info, n = subject.model.info, len(subject.items)
    out = subject.model.predict(subject.batch())
    if info.outputs == "answers":
        require(
            isinstance(out, list) and len(out) == n and all(isinstance(a, str) for a in out),
            "not a list of one text an item",
        )
        return
    require(isinstance(out, np.ndarray), f"not an array but {type(out).__name__}")
    require(len(out) == n, f"{len(out)} outputs for {n} items")
    if info.outputs == "classes":
        require(out.dtype.kind in "iu" and out.ndim <= 2, f"{out.dtype} of shape {out.shape}")
        return
    kind, width = (np.float64, 3) if info.outputs == "likelihoods" else (np.float32, info.n_outputs)
    width = width or (out.shape[1] if out.ndim == 2 else 1)
    require(
        out.dtype == kind and out.shape == (n, width),
        f"{out.dtype} of shape {out.shape}, not {np.dtype(kind)} of shape {(n, width)}",
    )
    require(not np.isnan(out).any(), "NaN among the outputs")
    if info.outputs == "probabilities":
        require(
            bool((out >= 0).all()) and np.allclose(out.sum(axis=1), 1, atol=1e-3),
            "the probabilities of an item do not sum to 1",
        )


def predicting_is_deterministic(subject: Subject) -> None:
    """The same batch gives the same numbers, bit for bit."""
    first = copy.deepcopy(subject.model.predict(subject.batch()))
    require(
        _same(first, subject.model.predict(subject.batch())),
        "the same batch gave other numbers the second time",
    )


def predictions_do_not_depend_on_the_batch(subject: Subject) -> None:
    """An item's outputs are its own: alone, in company and in another order."""
    batch = subject.batch()
    whole = copy.deepcopy(subject.model.predict(batch))
    for row in range(len(subject.items)):
        alone = subject.model.predict(_rows(batch, [row]))
        require(_close(whole[row : row + 1], alone), f"item {row} alone gave other outputs")
    order = list(range(len(subject.items)))[::-1]
    turned = subject.model.predict(_rows(batch, order))
    require(_close(_rows(whole, order), turned), "the items in reverse order gave other outputs")


def the_batch_is_left_alone(subject: Subject) -> None:
    """Models share prepared batches, so none may write into one."""
    batch = subject.batch()
    before = copy.deepcopy(batch)
    subject.model.predict(batch)
    require(_same(before, batch), "predict changed its batch")


def features_are_rows_of_numbers(subject: Subject) -> None:
    """A model that gives features gives one row an item, of its own, and knows its layers."""
    model, batch = subject.model, subject.batch()
    if not isinstance(model, FeatureModel):
        return
    before, n = copy.deepcopy(batch), len(subject.items)
    found = copy.deepcopy(model.features(batch, PENULTIMATE, "mean"))
    require(
        found.dtype == np.float32 and found.ndim == 2 and len(found) == n,
        f"features are {found.dtype} of shape {found.shape} for {n} items",
    )
    require(not np.isnan(found).any(), "NaN among the features")
    require(_same(before, batch), "features changed its batch")
    again = model.features(_rows(batch, [n - 1]), PENULTIMATE, "mean")
    require(_near(found[n - 1 :], again), f"item {n - 1} alone gave other features")
    refused(
        lambda: model.features(batch, _ABSENT, "mean"), "a layer that does not exist", (UsageError,)
    )


def unknown_options_are_refused(subject: Subject) -> None:
    """A misspelt option is an error, not another model."""
    options = {**subject.ref.options, "no_such_option": 1}
    _refused(subject, replace(subject.ref, options=options), "an unknown option")


def absent_models_are_refused(subject: Subject) -> None:
    """A model or file that does not exist is an error of usage."""
    _refused(
        subject,
        replace(subject.ref, name=subject.ref.name + _ABSENT),
        "a name that does not exist",
        replace(subject.runtime, offline=True),
    )


def unknown_precisions_are_refused(subject: Subject) -> None:
    """The precision is hashed, so a model never runs in another one than asked for."""
    _refused(
        subject, subject.ref, "an unknown precision", replace(subject.runtime, precision="fp7")
    )


def names_can_be_expanded(subject: Subject) -> None:
    """A pattern gives names, and one that nothing matches gives none."""
    names = subject.adapter.expand("*")
    require(all(isinstance(name, str) for name in names), "expand gave what is no name")
    require(not list(subject.adapter.expand(f"{_ABSENT}*")), "expand made up a name")


_CHECKS: tuple[Callable[[Subject], None], ...] = (
    reference_comes_back,
    info_is_well_formed,
    describing_is_cheap_and_stable,
    info_can_be_pickled,
    loading_agrees_with_describing,
    preprocessing_is_a_value,
    prepared_items_can_be_stacked,
    outputs_are_what_they_are_called,
    predicting_is_deterministic,
    predictions_do_not_depend_on_the_batch,
    the_batch_is_left_alone,
    features_are_rows_of_numbers,
    unknown_options_are_refused,
    absent_models_are_refused,
    unknown_precisions_are_refused,
    names_can_be_expanded,
)


def _refused(subject: Subject, ref: ModelRef, what: str, runtime: Runtime | None = None) -> None:
    """Require a `UsageError` from describing or, at the latest, from loading."""

    def make() -> None:
        subject.adapter.describe(ref, runtime or subject.runtime)
        subject.adapter.load(ref, runtime or subject.runtime)

    refused(make, what, (UsageError,))


def _differences(one: ModelInfo, other: ModelInfo) -> list[str]:
    """Fields by which two infos differ; library versions are recorded and identify nothing."""
    names = [f.name for f in fields(ModelInfo) if f.name not in {"preprocessing", "versions"}]
    differ = [name for name in names if getattr(one, name) != getattr(other, name)]
    texts = [
        name
        for name in ("key", "shared")
        if getattr(one.preprocessing, name) != getattr(other.preprocessing, name)
    ]
    return differ + [f"preprocessing.{name}" for name in texts]


def _pickled(value: Any, what: str) -> Any:
    try:
        return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own bytes
    except Exception as error:
        raise ContractViolation(f"{what} cannot be pickled ({error})") from error


def _rows(batch: Any, rows: list[int]) -> Any:
    return batch[rows] if isinstance(batch, np.ndarray) else [batch[row] for row in rows]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and _bits(one) == _bits(other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _bits(array: npt.NDArray[Any]) -> bytes:
    return array.tobytes() if array.dtype.kind != "O" else pickle.dumps(array.tolist())


def _close(one: Any, other: Any) -> bool:
    if not (isinstance(one, np.ndarray) and one.dtype.kind == "f"):
        return _same(one, other)
    return _near(one, other) and bool((one.argmax(axis=1) == other.argmax(axis=1)).all())


def _near(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    scale = float(np.abs(one).max(initial=0.0))
    return one.shape == other.shape and np.allclose(
        one, other, rtol=TOLERANCE, atol=TOLERANCE * scale
    )
