"""From cells to tables of models by data sets, and the complete part of an incomplete one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from freshset.stats.transfer_means import logit_scores
from freshset.stats.types import FloatArray, IntArray
from freshset.transfer.results import Regime, Result, TransferResults

REGIMES: tuple[Regime, ...] = ("features", "finetune", "scratch")
REGIME_TITLES: Mapping[Regime, str] = {
    "features": "fixed features",
    "finetune": "fine-tuning",
    "scratch": "training from scratch",
}


@dataclass(frozen=True, slots=True)
class RegimeTable:
    """Scores in one regime, of models that have all the data sets.

    Attributes
    ----------
    models, datasets
        Names and ids, in the order of the study.
    score
        Means over seeds, fractions, shape (models, data sets).
    logits
        Log odds of these means, shape (models, data sets).
    left_out
        Models and data sets that have some cells, but not all that the others have.
    """

    regime: Regime
    models: tuple[str, ...]
    datasets: tuple[str, ...]
    score: FloatArray
    logits: FloatArray
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """How much results of one cell differ between seeds.

    Attributes
    ----------
    least, most
        Seeds of a cell.
    cells
        Cells with two seeds or more.
    logit, points
        Standard deviation between seeds, pooled over these cells; nan without any.
    """

    least: int
    most: int
    cells: int
    logit: float
    points: float


Key = tuple[str, str, Regime]


def by_cell(results: TransferResults) -> dict[Key, list[Result]]:
    """Results of each model, data set and regime, one a seed, seeds in order."""
    cells: dict[Key, list[Result]] = {}
    for one in results.results:
        cells.setdefault((one.model, one.dataset, one.regime), []).append(one)
    return {key: sorted(found, key=lambda r: r.seed) for key, found in cells.items()}


def complete_part(there: npt.NDArray[np.bool_]) -> tuple[IntArray, IntArray]:
    """Rows and columns of a part of a table that has no gaps.

    Parameters
    ----------
    there
        Whether there is a value, shape (rows, columns).

    Returns
    -------
    rows, columns
        What is left when the row or column with the largest share of gaps goes, again and again.
        Usually, not always, that is the largest such part.
    """
    rows, columns = np.arange(there.shape[0]), np.arange(there.shape[1])
    while rows.size and columns.size and not there[np.ix_(rows, columns)].all():
        gaps = ~there[np.ix_(rows, columns)]
        by_row, by_column = gaps.mean(axis=1), gaps.mean(axis=0)
        if by_row.max() >= by_column.max():
            rows = np.delete(rows, by_row.argmax())
        else:
            columns = np.delete(columns, by_column.argmax())
    return rows, columns


def regime_table(
    results: TransferResults, cells: Mapping[Key, list[Result]], regime: Regime
) -> RegimeTable | None:
    """Table of one regime; ``None`` where it has no cell."""
    names = [m.name for m in results.models]
    ids = [d.id for d in results.datasets]
    score = np.full((len(names), len(ids)), np.nan)
    for i, model in enumerate(names):
        for j, dataset in enumerate(ids):
            if found := cells.get((model, dataset, regime)):
                score[i, j] = float(np.mean([one.score for one in found]))
    there = np.isfinite(score)
    if not there.any():
        return None
    rows, columns = complete_part(there)
    left_out = (
        *(names[i] for i in np.flatnonzero(there.any(axis=1)) if i not in rows),
        *(ids[j] for j in np.flatnonzero(there.any(axis=0)) if j not in columns),
    )
    kept = score[np.ix_(rows, columns)]
    n = np.array([d.n_test for d in results.datasets])[columns]
    return RegimeTable(
        regime,
        tuple(names[i] for i in rows),
        tuple(ids[j] for j in columns),
        kept,
        logit_scores(kept, n),
        left_out,
    )


def seed_spread(
    results: TransferResults, cells: Mapping[Key, list[Result]], regime: Regime
) -> SeedSpread:
    """Pooled spread between seeds over the cells of a regime."""
    n = {d.id: d.n_test for d in results.datasets}
    found = {key: cell for key, cell in cells.items() if key[2] == regime}
    counts = [len(cell) for cell in found.values()]
    several = [
        (np.array([one.score for one in cell]), n[key[1]])
        for key, cell in found.items()
        if len(cell) > 1
    ]
    nothing = float("nan")
    if not several:
        return SeedSpread(min(counts), max(counts), 0, nothing, nothing)
    freedom = sum(len(scores) - 1 for scores, _ in several)
    points = sum(float(np.square(s - s.mean()).sum()) for s, _ in several)
    on_logits = [logit_scores(scores, items) for scores, items in several]
    logit = sum(float(np.square(s - s.mean()).sum()) for s in on_logits)
    return SeedSpread(
        min(counts), max(counts), len(several), sqrt(logit / freedom), 100 * sqrt(points / freedom)
    )
