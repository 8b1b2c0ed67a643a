"""All that is said of one regime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from freshset.stats.across_datasets import RankAgreement, rank_agreement
from freshset.stats.best_models import BestModels, best_over_datasets
from freshset.stats.transfer_means import TransferMeans, transfer_means
from freshset.stats.types import FloatArray
from freshset.transfer.analysis.best import DatasetBest, best_of_datasets
from freshset.transfer.analysis.settings import AnalysisSettings
from freshset.transfer.analysis.source import SourceRelation, relate
from freshset.transfer.analysis.tables import (
    REGIMES,
    Key,
    RegimeTable,
    SeedSpread,
    regime_table,
    seed_spread,
)
from freshset.transfer.results import Regime, Result, TransferResults


@dataclass(frozen=True, slots=True)
class RegimeAnalysis:
    """One regime.

    Attributes
    ----------
    table
        Scores of the models that have all the data sets.
    means
        Over data sets, log odds, with errors that leave out how hard the data sets are.
    low, high
        Interval of each mean, shape (models,); nan with one data set or one model.
    source
        Relation to source accuracy.
    agreement
        Of data sets on the order of models; ``None`` with fewer than three models or two data sets.
    best_mean
        Which models' means are not distinguishable from the best; ``None`` with one of either.
    best
        The same on each data set.
    seeds
        Spread between training runs.
    """

    table: RegimeTable
    means: TransferMeans
    low: FloatArray
    high: FloatArray
    source: SourceRelation
    agreement: RankAgreement | None
    best_mean: BestModels | None
    best: tuple[DatasetBest, ...]
    seeds: SeedSpread

    @property
    def regime(self) -> Regime:
        """Its name."""
        return self.table.regime


def analyse_regime(
    results: TransferResults,
    cells: Mapping[Key, list[Result]],
    regime: Regime,
    settings: AnalysisSettings,
) -> RegimeAnalysis | None:
    """Analyse one regime; ``None`` where it has no cell."""
    table = regime_table(results, cells, regime)
    if table is None:
        return None
    stream = REGIMES.index(regime)
    means = transfer_means(table.logits)
    low, high = means.interval(level=settings.level)
    by_name = {model.name: model for model in results.models}
    rows, columns = table.logits.shape
    several = min(rows, columns) > 1
    return RegimeAnalysis(
        table,
        means,
        low,
        high,
        relate(table, [by_name[name] for name in table.models], settings, stream),
        # Two models have one order or the other: agreement would be about a single coin.
        rank_agreement(table.logits) if several and rows > 2 else None,
        best_over_datasets(table.logits, level=settings.level) if several else None,
        best_of_datasets(results, cells, regime, settings, stream),
        seed_spread(results, cells, regime),
    )
