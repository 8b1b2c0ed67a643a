"""Claim: drawing 1,000 classes x 10 images from 200,000 candidates takes under 2 s.

That is MatchedFrequency whole: eligibility of every candidate with its first reason, bins, targets from
20,000 original images, draws with upward fallback from an earlier revision, and the document with its
digest.  The peer draws the same targets by pandas: a group of each class and bin, shuffled, its first
images taken; it records no reasons, keeps no earlier revision and falls back nowhere.

Candidates, answers and the earlier revision are simulated.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from freshset.core.frequencies import Frequencies
from freshset.replication.choose import Choice, document_of
from freshset.replication.eligibility import Barred, judge
from freshset.replication.pools import Pools
from freshset.replication.sampling.plan import limits_of, plan_of
from freshset.replication.spec import Spec, parse_spec
from freshset.stats.bins import frequency_bins

_LIMIT = 2.0
_EDGES = (0.2, 0.4, 0.6, 0.8)


def make_spec(classes: int) -> Spec:
    """A spec of MatchedFrequency."""
    rows = "\n".join(f"  - {{key: n{k:08}}}" for k in range(classes))
    return parse_spec(
        f"name: made/up\noriginal: made/original\nclasses:\n{rows}\n"
        "sampling: {strategy: matched-frequency, upward: true}\n"
        "duplicates: {thresholds: {pixels: 100, features: 10, ssim: 0.2}}\n"
        "tasks: {negatives: 0}\n"
    )


def make_frequencies(rng: np.random.Generator, classes: int, each: int, mark: str) -> Frequencies:
    """Answers of 10 workers about images of random quality."""
    n = classes * each
    selected = rng.binomial(10, rng.beta(1.5, 1.0, n)).astype(float)
    ids = np.array([f"{mark}{k:063x}" for k in rng.permutation(n)], dtype=object)
    keys = np.repeat(np.array([f"n{k:08}" for k in range(classes)], dtype=object), each)
    return Frequencies(ids, keys, selected, np.full(n, 10.0))


def make_barred(rng: np.random.Generator, ids: list[str]) -> Barred:
    """A tenth blacklisted, a twentieth duplicates, most reviewed."""
    bad = rng.random(len(ids))
    reviewed = {
        metric: {one: 2 * limit for one, lucky in zip(ids, rng.random(len(ids)) < 0.97, strict=True) if lucky}
        for metric, limit in (("pixels", 100.0), ("features", 10.0), ("ssim", 0.2))
    }  # fmt: skip
    chosen = np.array(ids, dtype=object)
    return Barred(set(chosen[bad < 0.1]), set(chosen[(bad > 0.1) & (bad < 0.15)]), reviewed)


def ours(spec: Spec, pools: Pools, barred: Barred, previous: list[tuple[str, str]]) -> object:
    """Everything that a draw does outside the database."""
    eligibility = judge(pools.candidates, barred, limits_of(spec))
    choice = Choice(spec, pools, eligibility, plan_of(spec, pools.originals, {}))
    revision = document_of(choice, choice.draw(1, previous), 1, "")
    return revision, revision.digest


def peer(frame: pd.DataFrame, targets: Mapping[tuple[str, int], int]) -> pd.DataFrame:
    """The same number of images of every class and bin, by pandas."""
    eligible = frame[frame["good"] & (frame["answers"] >= 10)].copy()
    eligible["bin"] = frequency_bins(eligible["selected"], eligible["answers"], _EDGES)
    mixed = eligible.sample(frac=1, random_state=1)
    place = mixed.groupby(["class", "bin"]).cumcount()
    wanted = pd.Series(dict(targets)).reindex(pd.MultiIndex.from_frame(mixed[["class", "bin"]]))
    return mixed[place.to_numpy() < wanted.fillna(0).to_numpy()]


def median_time(function: Callable[[], object], repeats: int) -> float:
    """Median wall time in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main() -> int:
    """Measure both; 1 when the claim is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--candidates", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    spec = make_spec(options.classes)
    candidates = make_frequencies(rng, options.classes, options.candidates // options.classes, "c")
    pools = Pools(candidates, make_frequencies(rng, options.classes, 20, "o"), {}, {})
    barred = make_barred(rng, candidates.item_ids.tolist())
    first, _ = ours(spec, pools, barred, [])
    previous = [(item.item_id, item.class_key) for item in first.items]

    good = judge(candidates, barred, limits_of(spec))
    frame = pd.DataFrame(
        {
            "item": good.candidates.item_ids,
            "class": good.candidates.class_keys,
            "selected": good.candidates.selected,
            "answers": good.candidates.answers,
            "good": good.reason < 0,
        }
    )
    plan = plan_of(spec, pools.originals, {})
    targets = {(key, bin): n for key, row in plan.targets.items() for bin, n in enumerate(row)}
    drawn = len(peer(frame, targets))
    own = sum(item.how != "upward" for item in first.items)
    if drawn != own:
        print(f"The peer drew {drawn} images, freshset {own} in their own bins.")
        return 1
    mine = median_time(lambda: ours(spec, pools, barred, previous), options.repeats)
    theirs = median_time(lambda: peer(frame, targets), options.repeats)
    print(
        f"{options.classes:,} classes x 10 from {options.candidates:,} simulated candidates: "
        f"{mine:.2f} s (limit {_LIMIT:g} s); pandas, draws alone: {theirs:.2f} s; "
        f"ratio {mine / theirs:.1f}."
    )
    return int(mine > _LIMIT)


if __name__ == "__main__":
    sys.exit(main())
