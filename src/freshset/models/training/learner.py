"""A network that is being trained, one update at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from freshset.models.base import PENULTIMATE, Preprocessing, Trainable
from freshset.models.layers import Layers
from freshset.models.memory import is_out_of_memory, release_memory
from freshset.models.preprocessing import ImagePreprocessing
from freshset.models.torch_runtime import as_given, autocast, normalised
from freshset.models.training.checkpoint import plain
from freshset.models.training.data import BoolArray, FloatArray, Targets
from freshset.models.training.draws import network_seed
from freshset.models.training.recipe import Execution, Recipe
from freshset.models.training.schedule import rate_at
from freshset.models.training.settings import seed_generators

_WEIGHT, _MOMENTUM = "weight ", "momentum "


class Learner:
    """A network, its optimiser, and what they need to go on.

    The decay is plain L2 of all parameters, those of normalisation and biases among them, as the
    gradient of SGD has it; the paper does not say which were left out, if any.

    Parameters
    ----------
    trainable
        Its network is trained in place.

    Attributes
    ----------
    micro_batch
        Images of one forward and backward pass; halved for good when memory runs out.
    """

    def __init__(
        self, trainable: Trainable, recipe: Recipe, execution: Execution, device: torch.device
    ) -> None:
        self._recipe = recipe
        self._device = device
        self._preprocessing: Preprocessing = trainable.info.preprocessing
        self._channels_last = execution.channels_last
        self._layers = Layers(trainable.network, str(trainable.info.reference), trainable.head)
        layout = torch.channels_last if execution.channels_last else torch.contiguous_format
        network: nn.Module = trainable.network.to(device=device, memory_format=layout)
        self._network = network.train()
        self._forward: Callable[..., Any] = (
            torch.compile(self._network) if recipe.compile else self._network
        )
        self._norms = _norms(self._network, recipe.norm_momentum)
        self._optimiser = self._new_optimiser()
        self._scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
        self.micro_batch = min(execution.micro_batch or recipe.batch, recipe.batch)
        self._judged_at_once = self.micro_batch

    def update(
        self, step: int, batch: npt.NDArray[Any], targets: Targets, ignored: BoolArray | None
    ) -> torch.Tensor:
        """Learn from a batch; where memory runs out, from smaller parts of it.

        Parameters
        ----------
        batch
            Prepared items.

        Returns
        -------
        Tensor, shape ()
            Mean loss over the batch, on the device, not waited for.
        """
        # A pass that ran out of memory may have moved the running statistics already.
        held = [buffer.clone() for buffer in self._network.buffers()]
        while True:
            try:
                return self._update(step, batch, targets, ignored)
            except Exception as error:  # full memory has many names; all else is raised
                if not is_out_of_memory(error) or self.micro_batch == 1:
                    raise
            with torch.no_grad():
                for buffer, before in zip(self._network.buffers(), held, strict=True):
                    buffer.copy_(before)
            self._optimiser.zero_grad()
            self.micro_batch = min(self.micro_batch, len(batch)) // 2
            self._judged_at_once = min(self._judged_at_once, self.micro_batch)
            release_memory()

    def logits(self, batches: Iterable[npt.NDArray[Any]]) -> FloatArray:
        """Outputs for prepared items, shape (n, n_outputs), as the network is now."""
        return self._judge(batches, self._forward)

    def features(self, batches: Iterable[npt.NDArray[Any]]) -> FloatArray:
        """What the classifier is given for prepared items, shape (n, d)."""

        def taken(inputs: torch.Tensor) -> torch.Tensor:
            return self._layers.take(
                partial(self._network, inputs), PENULTIMATE, "mean", len(inputs)
            )

        return self._judge(batches, taken)

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Tensors by name and plain values from which training goes on."""
        tensors = {_WEIGHT + k: plain(v) for k, v in self._network.state_dict().items()}
        tensors |= {f"{_MOMENTUM}{k}": plain(v) for k, v in enumerate(self._momenta())}
        return tensors, {"micro_batch": self.micro_batch, "scaler": self._scaler.state_dict()}

    def restore(self, tensors: Mapping[str, torch.Tensor], values: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        weights = {
            name.removeprefix(_WEIGHT): tensor
            for name, tensor in tensors.items()
            if name.startswith(_WEIGHT)
        }
        self._network.load_state_dict(weights)
        for k, momentum in enumerate(self._momenta()):
            momentum.copy_(tensors[f"{_MOMENTUM}{k}"])
        self.micro_batch = self._judged_at_once = values["micro_batch"]
        if self._scaler.is_enabled():
            self._scaler.load_state_dict(values["scaler"])

    def digest(self) -> str:
        """SHA-256 of the weights: names, types, shapes and bytes."""
        found = hashlib.sha256()
        for name, tensor in sorted(self._network.state_dict().items()):
            copy = plain(tensor)
            found.update(f"{name}\0{copy.dtype}\0{tuple(copy.shape)}\0".encode())
            found.update(copy.reshape(-1).view(torch.uint8).numpy().tobytes())
        return found.hexdigest()

    def _new_optimiser(self) -> torch.optim.SGD:
        recipe = self._recipe
        parameters = [p for p in self._network.parameters() if p.requires_grad]
        made = torch.optim.SGD(
            parameters,
            lr=recipe.rate,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov and recipe.momentum > 0,
            weight_decay=recipe.decay,
        )
        if recipe.momentum:
            # Now: memory that runs out in the middle of an update would leave half of it done.
            for parameter in parameters:
                made.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        return made

    def _momenta(self) -> Iterator[torch.Tensor]:
        for parameter in self._optimiser.param_groups[0]["params"]:
            if self._recipe.momentum:
                yield self._optimiser.state[parameter]["momentum_buffer"]

    def _update(
        self, step: int, batch: npt.NDArray[Any], targets: Targets, ignored: BoolArray | None
    ) -> torch.Tensor:
        if not self._network.training:
            self._network.train()
        self._optimiser.zero_grad()
        n = len(batch)
        parts = np.array_split(np.arange(n), -(-n // self.micro_batch))
        for module, momentum in self._norms:
            # So that the statistics forget as much in a step, in however many parts it is done.
            module.momentum = 1 - (1 - momentum) ** (1 / len(parts))
        total = torch.zeros((), device=self._device)
        for number, part in enumerate(parts):
            # The same draws, whatever came before: a retry, or another process.
            seed_generators(self._device, network_seed(self._recipe.seed, step, number))
            some = slice(int(part[0]), int(part[-1]) + 1)
            with autocast(self._device, self._recipe.precision):
                outputs = self._forward(self._inputs(batch[some]))
            mask = None if ignored is None else ignored[some]
            loss = _loss(outputs.float(), targets[some], mask) / n
            self._scaler.scale(loss).backward()
            total += loss.detach()
        for group in self._optimiser.param_groups:
            group["lr"] = rate_at(self._recipe, step)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        return total

    def _judge(
        self,
        batches: Iterable[npt.NDArray[Any]],
        forward: Callable[[torch.Tensor], torch.Tensor],
    ) -> FloatArray:
        self._network.eval()
        rows: list[FloatArray] = []
        for batch in batches:
            start = 0
            while start < len(batch):
                part = batch[start : start + self._judged_at_once]
                try:
                    # No inference mode: what a network keeps of its own must serve training too.
                    with torch.no_grad(), autocast(self._device, self._recipe.precision):
                        out = forward(self._inputs(part)).float().cpu().numpy()
                except Exception as error:  # as above
                    if not is_out_of_memory(error) or len(part) == 1:
                        raise
                    self._judged_at_once = len(part) // 2
                    release_memory()
                    continue
                rows.append(out)
                start += len(part)
        return np.concatenate(rows)

    def _inputs(self, batch: npt.NDArray[Any]) -> torch.Tensor:
        if not isinstance(self._preprocessing, ImagePreprocessing):
            return as_given(batch, self._device)
        made = normalised(batch, self._preprocessing, self._device)
        return made if self._channels_last else made.contiguous()


def _norms(network: nn.Module, wanted: float | None) -> list[tuple[Any, float]]:
    """Modules of batch normalisation and their momentum; those that average all batches stay out."""
    found: list[tuple[Any, float]] = []
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001  # their common base
            momentum = module.momentum if wanted is None else wanted
            if momentum is not None:
                found.append((module, momentum))
    return found


def _loss(outputs: torch.Tensor, targets: Targets, ignored: BoolArray | None) -> torch.Tensor:
    """Sum over items: cross-entropy of the classes, or of every decision that counts.

    Decisions of one item are added and not averaged, so that an output's gradient is its probability
    minus the truth in both cases, and the same learning rates make sense.  Open in the paper.
    """
    wanted = torch.from_numpy(targets).to(outputs.device, non_blocking=True)
    if targets.ndim == 1:
        return functional.cross_entropy(outputs, wanted, reduction="sum")
    counts = None
    if ignored is not None:
        counts = torch.from_numpy(~ignored).to(outputs.device, non_blocking=True).float()
    return functional.binary_cross_entropy_with_logits(
        outputs, wanted.float(), weight=counts, reduction="sum"
    )
