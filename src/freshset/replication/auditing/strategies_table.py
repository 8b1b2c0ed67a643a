"""Sampling strategy, mean selection frequency and mean change in accuracy: one row a strategy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from freshset.core.errors import StoreError, UsageError
from freshset.core.frequencies import Frequencies
from freshset.core.identifiers import canonical_testset
from freshset.core.matched import matched
from freshset.stats.changes import mean_change
from freshset.stats.types import Estimate, none_if_nan
from freshset.store.base import Store

SCHEMA = "freshset.strategies-table/1"


@dataclass(frozen=True, slots=True)
class StrategyRow:
    """One strategy.

    Attributes
    ----------
    strategy, testset
        Its name, and the set that it made.
    n
        Images.
    mean_frequency
        Mean selection frequency of the images that have answers; nan when none is known.
    unknown
        Images without answers.
    top1, top5
        Mean over the models of new less original accuracy, in points, with an interval over items;
        ``top5`` is ``None`` where a model stores fewer than five predictions.
    """

    strategy: str
    testset: str
    n: int
    mean_frequency: float
    unknown: int
    top1: Estimate
    top5: Estimate | None


@dataclass(frozen=True, slots=True)
class StrategiesTable:
    """Strategies against the original set; ``models`` are those that all sets have."""

    original: str
    models: tuple[str, ...]
    rows: tuple[StrategyRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        rows = [
            asdict(row) | {"mean_frequency": none_if_nan(row.mean_frequency)} for row in self.rows
        ]
        return {
            "schema": SCHEMA,
            "unit": "points",
            "original": self.original,
            "models": list(self.models),
            "rows": rows,
        }


def strategies_table(
    store: Store,
    original: str,
    strategies: Mapping[str, str],
    frequencies: Frequencies | None = None,
    *,
    level: float = 0.95,
) -> StrategiesTable:
    """Tabulate what each way of sampling did to the scores (Recht et al. 2019, table 1).

    Parameters
    ----------
    original
        Id of the original test set.
    strategies
        Id of the new test set by the name of its strategy, in the order of the table.
    frequencies
        Selection frequencies of the images of any of the sets; ``None`` when they are not known.

    Raises
    ------
    UsageError
        Without a strategy.
    StoreError
        When no model has per-example results on every set.
    DataError
        When frequencies are given and no image of a set has one.
    """
    if not strategies:
        raise UsageError("No strategy to tabulate.", "Name one, such as top=imagenetv2/top-images.")
    old = canonical_testset(original)
    sets = {name: canonical_testset(testset) for name, testset in strategies.items()}
    models, five = _models(store, [old, *sets.values()])
    before = store.matrix(old, models)
    rows = []
    for name, testset in sets.items():
        after = store.matrix(testset, models)
        change = {
            metric: _points(mean_change(before.correct(metric), after.correct(metric), level=level))
            for metric in (["top1", "top5"] if five else ["top1"])
        }
        mean, unknown = _frequency(store, testset, frequencies)
        rows.append(
            StrategyRow(
                name, testset, after.label_rank.shape[1], mean, unknown,
                change["top1"], change.get("top5"),
            )
        )  # fmt: skip
    return StrategiesTable(old, tuple(models), tuple(rows))


def _models(store: Store, sets: list[str]) -> tuple[list[str], bool]:
    """Models that all sets have item by item, and whether each has five predictions on all."""
    found = [
        {c.spec.model: c for c in store.cells(name) if c.kind == "examples" and "top1" in c.correct}
        for name in sets
    ]
    models = sorted(set.intersection(*(set(cells) for cells in found)))
    if not models:
        raise StoreError(
            f"{store.location}: no model has per-example results on all of {', '.join(sets)}.",
            "Import or run one model on every set.",
        )
    return models, all("top5" in cells[model].correct for cells in found for model in models)


def _points(change: Estimate) -> Estimate:
    return Estimate(100 * change.value, 100 * change.low, 100 * change.high)


def _frequency(store: Store, testset: str, frequencies: Frequencies | None) -> tuple[float, int]:
    if frequencies is None:
        return float("nan"), store.testset(testset).n
    value = matched(frequencies, store.testset(testset)).value
    known = ~np.isnan(value)
    return float(value[known].mean()), int((~known).sum())
