"""Running out of memory: trying again with less."""

from __future__ import annotations

from typing import Any

import numpy as np

from freshset.engine.job import Forward, predict
from freshset.models.base import Model
from freshset.models.memory import is_out_of_memory, release_memory


class HalvingPredictor:
    """Runs a model on batches, halving them for good when memory runs out.

    Parameters
    ----------
    forward
        What the model is asked for.

    Attributes
    ----------
    largest
        Items that a forward pass may have.
    """

    def __init__(self, model: Model, largest: int, forward: Forward = predict) -> None:
        self._model = model
        self._forward = forward
        self.largest = largest

    @property
    def runtime(self) -> dict[str, str]:
        """What made the numbers: library versions and device, and the batch size."""
        return {**self._model.info.versions, "batch_size": str(self.largest)}

    def predict(self, batch: Any) -> Any:
        """Outputs of a batch, in as many passes as memory needs; raises when one item is too many."""
        parts: list[Any] = []
        start, n = 0, len(batch)
        while start < n:
            # A batch that fits goes as the object that it is, by which models know that they share it.
            part = batch if n <= self.largest else batch[start : start + self.largest]
            try:
                parts.append(self._forward(self._model, part))
            except Exception as error:
                if not is_out_of_memory(error) or len(part) == 1:
                    raise
                self.largest = max(1, len(part) // 2)
                release_memory()
                continue
            start += len(part)
        return _joined(parts)


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return [one for part in parts for one in part]
