"""A small network for the tests of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from models.training.pictures import CLASSES, SIZE, items
from torch import nn

from freshset.models.base import ModelInfo, Preprocessing, Runtime, Trainable
from freshset.models.preprocessing import ImagePreprocessing
from freshset.models.reference import ModelRef
from freshset.models.training.data import TrainingData
from freshset.models.training.recipe import Recipe

CPU = Runtime(device="cpu", threads=1)


def data(n: int = 40, reader: Any = None, **more: Any) -> TrainingData:
    judged = {"validation": items(100, 121, reader), "test": items(200, 210, reader)}
    return TrainingData(items(0, n, reader), CLASSES, judged, accuracy, **more)


def accuracy(name: str, logits: Any) -> float:
    n = len(logits)
    truth = np.arange(n) + {"validation": 100, "test": 200}[name]
    return float((logits.argmax(axis=1) == truth % CLASSES).mean())


def network(outputs: int = CLASSES, norm: bool = True, dropout: float = 0.3) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(7)  # that of GPUs stays as it is
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2),
            nn.BatchNorm2d(8) if norm else nn.Identity(),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(8, outputs),
        )


def trainable(made: nn.Module | None = None, preprocessing: Preprocessing | None = None) -> Any:
    made = network() if made is None else made
    info = ModelInfo(
        ModelRef("py", "small"),
        "py/1",
        preprocessing or ImagePreprocessing(SIZE, (SIZE, SIZE)),
        "logits",
    )
    return Trainable(made, (str(len(list(made.children())) - 1),), info)


def recipe(**changes: Any) -> Recipe:
    given = {"start": "random", "steps": 12, "batch": 8, "rate": 0.1, "decay": 1e-3, "seed": 3}
    return Recipe(**{**given, **changes})


def weights(made: Any) -> dict[str, Any]:
    return {name: value.numpy().copy() for name, value in made.state_dict().items()}


class Hungry(nn.Module):
    """A network that runs out of memory on more items than `fits`, after it has moved its norms."""

    def __init__(self, inner: nn.Module, fits: int) -> None:
        super().__init__()
        self.inner = inner
        self.fits = fits
        self.seen: list[int] = []

    def forward(self, images: Any) -> Any:
        self.seen.append(len(images))
        out = self.inner(images)
        if len(images) > self.fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return out
