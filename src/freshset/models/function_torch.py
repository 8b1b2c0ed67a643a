"""Torch modules that factories return: their answers, their features, and training them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import UsageError, did_you_mean
from freshset.models.base import ModelInfo, Pooling, Runtime, Start, Trainable
from freshset.models.layers import Layers, classifier
from freshset.models.local_code import unwrapped
from freshset.models.torch_runtime import LastAnswers, TorchRunner
from freshset.models.trainable import head_of, renew_head, reset_all


class TorchModel:
    """A torch module with what is known of it; a `freshset.models.base.Model`.

    Parameters
    ----------
    head
        Names of its classifiers; empty to look for the last linear layer.
    """

    def __init__(
        self, info: ModelInfo, network: Any, runtime: Runtime, head: Sequence[str] = ()
    ) -> None:
        where = str(info.reference)
        found = _head(network, info, head)
        self._runner = TorchRunner(network, runtime)
        self._layers = Layers(network, where, found)
        self._answers = LastAnswers()
        self.info = self._runner.described(info)

    def predict(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Run the module; see `freshset.models.base.Model.predict`."""
        known = self._answers.of(batch)
        if known is not None:
            return known
        inputs = self._inputs(batch)
        return self._runner.run(lambda: self._runner.network(inputs))

    def features(
        self, batch: npt.NDArray[Any], layer: str, pooling: Pooling
    ) -> npt.NDArray[np.float32]:
        """Return features of shape (n, d); see `freshset.models.base.FeatureModel.features`."""
        inputs = self._inputs(batch)

        def forward() -> Any:
            return self._answers.keep(batch, self._runner.network(inputs))

        return self._runner.run(lambda: self._layers.take(forward, layer, pooling, len(batch)))

    def _inputs(self, batch: npt.NDArray[Any]) -> Any:
        return self._runner.images(batch, unwrapped(self.info.preprocessing))


def trainable(
    info: ModelInfo, network: Any, head: Sequence[str], n_outputs: int, start: Start
) -> Trainable:
    """Give a module a new classifier, and new weights too for a random start.

    Raises
    ------
    UsageError
        When there is no classifier, or a part cannot be initialised anew.
    """
    where = str(info.reference)
    found = _head(network, info, head) or head_of(network, info.n_outputs, where)
    network = network.cpu().float()
    if start == "random":
        reset_all(network, where)
    renew_head(network, found, n_outputs, where)
    return Trainable(network, found, replace(info, classes=None, n_outputs=n_outputs))


def _head(network: Any, info: ModelInfo, given: Sequence[str]) -> tuple[str, ...]:
    if not given:
        return classifier(network, info.n_outputs)
    known = [name for name, _ in network.named_modules() if name]
    for name in given:
        if name not in known:
            raise UsageError(
                f"{info.reference}: its head is said to be {name!r}, which is no module of it.",
                did_you_mean(name, known),
            )
    return tuple(given)
