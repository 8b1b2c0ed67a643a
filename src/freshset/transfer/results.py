"""What a transfer study has found, cell by cell: the input of all its statistics, tables and figures.

It holds numbers only: users may bring those of networks that were trained elsewhere, and nothing here
or in the analysis needs torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from freshset.transfer.probe.scores import Metric

Regime = Literal["features", "finetune", "scratch"]

UNNAMED = "source benchmark"
"""What a source benchmark is called that nobody has named."""


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A network and what is known of it.

    Attributes
    ----------
    name
        In the study.
    family
        Networks of one family are no independent sample; empty for a family of its own.
    accuracy
        On the source benchmark, a fraction; ``None`` when not known.
    n
        Items of the source benchmark; 0 when not known.
    recipe
        How it was trained, in words: public checkpoints of one architecture differ in it.
    """

    name: str
    family: str = ""
    accuracy: float | None = None
    n: int = 0
    recipe: str = ""


@dataclass(frozen=True, slots=True)
class TargetSet:
    """A data set that was transferred to.

    Attributes
    ----------
    id, title, metric
        See `freshset.transfer.datasets.base.TransferDataset`.
    n_train
        Training and validation items.
    labels
        Of the test set that was used: class ids, shape (n,), or bool, shape (n, classes).
    class_names
        In the order of the class ids.
    ignored
        Decisions that do not count, shape (n, classes); ``None`` where all count.
    note
        Where it differs from the published one.
    """

    id: str
    title: str
    metric: Metric
    n_train: int
    labels: npt.NDArray[Any]
    class_names: tuple[str, ...] = ()
    ignored: npt.NDArray[np.bool_] | None = None
    note: str = ""

    @property
    def n_test(self) -> int:
        """Items of the test set."""
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Result:
    """One model on one data set in one regime, with one seed.

    Attributes
    ----------
    score
        On the test set, by the data set's metric.
    predictions
        Class ids, shape (n,); for several labels decisions, bool, shape (n, classes).
    chosen
        Penalty, or rate and decay, that the validation set chose.
    validation
        Score on the validation set of what was chosen.
    curve
        Steps and test score after them, where it was measured.
    steps
        Of the training run; 0 for features.
    cost
        ``seconds`` and ``images`` that went through the network, as measured; all trials together.
    warnings
        What a reader should know.
    """

    model: str
    dataset: str
    regime: Regime
    seed: int
    score: float
    predictions: npt.NDArray[Any]
    chosen: Mapping[str, float] = field(default_factory=dict)
    validation: float | None = None
    curve: tuple[tuple[int, float], ...] = ()
    steps: int = 0
    cost: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A cell that is not there.

    Attributes
    ----------
    reason
        One sentence.
    """

    model: str
    dataset: str
    regime: Regime
    seed: int
    reason: str


@dataclass(frozen=True, slots=True)
class LengthResult:
    """A training run of some length, for the figure of convergence; ``score`` as in `Result`."""

    model: str
    dataset: str
    regime: Regime
    steps: int
    seed: int
    score: float


@dataclass(frozen=True, slots=True)
class SubsetResult:
    """A result of learning from some of the training images only.

    Attributes
    ----------
    n
        Training images.
    draw
        Number of the random subset.
    """

    model: str
    dataset: str
    regime: Regime
    n: int
    draw: int
    score: float


@dataclass(frozen=True, slots=True)
class Embedding:
    """Penultimate features of test images, before or after fine-tuning.

    Attributes
    ----------
    stage
        ``before`` or ``after``.
    features
        Shape (n, d).
    labels
        Class ids, shape (n,).
    """

    model: str
    dataset: str
    stage: Literal["before", "after"]
    features: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TransferResults:
    """Everything that is known.

    Attributes
    ----------
    title, source
        Of the study, and name of the source benchmark.
    models, datasets
        In the order of the study.
    results, missing
        One entry a cell.
    scores
        Transferability scores that need no training (``logme``, ``leep``, ``nleep``, ``h-score``), by
        model and data set.
    protocol
        As plain values; see `freshset.transfer.protocol.Protocol.to_dict`.
    simulated
        Whether the data are generated, which every table and figure then says.
    """

    title: str
    source: str
    models: tuple[SourceModel, ...]
    datasets: tuple[TargetSet, ...]
    results: tuple[Result, ...]
    missing: tuple[Missing, ...] = ()
    scores: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)
    lengths: tuple[LengthResult, ...] = ()
    subsets: tuple[SubsetResult, ...] = ()
    embeddings: tuple[Embedding, ...] = ()
    protocol: Mapping[str, Any] = field(default_factory=dict)
    simulated: bool = False
