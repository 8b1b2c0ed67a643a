"""Two models, or all pairs of models, on the same items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from freshset.core.config import CompareSettings
from freshset.core.errors import StoreError, did_you_mean
from freshset.core.identifiers import canonical_testset
from freshset.stats.multiplicity import adjust
from freshset.stats.paired import (
    mcnemar_all_pairs,
    mcnemar_exact,
    mcnemar_midp,
    paired_difference,
)
from freshset.stats.power import items_for_pair
from freshset.stats.types import BoolArray, Estimate, FloatArray, none_if_nan
from freshset.store.base import Store
from freshset.store.parquet import opened


@dataclass(frozen=True, slots=True)
class PairOnSet:
    """Two models on one test set.

    Attributes
    ----------
    accuracy_a, accuracy_b
        Fractions.
    difference
        a minus b in percentage points, with its paired bootstrap interval.
    only_a, only_b
        Items that only one of the two gets right.
    p_exact, p_mid
        McNemar's test, two-sided, this test set alone.
    p_adjusted
        ``p_exact`` after Holm's correction for the test sets of this result.
    similarity
        Share of items on which both are right or both wrong.
    items_needed
        Items to tell models this different apart with 80 % power; infinite when they are equal.
    """

    testset: str
    n: int
    accuracy_a: float
    accuracy_b: float
    difference: Estimate
    only_a: int
    only_b: int
    p_exact: float
    p_mid: float
    p_adjusted: float
    similarity: float
    items_needed: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models compared item by item on every test set that both have."""

    a: str
    b: str
    metric: str
    level: float
    testsets: tuple[PairOnSet, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema ``freshset.pair/1``."""
        rows = [asdict(row) for row in self.testsets]
        for row in rows:
            row["items_needed"] = none_if_nan(row["items_needed"])
        head = {"schema": "freshset.pair/1", "a": self.a, "b": self.b, "metric": self.metric}
        return head | {"level": self.level, "testsets": rows}


@dataclass(frozen=True, slots=True)
class PairMatrix:
    """Which models of a test set can be told apart.

    Attributes
    ----------
    models
        Best first.
    p
        Exact McNemar p-values after Holm's correction over all pairs, shape (models, models), 1 on
        the diagonal.
    """

    testset: str
    metric: str
    level: float
    models: tuple[str, ...]
    p: FloatArray

    @property
    def distinguishable(self) -> BoolArray:
        """Whether each pair differs beyond noise, shape (models, models)."""
        return np.asarray(self.p < 1 - self.level)

    @property
    def tied_with_best(self) -> tuple[str, ...]:
        """Models (without the best) that the best one is not distinguishable from."""
        return tuple(
            model
            for model, apart in zip(self.models[1:], self.distinguishable[0, 1:], strict=True)
            if not apart
        )


def pair(
    store: Store | Path | str,
    a: str,
    b: str,
    testsets: Sequence[str] = (),
    settings: CompareSettings | None = None,
) -> Pair:
    """Compare two models on the items of every test set that both have predictions on.

    Parameters
    ----------
    testsets
        Test sets to look at; all common ones by default.

    Raises
    ------
    StoreError
        When a model is unknown, or the two have no test set with predictions in common.
    """
    settings, store = settings or CompareSettings(), opened(store)
    wanted = list(dict.fromkeys(canonical_testset(name) for name in testsets))
    names = _common(store, (a, b), wanted, settings.metric)
    rows = [_on_set(store, a, b, name, settings) for name in names]
    adjusted = adjust([row.p_exact for row in rows])
    rows = [replace(row, p_adjusted=float(p)) for row, p in zip(rows, adjusted, strict=True)]
    return Pair(a, b, settings.metric, settings.level, tuple(rows))


def all_pairs(
    store: Store, testset: str, models: Sequence[str], settings: CompareSettings
) -> PairMatrix:
    """Test every pair of models on a test set, corrected for the number of pairs."""
    correct = store.matrix(testset, models).correct(settings.metric)
    order = np.argsort(-correct.sum(axis=1), kind="stable")
    pairs = mcnemar_all_pairs(correct[order])
    p = np.ones((len(models), len(models)))
    p[pairs.first, pairs.second] = p[pairs.second, pairs.first] = adjust(pairs.p_exact)
    names = tuple(models[i] for i in order)
    return PairMatrix(testset, settings.metric, settings.level, names, p)


def _common(store: Store, models: tuple[str, str], wanted: list[str], metric: str) -> list[str]:
    cells = [c for c in store.cells() if c.kind == "examples" and metric in c.correct]
    sets = []
    for model in models:
        found = {cell.spec.testset for cell in cells if cell.spec.model == model}
        if not found:
            known = {cell.spec.model for cell in cells}
            counted = any(cell.spec.model == model for cell in store.cells())
            raise StoreError(
                f"{store.location}: no per-example {metric} of {model!r}.",
                "A paired test needs the predictions themselves, and top5 five of them an item."
                if counted
                else did_you_mean(model, known),
            )
        sets.append(found)
    common = sets[0] & sets[1]
    for name in wanted:
        if name not in common:
            raise StoreError(
                f"{store.location}: {models[0]!r} and {models[1]!r} have no predictions on "
                f"{name!r} in common.",
                did_you_mean(name, common),
            )
    if not common:
        raise StoreError(
            f"{store.location}: {models[0]!r} and {models[1]!r} share no test set.",
            "Import the predictions of both on one test set.",
        )
    return wanted or sorted(common)


def _on_set(store: Store, a: str, b: str, testset: str, settings: CompareSettings) -> PairOnSet:
    right = store.matrix(testset, [a, b]).correct(settings.metric)
    n = right.shape[1]
    only_a = int(np.count_nonzero(right[0] & ~right[1]))
    only_b = int(np.count_nonzero(right[1] & ~right[0]))
    rng = np.random.default_rng([settings.seed, 5])
    gap = paired_difference(only_a, only_b, n, rng=rng, level=settings.level)
    p = float(mcnemar_exact(only_a, only_b))
    discordance = (only_a + only_b) / n
    return PairOnSet(
        testset,
        n,
        float(right[0].mean()),
        float(right[1].mean()),
        Estimate(100 * gap.value, 100 * gap.low, 100 * gap.high),
        only_a,
        only_b,
        p,
        float(mcnemar_midp(only_a, only_b)),
        p,
        1 - discordance,
        items_for_pair(gap.value, discordance, level=settings.level) if gap.value else np.inf,
    )
