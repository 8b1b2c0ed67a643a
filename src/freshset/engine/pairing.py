"""Whether a model fits a test set, through which mapping, and what the cell's identity then is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from freshset.core.errors import DataError, UsageError
from freshset.core.identity import CellSpec, RunSpec
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.mappings import ClassMapping, find_mapping
from freshset.models.base import ModelInfo


class UnsuitableError(UsageError):
    """A model and a test set that do not belong together, such as a text model and images."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A model and a test set that fit.

    Attributes
    ----------
    mapping
        From the model's classes to those of the test set; ``None`` when they are the same.
    """

    spec: CellSpec
    mapping: ClassMapping | None


def pair(name: str, info: ModelInfo, reader: Reader, precision: str, ref: TestSetRef) -> Pair:
    """Say what cell a model makes on a test set.

    Parameters
    ----------
    name
        Of the model in the store.
    ref
        The test set as the study names it, with the name of a mapping.

    Raises
    ------
    UnsuitableError
        When model and test set have different tasks or kinds of items.
    UsageError, DataError
        When their classes do not match.
    """
    testset = reader.testset
    if not suitable(info, reader):
        raise unsuitable(name, info, reader)
    mapping = class_mapping(name, info, reader, ref)
    run = replace(run_of(info, precision), reading=reader.reading, mapping=mapping_text(mapping))
    return Pair(CellSpec(name, testset.id, testset.fingerprint, "", run=run), mapping)


def suitable(info: ModelInfo, reader: Reader) -> bool:
    """Whether a model does what a test set asks, with the kind of items that it has."""
    return info.task == reader.testset.task and info.input in {reader.item, "id"}


def unsuitable(name: str, info: ModelInfo, reader: Reader) -> UnsuitableError:
    """Return the error for a pair that is not suitable."""
    return UnsuitableError(
        f"{name} does {info.task} of {info.input} items, {reader.testset.id} is "
        f"{reader.testset.task} of {reader.item} items."
    )


def run_of(info: ModelInfo, precision: str) -> RunSpec:
    """Return what a model contributes to how predictions are made, on whatever test set."""
    return RunSpec(
        adapter=info.adapter,
        reference=str(info.reference),
        weights=info.weights,
        preprocessing=info.preprocessing.key,
        outputs=info.outputs,
        classes="" if info.classes is None else info.classes.digest,
        precision=precision,
        reading="",
        mapping="",
    )


def mapping_text(mapping: ClassMapping | None) -> str:
    """Return a mapping as an identity has it."""
    return "" if mapping is None else f"{mapping.name}/{mapping.digest}"


def class_mapping(
    name: str, info: ModelInfo, reader: Reader, ref: TestSetRef
) -> ClassMapping | None:
    """Find the mapping between the classes of a model and of a test set."""
    testset = reader.testset
    if testset.task != "classification":
        return None
    if info.classes is None or reader.classes is None:
        _check_number(name, info.n_outputs, testset.id, testset.n_classes)
        return None
    if info.n_outputs and info.n_outputs != len(info.classes):
        raise DataError(
            f"{name}: {info.n_outputs} outputs, but {len(info.classes)} class names.",
            "Give the class names of all outputs, in their order.",
        )
    mapping = find_mapping(ref.mapping, info.classes, reader.classes, ref.root)
    if mapping is not None:
        mapping.check(info.outputs)
    return mapping


def _check_number(name: str, outputs: int, testset: str, classes: int) -> None:
    if outputs and outputs != classes:
        raise DataError(
            f"{name}: {outputs} outputs, but {testset} has {classes} classes.",
            "Take a model with these classes, or name the classes of its outputs and a mapping.",
        )
