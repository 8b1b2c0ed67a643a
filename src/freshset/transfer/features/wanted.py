"""Features that are wanted: of one model, for all rows of one set of items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.core.identity import CellSpec
from freshset.datasets.base import Reader
from freshset.engine.pairing import UnsuitableError, run_of
from freshset.models.base import OUTPUTS, ModelInfo, Preprocessing, Runtime, feature_outputs
from freshset.models.preprocessing import seen
from freshset.models.registry import load
from freshset.store.works import Work, WorkSpec
from freshset.transfer.protocol import Features

KIND = "features"
"""Of the work that a store keeps; its array is called the same."""


@dataclass(frozen=True, slots=True)
class WantedFeatures:
    """Features of one model for all rows of one set of items.

    Attributes
    ----------
    model
        Its name in the study.
    info
        What is known of it; its weights are on this machine.
    reader
        Where the items are read.
    features
        Layer, pooling, view and type of the values.
    runtime
        How the model is run.
    preprocessing
        Between an item and the model, as the view has it.
    spec
        What is stored; all that can change the features is in it.
    """

    model: str
    info: ModelInfo
    reader: Reader
    features: Features
    runtime: Runtime
    preprocessing: Preprocessing
    spec: WorkSpec

    @classmethod
    def of(
        cls, model: str, info: ModelInfo, reader: Reader, features: Features, runtime: Runtime
    ) -> Self:
        """Say what features are wanted.

        Raises
        ------
        UsageError
            When the model takes other items, or its images cannot be seen so.
        DataError
            When its weights are not on this machine, so that nobody knows what its features are.
        """
        testset = reader.testset
        if info.input != reader.item:
            raise UnsuitableError(
                f"{model} takes {info.input} items, {testset.id} has {reader.item} items."
            )
        if info.download:
            raise DataError(f"{model}: its weights are not here.", "Fetch them first.")
        preprocessing = seen(info.preprocessing, features.view)
        run = replace(
            run_of(info, runtime.precision),
            preprocessing=preprocessing.key,
            outputs=feature_outputs(features.layer, features.pooling),
            classes="",  # what the outputs stand for changes no feature
            reading=reader.reading,
        )
        cell = CellSpec(model, testset.id, testset.fingerprint, "", run=run)
        spec = WorkSpec.of(KIND, cell=cell.to_dict(), storage=features.storage)
        return cls(model, info, reader, features, runtime, preprocessing, spec)

    @property
    def title(self) -> str:
        """In words."""
        return feature_title(self.model, self.reader.testset.id)

    @property
    def needs(self) -> tuple[WorkSpec, ...]:
        """No other work."""
        return ()

    @property
    def images(self) -> int:
        """Images that go through the network."""
        return self.reader.testset.n


def passes(wanted: Sequence[WantedFeatures]) -> list[WantedFeatures]:
    """Return those for which a network runs: answers come with other features of the same items."""
    others = {(one.model, one.reader.testset.id) for one in wanted if one.features.layer != OUTPUTS}
    return [
        one
        for one in wanted
        if one.features.layer != OUTPUTS or (one.model, one.reader.testset.id) not in others
    ]


def feature_title(model: str, testset: str) -> str:
    """Say in words what features are those of."""
    return f"features of {model} on {testset}"


def fetched(info: ModelInfo, runtime: Runtime) -> ModelInfo:
    """Return what is known of a model when its weights are here, fetching them where they are not."""
    return load(info.reference, runtime).info if info.download else info


def feature_rows(work: Work, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Read features of some rows of their set into memory.

    Parameters
    ----------
    work
        Stored features.
    rows
        Row numbers, shape (n,).

    Returns
    -------
    Array, float32, shape (n, width)
    """
    stored: npt.NDArray[Any] = work.array(KIND)
    return np.asarray(stored[rows], dtype=np.float32)
