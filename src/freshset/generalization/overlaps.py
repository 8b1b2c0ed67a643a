"""Test sets that share items, and what their shared items say about rerun noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from freshset.core.issues import Issue
from freshset.core.records import Cell, TestSet
from freshset.stats.types import FloatArray
from freshset.store.base import Store

# Two runs of one model on one machine differ on far fewer items than this.
_RERUN_AGREEMENT = 0.99


def overlaps(store: Store, by_set: Mapping[str, Sequence[Cell]]) -> Iterator[Issue]:
    """Yield a note for every pair of sets that share items, and warnings where reruns disagree.

    Only ids that came with the data count: two sets numbered from 0 do not share items.
    """
    sets = {name: store.testset(name) for name in by_set}
    given = {name: set(t.ids) for name, t in sets.items() if t.has_items and t.ids_given}
    for a, b in combinations(sorted(given), 2):
        shared = sorted(given[a] & given[b])
        if not shared:
            continue
        share = 100 * len(shared) / min(len(given[a]), len(given[b]))
        text = (
            f"{a} and {b} share {len(shared):,} items ({share:.0f} % of the smaller set): results "
            "on them are not independent."
        )
        models = _in_common(by_set[a], by_set[b])
        if models:
            same = _rerun_agreement(store, (sets[a], sets[b]), models, shared)
            text += _noise_floor(models, same)
            yield from _disagreements(models, same, (a, b), len(shared))
        yield Issue("overlap", "note", b, (), text)


def _in_common(a: Sequence[Cell], b: Sequence[Cell]) -> list[str]:
    names = [{cell.spec.model for cell in cells if cell.kind == "examples"} for cells in (a, b)]
    return sorted(names[0] & names[1])


def _rerun_agreement(
    store: Store, pair: tuple[TestSet, TestSet], models: list[str], shared: list[str]
) -> FloatArray:
    """Share of the common items with the same prediction in both sets, shape (models,)."""
    sides = []
    for testset in pair:
        row_of = {item: row for row, item in enumerate(testset.ids)}
        rows = [row_of[item] for item in shared]
        sides.append(store.predictions(testset.id, models)[:, rows])
    return np.asarray((sides[0] == sides[1]).mean(axis=1))


def _noise_floor(models: list[str], same: FloatArray) -> str:
    text = f" Run twice on them, {int((same == 1).sum())} of {len(models)} models repeat every one"
    sound = (same >= _RERUN_AGREEMENT) & (same < 1)
    if sound.any():
        worst = int(np.argmin(np.where(sound, same, np.inf)))
        text += f"; {models[worst]} repeats {100 * same[worst]:.3f} %"
    return text + "."


def _disagreements(
    models: list[str], same: FloatArray, sets: tuple[str, str], shared: int
) -> Iterator[Issue]:
    for index in np.flatnonzero(same < _RERUN_AGREEMENT):
        text = (
            f"{models[index]} gives the same prediction on only {100 * same[index]:.1f} % of the "
            f"{shared:,} items that {sets[0]} and {sets[1]} share. One of the two cells is wrong, "
            "or they come from different models."
        )
        yield Issue("rerun-noise", "warning", sets[1], (models[index],), text)
