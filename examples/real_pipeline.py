"""The whole pipeline on human answers: ReaL's answers about ImageNet validation images.

ReaL asked five people whether an image shows its own label, for 24,889 images of the ImageNet
validation set.  In classes with at least 20 such images, a random half plays the original test set and
the other half the candidates.  Four new sets come from the candidates, and the models of the store are
compared on them.  Both halves are alike, so a random new set should show no gap.

The second table is the null test: two of the five answers make a pool that is easier or harder, three
are matched on, and the true gap is 0.

Run it: python examples/real_pipeline.py STORE REAL_FOLDER
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np

from freshset.core.frequencies import Frequencies
from freshset.replication.labelling.answers.real import read
from freshset.replication.sampling import Stratified, Top, draw_sample, stocks_of
from freshset.replication.sampling.targets import by_histogram, one_group
from freshset.stats.bins import frequency_bins
from freshset.stats.matching import Judged
from freshset.stats.null_gap import null_test
from freshset.store.parquet import ParquetStore

TESTSET, EDGES = "imagenet/val", (0.2, 0.4, 0.6, 0.8)
# Images of a class in the new sets, and those that a class needs to be used at all.
PER_CLASS, LEAST = 4, 20
TILTS = ((1.0, 0.5, 0.0), (1.0, 0.75, 0.5), (0.1, 0.5, 1.0), (0.0, 0.5, 1.0))

# Original and candidates in; image ids of the new set and the number of upward draws out.
Pipeline = Callable[[Frequencies, Frequencies, int], tuple[list[str], int]]


def drawn(strategy: Stratified | Top, stock: Frequencies, targets: dict, groups: np.ndarray,
          seed: int) -> tuple[list[str], int]:  # fmt: skip
    """Draw with freshset's sampler."""
    stocks = stocks_of(stock, groups.tolist())
    sample = draw_sample(strategy, stocks, targets, Random(seed))  # noqa: S311 - a draw, no secret
    upward = sum(sum(counts) for counts in sample.upward.values())
    return [pick.item_id for pick in sample.picks], upward


def sizes(original: Frequencies) -> dict[str, int]:
    """Return the number of images for each class."""
    return dict.fromkeys(sorted(set(original.class_keys)), PER_CLASS)


def random(original: Frequencies, pool: Frequencies, seed: int) -> tuple[list[str], int]:
    """Draw class-balanced at random."""
    targets = one_group(sizes(original))
    return drawn(Stratified(), pool, targets, np.zeros(len(pool), dtype=int), seed)


def matched(original: Frequencies, pool: Frequencies, seed: int) -> tuple[list[str], int]:
    """Match the original's histogram of frequencies in each class, with upward draws."""
    targets = by_histogram(original, sizes(original), EDGES, min_answers=1, min_images=1)
    groups = frequency_bins(pool.selected, pool.answers, EDGES)
    return drawn(Stratified(upward=True), pool, targets, groups, seed)


def threshold(original: Frequencies, pool: Frequencies, seed: int) -> tuple[list[str], int]:
    """Draw at random from the images that at least 70 % selected."""
    return random(original, pool[10 * pool.selected >= 7 * pool.answers], seed)


def top(original: Frequencies, pool: Frequencies, seed: int) -> tuple[list[str], int]:
    """Take the most selected images of each class."""
    targets = one_group(sizes(original))
    return drawn(Top(), pool, targets, np.zeros(len(pool), dtype=int), seed)


STRATEGIES: dict[str, Pipeline] = {
    "random": random,
    "matched": matched,
    "threshold": threshold,
    "top": top,
}


def own_label_answers(file: Path, images: np.ndarray, labels: np.ndarray) -> Frequencies:
    """Read ReaL's answers to the question whether an image shows its own label; yes selects."""
    rows = read(file).rows
    own_label = dict(zip(images.tolist(), labels.astype(str).tolist(), strict=True))
    own = rows[rows["item"].map(own_label) == rows["class_key"]]
    counts = (own["selected"] == 1).groupby([own["item"], own["class_key"]]).agg(["sum", "size"])
    items, keys = (counts.index.get_level_values(i).to_numpy(object) for i in range(2))
    return Frequencies(items, keys, *(counts[name].to_numpy(float) for name in ("sum", "size")))


def gap(answers: Frequencies, correct: np.ndarray, rows: tuple[np.ndarray, np.ndarray]) -> float:
    """Mean gap in points over models, original minus new.

    The original's classes count as much as they do in the new set: with the natural mix of classes on
    one side and the balanced one on the other, even a random set would show a gap.
    """
    keys = answers.class_keys.astype(str)
    old, new = rows
    classes, share = np.unique(keys[new], return_counts=True)
    by_class = [correct[:, old[keys[old] == key]].mean(axis=1) for key in classes]
    accuracy = np.average(by_class, axis=0, weights=share)
    return 100 * float(np.mean(accuracy - correct[:, new].mean(axis=1)))


def study(answers: Frequencies, correct: np.ndarray, repetitions: int) -> None:
    """Print the gap of each strategy."""
    place = {item: i for i, item in enumerate(answers.item_ids.tolist())}
    gaps = {name: [] for name in STRATEGIES}
    upward = {name: [] for name in STRATEGIES}
    keys, images = np.unique(answers.class_keys.astype(str), return_counts=True)
    known = np.flatnonzero(np.isin(answers.class_keys.astype(str), keys[images >= LEAST]))
    for repetition in range(repetitions):
        order = np.random.default_rng(repetition).permutation(known)
        original, pool = np.array_split(order, 2)
        for name, build in STRATEGIES.items():
            items, drawn_up = build(answers[original], answers[pool], repetition)
            new = np.array([place[item] for item in items])
            gaps[name].append(gap(answers, correct, (original, new)))
            upward[name].append(drawn_up)
    print(
        f"{(images >= LEAST).sum()} classes, {repetitions} repetitions; gap original - new in points, class-balanced"
    )
    for name, values in gaps.items():
        spread = f"+- {np.std(values, ddof=1):.1f}" if repetitions > 1 else ""
        drew = f", {np.mean(upward[name]):,.0f} upward draws" if any(upward[name]) else ""
        print(f"  {name:<10}{np.mean(values):+6.1f} {spread}{drew}")


def nulls(answers: Frequencies, correct: np.ndarray, repetitions: int) -> None:
    """Print what each estimator shows where the true gap is 0."""
    items = Judged(answers.selected, answers.answers, correct)
    print("null test, 3 answers; weight in the pool by votes, then the gap in points by")
    print("  tilt                raw   naive  jackknife  Beta-Binomial")
    for tilt in TILTS:
        null = null_test(
            items, rng=np.random.default_rng(0), tilt=np.array(tilt), repetitions=repetitions,
            resample=False,
        )  # fmt: skip
        raw, naive, jackknife, beta = 100 * null.mean
        name = ", ".join(f"{x:g}" for x in tilt)
        print(f"  {name:<15}{raw:+8.2f}{naive:+8.2f}{jackknife:+11.2f}{beta:+15.2f}")


def main() -> None:
    """Read, then print both tables."""
    parser = argparse.ArgumentParser(description="The whole pipeline on ReaL's answers.")
    parser.add_argument("store", type=Path, help="with ImageNet validation predictions")
    parser.add_argument("real", type=Path, help="folder of raters.npz")
    parser.add_argument("--repetitions", type=int, default=20)
    given = parser.parse_args()

    store = ParquetStore(given.store)
    testset = store.testset(TESTSET)
    models = [cell.spec.model for cell in store.cells(TESTSET)]
    answers = own_label_answers(given.real / "raters.npz", testset.ids, testset.known_labels)
    place = {item: i for i, item in enumerate(testset.ids.tolist())}
    rows = np.array([place[item] for item in answers.item_ids.tolist()])
    correct = store.matrix(TESTSET, models).correct("top1")[:, rows]
    print(f"{len(models)} models, {len(answers):,} images with {answers.answers.max():.0f} answers")
    study(answers, correct, given.repetitions)
    nulls(answers, correct, given.repetitions)


if __name__ == "__main__":
    main()
