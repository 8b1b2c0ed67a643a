"""Predict accuracies on a new set without its labels, and see how far off that is.

Agreement-on-the-line (Baek et al. 2022) needs the labels of the old set and only the predictions on
the new one.  The labels of the new set are used at the end, to judge the predictions.

Run it on a store with per-example predictions of many models, for example the imported ImageNetV2
archive: python examples/agreement_on_the_line.py STORE imagenet/val imagenetv2/matched-frequency
"""

from __future__ import annotations

import argparse
from fnmatch import fnmatch

import numpy as np

import freshset
from freshset.stats.agreement import agreement, agreement_on_the_line


def main() -> None:
    """Read the models that both sets have, predict, and print the errors."""
    parser = argparse.ArgumentParser(description="Predict accuracy without labels.")
    parser.add_argument("store")
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--exclude", default="", help="pattern of models to leave out")
    given = parser.parse_args()

    store = freshset.ParquetStore(given.store)
    on_old, on_new = (
        {cell.spec.model for cell in store.cells(t) if cell.kind == "examples"}
        for t in (given.old, given.new)
    )
    models = sorted(m for m in on_old & on_new if not fnmatch(m, given.exclude))
    old, new = (agreement(store.predictions(t, models).astype(int)) for t in (given.old, given.new))
    right_old, right_new = (store.matrix(t, models).correct("top1") for t in (given.old, given.new))
    result = agreement_on_the_line(old, new, right_old.mean(axis=1), right_old.shape[1])

    truth = right_new.mean(axis=1)
    print(f"models {len(models)}, pairs in the line {result.n_pairs}")
    print(f"agreement line on the probit scale: slope {result.slope:.3f}, bias {result.bias:.3f}")
    predictions = {
        "no change": right_old.mean(axis=1),
        "ALine-S": result.aline_s,
        "ALine-D": result.aline_d,
    }
    for name, predicted in predictions.items():
        error = 100 * np.abs(predicted - truth).mean()
        print(f"{name:<10} mean absolute error {error:.2f} points")


if __name__ == "__main__":
    main()
