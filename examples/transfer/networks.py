"""Six small networks for images of 8 x 8: each is a factory that ``py:`` references name.

All were pretrained on the digits 0 to 4 by ``make.py``, which wrote their weights beside this file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from freshset.models.preprocessing import ImagePreprocessing

WEIGHTS = Path(__file__).parent / "weights"
SOURCE_CLASSES = 5
SEEN = ImagePreprocessing(
    resize=(8, 8), crop=None, resizing="squash", mode="L", mean=(0.3,), std=(0.35,)
)


class Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(channels, channels), nn.Conv2d(channels, channels, 3, padding=1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add what the convolutions find."""
        return torch.relu(x + self.body(x))


def _convolution(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]


def _pooled(features: list[nn.Module], width: int) -> nn.Sequential:
    tail = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, SOURCE_CLASSES)]
    return nn.Sequential(*features, *tail)


def _perceptron(width: int, depth: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten(), nn.Linear(64, width), nn.ReLU()]
    for _ in range(depth - 1):
        layers += [nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, SOURCE_CLASSES))


def _plain(width: int) -> nn.Sequential:
    first, second = _convolution(1, width), _convolution(width, 2 * width)
    return _pooled([*first, nn.MaxPool2d(2), *second], 2 * width)


def _residual(width: int) -> nn.Sequential:
    return _pooled([*_convolution(1, width), nn.MaxPool2d(2), Residual(width)], width)


BUILDERS: dict[str, Callable[[], nn.Sequential]] = {
    "perceptron-16": lambda: _perceptron(16, 1),
    "perceptron-64": lambda: _perceptron(64, 2),
    "plain-4": lambda: _plain(4),
    "plain-12": lambda: _plain(12),
    "residual-12": lambda: _residual(12),
    "residual-24": lambda: _residual(24),
}


def pretrained(name: str) -> nn.Sequential:
    """One of the networks with the weights that it was pretrained to."""
    network = BUILDERS[name]()
    network.load_state_dict(load_file(WEIGHTS / f"{name}.safetensors"))
    return network


# What freshset asks of a factory; the digest of the weights is part of what a result is known by.
pretrained.preprocessing = SEEN
pretrained.outputs = "logits"
pretrained.n_outputs = SOURCE_CLASSES
pretrained.weights = [f"weights/{name}.safetensors" for name in BUILDERS]
