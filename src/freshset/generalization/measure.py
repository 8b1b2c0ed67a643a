"""Metrics of stored cells, whole or by stratum; nothing is run for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import StoreError, UsageError, did_you_mean
from freshset.core.records import AcceptSets, Cell, TestSet
from freshset.stats.metrics import METRICS, Metric, MetricValue, evaluate, find_metric
from freshset.stats.predictions import Predictions
from freshset.stats.strata import by_stratum
from freshset.store.base import Store

STORED = ("label", "topk_prob", "label_logprob", "exact_match", "f1", "nll", "tokens", "bytes")


@dataclass(frozen=True, slots=True)
class ModelMeasures:
    """The metrics of one model.

    Attributes
    ----------
    values
        By metric.
    strata
        By metric, then one a stratum, in the order of the strata.
    absent
        Why a metric could not be computed, by metric.
    """

    model: str
    values: Mapping[str, MetricValue]
    strata: Mapping[str, tuple[tuple[str, MetricValue], ...]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "model": self.model,
            "values": {name: value.to_dict() for name, value in self.values.items()},
            "strata": {
                name: [{"stratum": which} | value.to_dict() for which, value in rows]
                for name, rows in self.strata.items()
            },
            "absent": dict(self.absent),
        }


@dataclass(frozen=True, slots=True)
class Measures:
    """Metrics of all models on one test set, best first by the first metric."""

    testset: str
    metrics: tuple[str, ...]
    by: str
    level: float
    models: tuple[ModelMeasures, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values, schema ``freshset.measures/1``."""
        head = {"schema": "freshset.measures/1"} | {
            name: value for name, value in asdict(self).items() if name not in {"models", "metrics"}
        }
        models = [model.to_dict() for model in self.models]
        return head | {"metrics": list(self.metrics), "models": models}


@dataclass(frozen=True, slots=True)
class MeasureSettings:
    """What to measure.

    Attributes
    ----------
    metrics
        Names; by default what the test set's task is usually scored by.
    models
        Patterns of model names; all by default.
    by
        Column of the test set to cut scores by; empty for none.
    level, n_resamples, seed
        Of the intervals.
    """

    metrics: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    by: str = ""
    level: float = 0.95
    n_resamples: int = 2_000
    seed: int = 0


_USUAL = {
    "classification": ("top1", "top5", "mean-per-class", "nll", "ece"),
    "question-answering": ("exact-match", "f1"),
    "language-modelling": ("perplexity", "bits-per-byte"),
}


def measure(store: Store, testset: str, settings: MeasureSettings | None = None) -> Measures:
    """Compute metrics of the cells on one test set.

    A metric that a cell has no data for is absent with its reason; others are not touched by that.

    Raises
    ------
    StoreError
        When there are no predictions on the test set.
    UsageError
        For a metric, a model or a column that does not exist.
    """
    settings = settings or MeasureSettings()
    items = store.testset(testset)
    metrics = _metrics(settings.metrics or _USUAL[items.task])
    cells = [cell for cell in store.cells(testset) if cell.kind == "examples"]
    if not cells:
        raise StoreError(f"{store.location}: no predictions on {testset!r}.")
    cells = _chosen(cells, settings.models)
    values = _stratum(items, settings.by) if settings.by else None
    needs_scores = any("scores" in metric.needs for metric in metrics)
    rows = [
        _measured(
            cell, _predictions(store, cell, items, scores=needs_scores), metrics, values, settings
        )
        for cell in cells
    ]
    first = metrics[0]
    sign = -1 if first.better == "higher" else 1
    rows.sort(key=lambda r: (first.name not in r.values, sign * _value(r, first.name), r.model))
    return Measures(
        testset, tuple(m.name for m in metrics), settings.by, settings.level, tuple(rows)
    )


def _value(row: ModelMeasures, name: str) -> float:
    return row.values[name].value if name in row.values else 0.0


def _metrics(names: Sequence[str]) -> list[Metric]:
    out = []
    for name in names:
        try:
            out.append(find_metric(name))
        except ValueError as error:
            raise UsageError(f"No metric {name!r}.", did_you_mean(name, METRICS)) from error
    return out


def _chosen(cells: list[Cell], patterns: Iterable[str]) -> list[Cell]:
    patterns = tuple(patterns)
    names = [cell.spec.model for cell in cells]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UsageError(f"No model {pattern!r} here.", did_you_mean(pattern, names))
    if not patterns:
        return cells
    return [c for c in cells if any(fnmatchcase(c.spec.model, p) for p in patterns)]


def _stratum(items: TestSet, by: str) -> npt.NDArray[Any]:
    if by in items.strata:
        return items.strata[by]
    if by == "class" and items.labels is not None:
        names = items.class_names or items.class_keys
        if not names:
            return items.labels
        return np.array([names[label] for label in items.labels], dtype=object)
    known = [*items.strata, "class"]
    raise UsageError(f"{items.id} has no column {by!r}.", did_you_mean(by, known))


def _predictions(store: Store, cell: Cell, items: TestSet, *, scores: bool) -> Predictions:
    stored = store.columns(cell)
    given: dict[str, Any] = {name: stored[name] for name in STORED if name in stored}
    if "pred" in stored:
        given["rank"] = stored["label_rank"]
        given["topk"] = stored["topk_id"] if "topk_id" in stored else stored["pred"][:, None]
        given["n_classes"] = items.n_classes
    if scores and (full := store.scores(cell)) is not None:
        run = cell.spec.run
        logits = run is not None and run.outputs == "logits" and not run.mapping
        given["scores"] = _softmax(full) if logits else full
        if items.accepted is not None:
            given["relevant"] = _relevant(items.accepted, items.n_classes)
    return Predictions(**given)


def _relevant(accepted: AcceptSets, n_classes: int) -> npt.NDArray[np.bool_]:
    """Which classes each item accepts, shape (items, classes)."""
    out = np.zeros((len(accepted), n_classes), dtype=bool)
    out[np.repeat(np.arange(len(accepted)), np.diff(accepted.offsets)), accepted.classes] = True
    return out


def _softmax(scores: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
    shifted = scores.astype(np.float32)
    shifted -= shifted.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=1, keepdims=True)
    return shifted


def _measured(
    cell: Cell,
    predictions: Predictions,
    metrics: Sequence[Metric],
    strata: npt.NDArray[Any] | None,
    settings: MeasureSettings,
) -> ModelMeasures:
    values: dict[str, MetricValue] = {}
    parts: dict[str, tuple[tuple[str, MetricValue], ...]] = {}
    absent: dict[str, str] = {}
    for metric in metrics:
        # Every metric draws the same resamples, whatever else is asked for.
        rng = np.random.default_rng(settings.seed)
        options: dict[str, Any] = {
            "rng": rng,
            "level": settings.level,
            "n_resamples": settings.n_resamples,
        }
        try:
            values[metric.name] = evaluate(metric, predictions, **options)
            if strata is not None:
                parts[metric.name] = by_stratum(metric, predictions, strata, **options)
        except ValueError as error:
            absent[metric.name] = str(error)
    return ModelMeasures(cell.spec.model, values, parts, absent)
