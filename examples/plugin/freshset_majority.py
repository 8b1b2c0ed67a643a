"""A model adapter of freshset that predicts how frequent each class was in training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_file
from freshset.models.base import ModelInfo, Runtime
from freshset.models.reference import ModelRef


@dataclass(frozen=True)
class Nothing:
    """The model looks at no item, so none is prepared; its input is the item's id."""

    key: str = "id"
    shared: str = "id"

    def prepare(self, item: Any) -> str:
        """Return the id."""
        return str(item)


class MajorityModel:
    """Gives every item the same probabilities."""

    def __init__(self, info: ModelInfo, frequencies: Sequence[float]) -> None:
        self.info = info
        self._row = np.asarray(frequencies, dtype=np.float32)

    def predict(self, batch: Sequence[str]) -> Any:
        """Return float32 of shape (items, classes)."""
        return np.tile(self._row, (len(batch), 1))


class MajorityAdapter:
    """``majority:LABELS.txt``, a file with one class key a line."""

    def expand(self, pattern: str) -> Sequence[str]:  # noqa: ARG002 - the port's signature
        """Files are not listed."""
        return ()

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        """Read the labels and say what they are."""
        return self.load(ref, runtime).info

    def load(self, ref: ModelRef, runtime: Runtime) -> MajorityModel:
        """Count the labels."""
        ref.check_options(())
        if runtime.precision != "fp32":
            raise UsageError(f"{ref}: cannot run in {runtime.precision}.", "Use --precision fp32.")
        path = Path(runtime.root) / ref.name
        if not path.is_file():
            raise UsageError(f"{ref}: there is no file {path}.")
        counts = Counter(path.read_text(encoding="utf-8").split())
        if not counts:
            raise DataError(f"{path}: no labels.", "Write one class key a line.")
        keys = tuple(sorted(counts))
        info = ModelInfo(
            ref,
            "majority/1",
            Nothing(),
            "probabilities",
            input="id",
            classes=ClassSpace("", keys),
            n_outputs=len(keys),
            weights=sha256_file(path),
        )
        return MajorityModel(info, [counts[key] / counts.total() for key in keys])


ADAPTER = MajorityAdapter()
