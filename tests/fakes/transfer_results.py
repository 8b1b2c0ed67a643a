"""Simulated results of transfer studies; nothing in them is about real networks."""

from __future__ import annotations

import numpy as np
from scipy import special

from freshset.transfer.results import (
    Embedding,
    LengthResult,
    Missing,
    Result,
    SourceModel,
    SubsetResult,
    TargetSet,
    TransferResults,
)

METRICS = ("top1", "mean-per-class", "map11", "top1")
# How strongly each regime follows the source, and how far it lies above chance, in log odds.
REGIMES = {"features": (0.6, 0.4), "finetune": (1.2, 1.1), "scratch": (0.3, -0.1)}


def simulated(
    models: int = 8,
    datasets: int = 4,
    seeds: int = 2,
    *,
    n: int = 300,
    extras: bool = True,
    metrics: tuple[str, ...] = METRICS,
    seed: int = 0,
) -> TransferResults:
    """Every model has a skill that its source accuracy shows; items have difficulties of their own."""
    rng = np.random.default_rng([seed, models, datasets, n])
    skill = np.linspace(-1, 1, models) if models > 1 else np.zeros(1)
    source = special.expit(1.2 + 0.35 * skill)
    names = tuple(f"net {i}" for i in range(models))
    known = tuple(
        SourceModel(name, f"family {i % 3}", float(p), 50_000, f"recipe {i % 2}")
        for i, (name, p) in enumerate(zip(names, source, strict=True))
    )
    targets = tuple(_target(j, metrics[j % len(metrics)], n, rng) for j in range(datasets))
    results = tuple(
        _result(name, target, regime, s, _level(regime, skill[i], j, rng), rng)
        for i, name in enumerate(names)
        for j, target in enumerate(targets)
        for regime in REGIMES
        for s in range(seeds)
    )
    scores = {
        (name, target.id): {
            "logme": float(skill[i] + rng.normal(0, 0.4)),
            "leep": float(rng.normal()),
        }
        for i, name in enumerate(names)
        for target in targets
    }
    more = _extras(names[0], targets, rng) if extras else {}
    return TransferResults(
        "A simulated study",
        "Source",
        known,
        targets,
        results,
        scores=scores,
        simulated=True,
        **more,
    )


def without(results: TransferResults, *cells: tuple[str, str, str]) -> TransferResults:
    """The results without some cells, which are then missing."""
    from dataclasses import replace

    kept = tuple(r for r in results.results if (r.model, r.dataset, r.regime) not in cells)
    missing = tuple(Missing(*cell, 0, "out of memory") for cell in cells)
    return replace(results, results=kept, missing=missing)


def _target(j: int, metric: str, n: int, rng) -> TargetSet:
    classes = 5
    names = tuple(f"class {c}" for c in range(classes))
    if metric == "map11":
        labels = rng.random((n, classes)) < 0.3
        ignored = rng.random((n, classes)) < 0.05
        return TargetSet(f"set-{j}", f"Set {j}", metric, 40 * (j + 1), labels, names, ignored)
    share = np.arange(1, classes + 1) / np.arange(1, classes + 1).sum()
    labels = rng.choice(classes, size=n, p=share)
    labels[:classes] = np.arange(classes)
    return TargetSet(f"set-{j}", f"Set {j}", metric, 40 * (j + 1), labels, names)


def _level(regime: str, skill: float, j: int, rng) -> float:
    slope, height = REGIMES[regime]
    return height + slope * skill + 0.5 * j + rng.normal(0, 0.25)


def _result(model: str, target: TargetSet, regime: str, seed: int, level: float, rng) -> Result:
    right = rng.random(target.labels.shape) < special.expit(level + rng.normal(0, 0.05))
    if target.metric == "map11":
        predictions = np.where(right, target.labels, ~target.labels)
        score = float(right.mean())
    else:
        predictions = np.where(right, target.labels, (target.labels + 1) % 5)
        by_class = [right[target.labels == c].mean() for c in range(5)]
        score = float(np.mean(by_class) if target.metric == "mean-per-class" else right.mean())
    cost = {"seconds": 2.0, "images": 1000.0}
    return Result(
        model, target.id, regime, seed, score, predictions, {"rate": 0.01}, score,
        steps=0 if regime == "features" else 100, cost=cost,
    )  # fmt: skip


def _extras(model: str, targets: tuple[TargetSet, ...], rng) -> dict:
    def rising(top: float, speed: float, at: float) -> float:
        return float(special.expit(top * (1 - np.exp(-at / speed)) - 1))

    lengths = tuple(
        LengthResult(model, target.id, regime, steps, 0, rising(3, speed, steps))
        for target in targets
        for regime, speed in (("finetune", 60), ("scratch", 600))
        for steps in (10, 30, 100, 300, 1000, 3000)
    )
    subsets = tuple(
        SubsetResult(
            model, target.id, regime, n, draw,
            float(special.expit(base + slope * np.log10(n) + rng.normal(0, 0.1))),
        )
        for target in targets
        for regime, base, slope in (
            ("features", 0.0, 0.6), ("finetune", -1.6, 1.5), ("scratch", -3.0, 1.6)
        )
        for n in (10, 40, 160, 640)
        for draw in range(3)
    )  # fmt: skip
    labels = np.repeat(np.arange(5), 16)
    centres = rng.normal(size=(5, 20))
    embeddings = tuple(
        Embedding(model, targets[0].id, stage, centres[labels] + noise * rng.normal(size=(80, 20)), labels)
        for stage, noise in (("before", 1.2), ("after", 0.4))
    )  # fmt: skip
    return {"lengths": lengths, "subsets": subsets, "embeddings": embeddings}
