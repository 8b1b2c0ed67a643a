"""The result of the analysis of a transfer study, schema ``freshset.transfer/1``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from freshset.stats.types import none_if_nan
from freshset.transfer.analysis.convergence import Convergence
from freshset.transfer.analysis.embeddings import EmbeddingMap
from freshset.transfer.analysis.gains import Gain
from freshset.transfer.analysis.rankings import RankedBy
from freshset.transfer.analysis.regimes import RegimeAnalysis
from freshset.transfer.analysis.settings import AnalysisSettings
from freshset.transfer.analysis.subsets import SubsetSizes
from freshset.transfer.results import Missing, Regime, SourceModel

SCHEMA = "freshset.transfer/1"


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """A data set without its labels; see `freshset.transfer.results.TargetSet`."""

    id: str
    title: str
    metric: str
    classes: int
    n_train: int
    n_test: int
    note: str


@dataclass(frozen=True, slots=True)
class CostOf:
    """What a regime took, all models, data sets, trials and seeds together, as far as measured."""

    regime: Regime
    cells: int
    seconds: float
    images: float


@dataclass(frozen=True, slots=True)
class TransferAnalysis:
    """Everything that tables, figures and findings are made of.

    Attributes
    ----------
    title, source, simulated, protocol, missing
        See `freshset.transfer.results.TransferResults`.
    models, datasets
        In the order of the study.
    regimes
        Those with results, fixed features first.
    gains
        Of fine-tuning.
    rankings
        By scores that need no training.
    convergence, subsets, embeddings
        Where there are such results.
    costs
        By regime.
    findings
        In plain words.
    warnings
        What a reader should know before.
    """

    title: str
    source: str
    simulated: bool
    models: tuple[SourceModel, ...]
    datasets: tuple[DatasetFacts, ...]
    regimes: tuple[RegimeAnalysis, ...]
    gains: tuple[Gain, ...]
    rankings: tuple[RankedBy, ...]
    convergence: Convergence | None
    subsets: SubsetSizes | None
    embeddings: tuple[EmbeddingMap, ...]
    costs: tuple[CostOf, ...]
    missing: tuple[Missing, ...]
    protocol: Mapping[str, Any]
    settings: AnalysisSettings
    warnings: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()

    def regime(self, name: Regime) -> RegimeAnalysis | None:
        """One regime, if it has results."""
        return next((one for one in self.regimes if one.regime == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema ``freshset.transfer/1``; nan becomes ``None``."""
        document: dict[str, Any] = {"schema": SCHEMA}
        return document | {f.name: _plain(getattr(self, f.name)) for f in fields(self)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return none_if_nan(value) if isinstance(value, float) else value
