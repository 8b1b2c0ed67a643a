"""Networks for training: seeded, under new classifiers, with the weights of a model or without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_bytes
from freshset.models.layers import classifier, outputs_of
from freshset.models.weights import does_not_fit


class Called(nn.Module):
    """A network that wants to be called in its own way, as one from a tensor to a tensor.

    Parameters
    ----------
    call
        From the network and its input to what is wanted of its output.
    """

    def __init__(self, network: nn.Module, call: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.network = network
        self._call = call

    def forward(self, inputs: Any) -> Any:
        """Call the network."""
        return self._call(self.network, inputs)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let torch's own generator start from a seed, and put it back.

    Only the generator of the CPU, where networks are made: ``torch.manual_seed`` would also change
    those of GPUs, which nobody puts back.
    """
    generator = torch.default_generator
    before = generator.get_state()
    generator.manual_seed(seed)
    try:
        yield
    finally:
        generator.set_state(before)


def untrained_digest(what: str, seed: int, library: Any) -> str:
    """Digest that identifies random weights: there is no file, so what, the seed, and who made them.

    Parameters
    ----------
    what
        Name of the network.
    library
        The module of the library that initialises it.
    """
    made_by = f"{library.__name__}={library.__version__} torch={torch.__version__}"
    return sha256_bytes(f"random {what} seed={seed} {made_by}".encode())


def head_of(network: nn.Module, n_outputs: int, where: str) -> tuple[str, ...]:
    """Return the names of the modules that classify; see `freshset.models.layers.classifier`.

    Raises
    ------
    UsageError
        When there is none.
    """
    found = classifier(network, n_outputs)
    if found:
        return found
    raise UsageError(
        f"{where}: has no classifier that could be replaced.",
        "Let the network end with a linear layer or a convolution.",
    )


def grafted(fresh: nn.Module, trained: nn.Module, head: Sequence[str], where: str) -> nn.Module:
    """Put the weights of one network into another, but for those of the classifier.

    Parameters
    ----------
    fresh
        The same network with a classifier of its own.
    head
        Names of the modules that classify.
    where
        The model, in messages.

    Raises
    ------
    DataError
        When the networks differ elsewhere too.
    """
    kept = _without(trained, head)
    differ = sorted(kept.keys() ^ _without(fresh, head).keys())
    if differ:
        raise DataError(f"{where}: with other classes it is another network ({differ[0]}).")
    try:
        fresh.load_state_dict(kept, strict=False)
    except RuntimeError as error:
        raise does_not_fit(where, error) from error
    return fresh


def renew_head(network: nn.Module, head: Sequence[str], n_outputs: int, where: str) -> None:
    """Replace classifiers by new ones of the same kind, initialised as torch does it.

    Raises
    ------
    UsageError
        For one that is no linear layer or convolution.
    """
    for name in head:
        old = network.get_submodule(name)
        if not outputs_of(old):
            raise UsageError(
                f"{where}: its classifier {name!r} is a {type(old).__name__}, which has no number of "
                "outputs.",
                "Name a linear layer or a convolution.",
            )
        parent, _, last = name.rpartition(".")
        setattr(network.get_submodule(parent), last, _resized(old, n_outputs))


def reset_all(network: nn.Module, where: str) -> None:
    """Initialise all weights anew, each module by its own ``reset_parameters``.

    Raises
    ------
    UsageError
        When a module has weights of its own but no such method.
    """
    stuck = [
        name or type(module).__name__
        for name, module in network.named_modules()
        if any(True for _ in module.parameters(recurse=False)) and _reset(module) is None
    ]
    if stuck:
        raise UsageError(
            f"{where}: {stuck[0]!r} cannot be initialised anew, since its class has no "
            "reset_parameters.",
            "Give the class that method.",
        )
    for _, module in network.named_modules():
        reset = _reset(module)
        if reset is not None:
            reset()


def _without(network: nn.Module, head: Sequence[str]) -> dict[str, Any]:
    inside = tuple(f"{name}." for name in head)
    return {
        name: value for name, value in network.state_dict().items() if not name.startswith(inside)
    }


def _resized(old: Any, n_outputs: int) -> Any:
    if isinstance(old, nn.Linear):
        return nn.Linear(old.in_features, n_outputs, bias=old.bias is not None)
    return nn.Conv2d(
        old.in_channels,
        n_outputs,
        old.kernel_size,
        old.stride,
        old.padding,
        old.dilation,
        bias=old.bias is not None,
    )


def _reset(module: nn.Module) -> Callable[[], None] | None:
    # Attention of torch has it under a private name.
    return getattr(module, "reset_parameters", getattr(module, "_reset_parameters", None))
