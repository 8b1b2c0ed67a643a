"""Which models a comparison is about, and their counts and correctness on both sets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from freshset.core.config import CompareSettings
from freshset.core.errors import StoreError, UsageError, did_you_mean
from freshset.core.identifiers import canonical_testset
from freshset.core.records import Cell, Matrix
from freshset.stats.types import BoolArray, FloatArray
from freshset.store.base import Store


@dataclass(frozen=True, slots=True)
class Scores:
    """Counts of the models that both sets have, best on the old set first.

    Attributes
    ----------
    k_old, k_new
        Correct answers, shape (models,); fractional only where ``approximate``.
    matrix_old, matrix_new
        Per-example results; ``None`` where some model has only counts.
    touched
        Those of the two sets that are adaptively touched: id, and why.
    """

    old: str
    new: str
    models: tuple[str, ...]
    n_old: int
    n_new: int
    k_old: FloatArray
    k_new: FloatArray
    metric: str
    matrix_old: Matrix | None
    matrix_new: Matrix | None
    approximate: bool
    excluded: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    touched: tuple[tuple[str, str], ...] = ()

    @property
    def accuracy_old(self) -> FloatArray:
        """Fractions, shape (models,)."""
        return self.k_old / self.n_old

    @property
    def per_example(self) -> bool:
        """Whether correctness is known item by item for every model."""
        return self.matrix_old is not None

    def hits(self) -> tuple[BoolArray | None, BoolArray | None]:
        """Correctness on the old and the new set, each of shape (models, items)."""
        if self.matrix_old is None or self.matrix_new is None:
            return None, None
        return self.matrix_old.correct(self.metric), self.matrix_new.correct(self.metric)

    @property
    def accuracy_new(self) -> FloatArray:
        """Fractions, shape (models,)."""
        return self.k_new / self.n_new


def gather(store: Store, old: str, new: str, settings: CompareSettings) -> Scores:
    """Collect what both sets have in common.

    Raises
    ------
    UsageError
        When both sets are one, or a pattern of ``exclude`` matches no model.
    StoreError
        When a set is unknown or empty, or no model has been run on both.
    """
    old, new = canonical_testset(old), canonical_testset(new)
    if old == new:
        raise UsageError(f"Old and new are both {old!r}.", "Name two test sets.")
    on_old, on_new = _cells(store, old), _cells(store, new)
    excluded = _excluded(on_old.keys() | on_new.keys(), settings.exclude)
    warnings, kept = [], []
    for model in sorted(on_old.keys() | on_new.keys()):
        if model in excluded:
            continue
        if model not in on_old or model not in on_new:
            where = old if model in on_old else new
            warnings.append(f"{model} is left out: it has results on {where} only.")
        elif not _has_metric(on_old[model], on_new[model], settings.metric):
            warnings.append(f"{model} is left out: no {settings.metric} is stored for it.")
        else:
            kept.append(model)
    if not kept:
        raise StoreError(
            f"{store.location}: no model has {settings.metric} results on both {old!r} and {new!r}.",
            f"On the old set: {_some(on_old)}; on the new: {_some(on_new)}. A model must have one "
            "name on both; name it on import with --model NAME.",
        )
    kept.sort(key=lambda name: (_better(on_old[name], settings), _better(on_new[name], settings)))
    return _scores(store, (old, new), (on_old, on_new), kept, settings, excluded, warnings)


def _scores(
    store: Store,
    names: tuple[str, str],
    cells: tuple[dict[str, Cell], dict[str, Cell]],
    kept: list[str],
    settings: CompareSettings,
    excluded: dict[str, str],
    warnings: list[str],
) -> Scores:
    used = [by_model[model] for by_model in cells for model in kept]
    approximate = any(cell.approximate for cell in used)
    if approximate:
        warnings.append(
            "Some counts were derived from rounded percentages; intervals are approximate."
        )
    matrices: list[Matrix | None] = [None, None]
    if all(cell.kind == "examples" for cell in used):
        matrices = [store.matrix(name, kept) for name in names]
    else:
        warnings.append(
            "No per-example predictions of some models: rank intervals treat models as if they "
            "erred independently and the mean drop as if they erred together, so both are too wide "
            "rather than too narrow; the line resamples models only."
        )
    metric = settings.metric
    k = [np.array([by[model].correct[metric] for model in kept], dtype=float) for by in cells]
    return Scores(
        old=names[0],
        new=names[1],
        models=tuple(kept),
        n_old=cells[0][kept[0]].n,
        n_new=cells[1][kept[0]].n,
        k_old=k[0],
        k_new=k[1],
        metric=metric,
        matrix_old=matrices[0],
        matrix_new=matrices[1],
        approximate=approximate,
        excluded=tuple(excluded.items()),
        warnings=tuple(warnings),
        touched=tuple((name, why) for name in names if (why := store.testset(name).touched)),
    )


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(map(repr, ordered[:4])) + (", ..." if len(ordered) > 4 else "")


def _better(cell: Cell, settings: CompareSettings) -> float:
    return -cell.correct[settings.metric]


def _cells(store: Store, testset: str) -> dict[str, Cell]:
    cells = {cell.spec.model: cell for cell in store.cells(testset)}
    if not cells:
        hint = did_you_mean(testset, store.testsets())
        raise StoreError(f"{store.location}: no results on {testset!r}.", hint)
    return cells


def _has_metric(old: Cell, new: Cell, metric: str) -> bool:
    return metric in old.correct and metric in new.correct


def _excluded(models: set[str], patterns: tuple[str, ...]) -> dict[str, str]:
    out: dict[str, str] = {}
    for pattern in patterns:
        hit = sorted(model for model in models if fnmatchcase(model, pattern))
        if not hit:
            raise UsageError(
                f"--exclude {pattern!r} matches no model.", did_you_mean(pattern, models)
            )
        out |= dict.fromkeys(hit, f"matches --exclude {pattern}")
    return dict(sorted(out.items()))
