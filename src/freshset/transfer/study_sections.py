"""The keys of a transfer study's file and their types; `freshset.transfer.study` says what they mean."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import Field

from freshset.engine.study_sections import ModelSection, Section, settings_section
from freshset.models.training.recipe import Execution
from freshset.transfer.protocol import Budget, Features, ProbeProtocol, Splitting, Subsets, Training
from freshset.transfer.results import Regime

Score = Literal["logme", "leep", "nleep", "h-score"]


class TransferSection(Section):
    """The whole file; every part of it is read by itself."""

    title: str = ""
    store: str = "store"
    source: Any = None
    models: list[Any] = Field(default_factory=list)
    datasets: list[Any] = Field(default_factory=list)
    regimes: list[Regime] = Field(default_factory=lambda: list(get_args(Regime)))
    seeds: Any = 1
    protocol: dict[str, Any] = Field(default_factory=dict)
    run: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    convergence: dict[str, Any] | None = None
    subsets: dict[str, Any] | None = None
    embeddings: dict[str, Any] | None = None
    report: str | None = None
    simulated: bool = False
    scores: list[Score] = Field(default_factory=lambda: list(get_args(Score)))
    features: list[Any] = Field(default_factory=list)


class SourceModelSection(ModelSection):
    """A model with what is known of it."""

    family: str = ""
    accuracy: float | None = Field(None, gt=0, lt=1)
    n: int = Field(0, ge=0)
    recipe: str = ""


class OwnFeaturesSection(Section):
    """Files of features of one model on one data set, and what is known of the model."""

    model: str
    dataset: str
    train: str
    validation: str = ""
    test: str = ""
    family: str = ""
    accuracy: float | None = Field(None, gt=0, lt=1)
    n: int = Field(0, ge=0)
    recipe: str = ""


class SourceSection(Section):
    """The source benchmark; with a test set, accuracies are those that the store holds."""

    name: str = ""
    testset: str = ""


class ProtocolSection(Section):
    """A budget and changes to it; each part is read by itself."""

    budget: Budget = "lite"
    splitting: dict[str, Any] = Field(default_factory=dict)
    features: dict[str, Any] = Field(default_factory=dict)
    probe: dict[str, Any] = Field(default_factory=dict)
    finetune: dict[str, Any] = Field(default_factory=dict)
    scratch: dict[str, Any] = Field(default_factory=dict)
    subsets: dict[str, Any] = Field(default_factory=dict)


PROTOCOL_PARTS = {
    "splitting": settings_section("Splitting", Splitting, Section),
    "features": settings_section("Features", Features, Section),
    "probe": settings_section("Probe", ProbeProtocol, Section),
    "finetune": settings_section("Finetune", Training, Section),
    "scratch": settings_section("Scratch", Training, Section),
    "subsets": settings_section("Subsets", Subsets, Section),
}
# Readers and their memory are those of the other work too, and are in the key ``run``.
TrainingSection = settings_section("Training", Execution, Section, ("workers", "memory"))


class ChosenSection(Section):
    """Shell patterns of models and data sets; all by default."""

    models: list[str] = Field(default_factory=lambda: ["*"])
    datasets: list[str] = Field(default_factory=lambda: ["*"])


class ConvergenceSection(ChosenSection):
    """Training runs of several lengths."""

    lengths: list[int] = Field(min_length=1)


class SubsetsSection(ChosenSection):
    """Learning from some of the training images."""

    sizes: list[int] = Field(min_length=1)
    draws: int = Field(3, ge=1)


class EmbeddingsSection(ChosenSection):
    """Features of test images before and after fine-tuning."""

    images: int = Field(1000, ge=2)
