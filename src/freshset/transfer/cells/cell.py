"""A cell of a transfer study: one model on one data set in one regime, with one seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from freshset.models.base import Runtime
from freshset.models.reference import ModelRef
from freshset.models.training.recipe import Execution
from freshset.transfer.datasets.base import IntArray, OpenDataset, Part
from freshset.transfer.datasets.joined import pooled
from freshset.transfer.results import Regime

WORDS: dict[Regime, str] = {
    "features": "fixed features", "finetune": "fine-tuned", "scratch": "from scratch"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """Names a cell.

    Attributes
    ----------
    steps
        Training length, in the figure of convergence; 0 for that of the protocol.
    subset
        Training images and number of the draw, in the figure of subsets; (0, 0) for all images.
    """

    model: str
    dataset: str
    regime: Regime
    seed: int
    steps: int = 0
    subset: tuple[int, int] = (0, 0)

    @property
    def title(self) -> str:
        """In words."""
        text = f"{self.model} on {self.dataset}, {WORDS[self.regime]}, seed {self.seed}"
        if self.steps:
            text += f", {self.steps:,} steps"
        if self.subset[0]:
            text += f", {self.subset[0]:,} images (draw {self.subset[1]})"
        return text

    @property
    def shard(self) -> str:
        """Fixed features are shared by all seeds, so that they belong together."""
        key = f"{self.model}\0{self.dataset}"
        if self.regime == "features":
            return key
        return f"{key}\0{self.regime}\0{self.seed}\0{self.steps}\0{self.subset}"


@dataclass(frozen=True, slots=True)
class Context:
    """What all cells share, wherever they are made.

    Attributes
    ----------
    datasets
        By id and seed.
    models
        References by name.
    """

    datasets: Mapping[tuple[str, int], OpenDataset]
    models: Mapping[str, ModelRef]
    runtime: Runtime
    execution: Execution

    def dataset(self, cell: Cell) -> OpenDataset:
        """The data set of a cell."""
        return self.datasets[cell.dataset, cell.seed]


def learned_from(opened: OpenDataset, cell: Cell, *, final: bool) -> Part:
    """What a cell learns from: some or all of the training part, finally with the validation part."""
    if cell.subset[0]:
        return subset(opened.train, *cell.subset)
    return pooled(opened.train, opened.validation) if final else opened.train


def subset(part: Part, n: int, draw: int) -> Part:
    """Draw some items at random, the classes in equal shares as far as they go.

    Subsets of one draw lie within each other, and of n items each of n classes or fewer has one.
    Items with several labels are drawn without regard to them.
    """
    rng = np.random.default_rng([draw, 20_180_523])
    order: IntArray = rng.permutation(len(part))
    if part.targets.ndim == 1:
        labels = part.targets[order]
        by_class = np.argsort(labels, kind="stable")
        _, starts, sizes = np.unique(labels[by_class], return_index=True, return_counts=True)
        rank = np.empty(len(part), dtype=np.int64)
        rank[by_class] = np.arange(len(part)) - np.repeat(starts, sizes)
        order = order[np.argsort(rank, kind="stable")]
    return part.take(np.sort(order[:n]))
