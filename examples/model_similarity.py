"""How alike models err, and how many pairs of them a test set can tell apart.

Run it on a store: python examples/model_similarity.py STORE imagenet/val --exclude 'fv_*'
"""

from __future__ import annotations

import argparse
from fnmatch import fnmatch

import numpy as np

import freshset
from freshset.stats.agreement import independent_similarity, mean_over_pairs, similarity
from freshset.stats.multiplicity import adjust
from freshset.stats.paired import mcnemar_all_pairs


def main() -> None:
    """Print the mean similarity over pairs, and counts of pairs that differ."""
    parser = argparse.ArgumentParser(description="Similarity of models on a test set.")
    parser.add_argument("store")
    parser.add_argument("testset")
    parser.add_argument("--exclude", default="", help="pattern of models to leave out")
    given = parser.parse_args()

    store = freshset.ParquetStore(given.store)
    cells = [c for c in store.cells(given.testset) if c.kind == "examples"]
    models = [c.spec.model for c in cells if not fnmatch(c.spec.model, given.exclude)]
    right = store.matrix(given.testset, models).correct("top1")
    accuracy = right.mean(axis=1)
    print(f"models {len(models)}, items {right.shape[1]:,}")
    print(f"similarity, mean over pairs   {mean_over_pairs(similarity(right)):.4f}")
    print(f"if they erred independently   {mean_over_pairs(independent_similarity(accuracy)):.4f}")

    pairs = mcnemar_all_pairs(right)
    print(f"pairs                         {len(pairs.first):,}")
    variants = {
        "exact, p < .05": pairs.p_exact,
        "mid-p, p < .05": pairs.p_mid,
        "exact, Holm": adjust(pairs.p_exact),
        "exact, Benjamini-Hochberg": adjust(pairs.p_exact, "bh"),
    }
    for name, p in variants.items():
        print(f"  {name:<27} {np.count_nonzero(p < 0.05):,}")


if __name__ == "__main__":
    main()
