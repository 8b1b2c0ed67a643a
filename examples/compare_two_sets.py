"""Predictions that are arrays in memory: through files and a store in a temporary folder.

The predictions are simulated: eight models of growing skill, and fresh items that are harder.
Run it: python examples/compare_two_sets.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import freshset

OLD, NEW = "simulated/old", "simulated/new"


def simulate(
    n_items: int, harder: float, rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return labels and, by model, predictions of items that are this much harder."""
    labels = rng.integers(0, 10, size=n_items)
    difficulty = rng.normal(harder, 1.0, size=n_items)
    predictions = {}
    for number, skill in enumerate(np.linspace(0.5, 2.0, 8), start=1):
        right = skill + 0.4 * rng.normal(size=n_items) > difficulty
        wrong = (labels + rng.integers(1, 10, size=n_items)) % 10
        predictions[f"model-{number}"] = np.where(right, labels, wrong)
    return labels, predictions


def main() -> None:
    """Simulate, store, check, compare."""
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for testset, n_items, harder in ((OLD, 4000, 0.0), (NEW, 2000, 0.3)):
            labels, predictions = simulate(n_items, harder, rng)
            np.save(folder / "labels.npy", labels)
            files = [folder / f"{model}.npy" for model in predictions]
            for file, values in zip(files, predictions.values(), strict=True):
                np.save(file, values)
            freshset.import_results(
                "predictions",
                files,
                folder / "store",
                testset=testset,
                labels=folder / "labels.npy",
            )

        store = freshset.ParquetStore(folder / "store")
        print(f"lint: {len(freshset.lint(store).issues)} issues")
        settings = freshset.CompareSettings(bootstrap=10_000)
        result = freshset.compare(store, OLD, NEW, settings)
    for finding in result.findings:
        print("-", finding)
    slope = result.fits["probit"].slope
    print(f"probit slope {slope.value:.3f} [{slope.low:.3f}, {slope.high:.3f}]")


if __name__ == "__main__":
    main()
