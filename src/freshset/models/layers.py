"""Where features are taken: what the classifier of a torch network is given, or what a module gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import nn

from freshset.core.errors import UsageError, did_you_mean
from freshset.models.base import PENULTIMATE, Pooling

# Classifiers whose answers a network averages; of transformers, which has no list of them.
_PAIRS = (
    ("cls_classifier", "distillation_classifier"),
    ("classifier", "classifier_distill"),
    ("head", "dist_head"),
)
_NAME_A_LAYER = "Name a module with the option layer."


class Layers:
    """The layers of one network, by name.

    Parameters
    ----------
    network
        A module.
    where
        The model, in messages.
    head
        Names of the modules that classify; empty when there is none that is known.
    embedding
        Name of a module whose output is the penultimate layer, where no module is a classifier.
    """

    def __init__(
        self, network: nn.Module, where: str, head: Sequence[str] = (), embedding: str = ""
    ) -> None:
        self._network = network
        self._where = where
        self._head = tuple(head)
        self._embedding = embedding

    def take(
        self, forward: Callable[[], Any], layer: str, pooling: Pooling, n: int
    ) -> torch.Tensor:
        """Run the network and return what a layer gave.

        Where several classifiers are given rows of one length, these are averaged, as their answers
        are; rows of several lengths are put side by side.  A module that is called several times
        gives what it gave last.

        Parameters
        ----------
        forward
            Runs the network once, on n items.
        layer, pooling
            As `freshset.models.base.FeatureModel.features`.

        Returns
        -------
        Tensor, float32, shape (n, d)
        """
        names, before = self._taps(layer)
        taken: dict[str, torch.Tensor] = {}

        def keep(name: str, value: Any) -> None:
            # At once, and as a copy: what comes next may write into it.
            taken[name] = self._pooled(value, layer, "mean" if before else pooling, n)

        with ExitStack() as hooks:
            for name in names:
                module = self._network.get_submodule(name)
                hooks.enter_context(_hooked(module, before, partial(keep, name)))
            forward()
        if len(taken) < len(names):
            raise UsageError(
                f"{self._where}: {names[0]!r} takes no part when the network runs.", _NAME_A_LAYER
            )
        rows = [taken[name] for name in names]
        if len({part.shape[1] for part in rows}) > 1:
            return torch.cat(rows, dim=1)
        return rows[0] if len(rows) == 1 else torch.stack(rows).mean(dim=0)

    def _taps(self, layer: str) -> tuple[tuple[str, ...], bool]:
        """Modules to listen to, and whether it is their input that counts."""
        if layer == PENULTIMATE:
            if self._embedding:
                return (self._embedding,), False
            if not self._head:
                raise UsageError(
                    f"{self._where}: has no classifier, so no penultimate layer.", _NAME_A_LAYER
                )
            return self._head, True
        known = [name for name, _ in self._network.named_modules() if name]
        if layer not in known:
            raise UsageError(
                f"{self._where}: has no layer {layer!r}.",
                did_you_mean(layer, [PENULTIMATE, *known]),
            )
        return (layer,), False

    def _pooled(self, value: Any, layer: str, pooling: Pooling, n: int) -> torch.Tensor:
        found = _tensor(value)
        if found is None or found.ndim < 2 or len(found) != n or not found.is_floating_point():
            what = type(value).__name__ if found is None else f"shape {tuple(found.shape)}"
            raise UsageError(
                f"{self._where}: the layer {layer!r} gives no row for each item ({what}, {n} items).",
                "Name another layer.",
            )
        if found.ndim == 2 or pooling == "none":
            return found.detach().to(torch.float32, copy=True).flatten(1)
        if pooling == "first":
            if found.ndim != 3:
                raise UsageError(
                    f"{self._where}: the layer {layer!r} gives shape {tuple(found.shape)}, which has "
                    "no first token.",
                    "Use the pooling mean or none.",
                )
            return found[:, 0].detach().to(torch.float32, copy=True)
        return found.detach().float().mean(dim=self._positions(found))

    def _positions(self, value: torch.Tensor) -> tuple[int, ...]:
        """Axes of positions; the channels of maps come last where two equal sides come first."""
        if value.ndim == 3:
            return (1,)
        first, second, third = value.shape[1:4]
        if value.ndim == 4 and second != third:
            last = getattr(self._network, "output_fmt", "") == "NHWC"
            return (1, 2) if first == second or last else (2, 3)
        return tuple(range(2, value.ndim))


def classifier(network: nn.Module, n_outputs: int = 0) -> tuple[str, ...]:
    """Return the names of the modules that classify; empty when there are none.

    They are those that the network itself names (``get_classifier``, as networks of timm do), two
    heads whose answers are averaged, or else the last linear layer, or convolution, of `n_outputs`
    outputs in the order in which modules were made.

    Parameters
    ----------
    n_outputs
        Of the network; 0 when it is not known.
    """
    names = {module: name for name, module in network.named_modules()}
    own = getattr(network, "get_classifier", None)
    if callable(own):
        found = own()
        parts = list(found) if isinstance(found, list | tuple | nn.ModuleList) else [found]
        return tuple(names[part] for part in parts if not isinstance(part, nn.Identity | None))
    for pair in _PAIRS:
        if all(isinstance(getattr(network, name, None), nn.Module) for name in pair):
            return pair
    for name, module in reversed(list(network.named_modules())):
        if n_outputs in {0, outputs_of(module)} and outputs_of(module):
            return (name,)
    return ()


def outputs_of(module: nn.Module) -> int:
    """Outputs of a layer that can be a classifier; 0 for any other."""
    name = "out_features" if isinstance(module, nn.Linear) else "out_channels"
    return int(getattr(module, name)) if isinstance(module, nn.Linear | nn.Conv2d) else 0


def _hooked(module: nn.Module, before: bool, keep: Callable[[Any], None]) -> Any:
    if before:
        return module.register_forward_pre_hook(lambda _, inputs: keep(inputs))
    return module.register_forward_hook(lambda _, __, output: keep(output))


def _tensor(value: Any) -> torch.Tensor | None:
    """Return the first tensor of what a module gave."""
    if isinstance(value, torch.Tensor):
        return value
    parts = value.values() if hasattr(value, "values") else value
    if not isinstance(parts, Sequence) and not hasattr(value, "values"):
        return None
    return next((part for part in parts if isinstance(part, torch.Tensor)), None)
