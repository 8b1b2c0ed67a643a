"""Which models are not distinguishable from the best one, on each data set and over all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from freshset.stats.best_models import (
    BestModels,
    best_by_accuracy,
    best_by_class_mean,
    best_by_decisions,
)
from freshset.transfer.analysis.settings import AnalysisSettings
from freshset.transfer.analysis.tables import Key
from freshset.transfer.results import Regime, Result, TargetSet, TransferResults


@dataclass(frozen=True, slots=True)
class DatasetBest:
    """Models of one regime on one data set, against the best of them.

    Attributes
    ----------
    models
        In the order of the study.
    seeds
        Whose answers are compared, one for each model.
    found
        Tests against the best.
    """

    dataset: str
    models: tuple[str, ...]
    seeds: tuple[int, ...]
    found: BestModels


def best_of_datasets(
    results: TransferResults,
    cells: Mapping[Key, list[Result]],
    regime: Regime,
    settings: AnalysisSettings,
    stream: int,
) -> tuple[DatasetBest, ...]:
    """Compare the models on each data set by answers of one seed.

    Answers of several seeds of a model are no independent answers, so one seed is compared: the
    lowest that all models of the data set have, and else the lowest of each.
    """
    out = []
    for j, dataset in enumerate(results.datasets):
        found = [
            cells[key]
            for model in results.models
            if (key := (model.name, dataset.id, regime)) in cells
        ]
        if len(found) < 2:
            continue
        chosen = _one_seed(found)
        judged = _judge(chosen, dataset, settings, (stream, 4, j))
        out.append(
            DatasetBest(
                dataset.id, tuple(r.model for r in chosen), tuple(r.seed for r in chosen), judged
            )
        )
    return tuple(out)


def _one_seed(cells: Sequence[Sequence[Result]]) -> list[Result]:
    shared = set.intersection(*({one.seed for one in cell} for cell in cells))
    if not shared:
        return [cell[0] for cell in cells]
    return [next(one for one in cell if one.seed == min(shared)) for cell in cells]


def _judge(
    chosen: Sequence[Result],
    dataset: TargetSet,
    settings: AnalysisSettings,
    stream: tuple[int, ...],
) -> BestModels:
    correct = np.stack([np.asarray(one.predictions == dataset.labels) for one in chosen])
    if dataset.metric == "map11":
        if dataset.ignored is not None:
            # A decision that does not count is the same for all.
            correct |= dataset.ignored
        return best_by_decisions(correct, level=settings.level)
    if dataset.metric == "top1":
        return best_by_accuracy(correct, level=settings.level)
    return best_by_class_mean(
        correct, dataset.labels, rng=settings.rng(*stream), n_draws=settings.draws,
        level=settings.level,
    )  # fmt: skip
