"""Claim: drawing 1,000 classes x 10 images from 200,000 candidates takes under 2 s.

In memory that is MatchedFrequency whole: eligibility of every candidate with its first reason, bins, targets from
20,000 original images, draws with upward fallback from an earlier revision, and the document with its
digest.  There are two peers in pandas, which draw the same numbers from the same bins: the plain one
filters, keeps the images of the earlier revision and calls ``sample`` for every class and bin; the fast
one shuffles once and counts within groups, of candidates that are filtered already.  Neither records
reasons, falls back upward or writes a document.

From the project it is `draw_revision` on a SQLite file, given the frequencies: besides the above it
reads images, exclusions, verdicts and links of photos and pixels, resolves duplicates, and stores the
revision with its entry in the log.  The second revision is timed, which begins from a first one.  The
project is filled by bulk inserts, which are not timed; no thresholds of neighbours are set in it.

Candidates, answers and the earlier revision are simulated.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import sqlalchemy as sa

from freshset.core.frequencies import Frequencies
from freshset.replication import tables
from freshset.replication.collecting.excluding import blacklist
from freshset.replication.project import Project
from freshset.replication.revisions.chain import load
from freshset.replication.revisions.document import Revision
from freshset.replication.sampling.choose import Choice, draw_revision, next_revision
from freshset.replication.sampling.eligibility import Barred, judge
from freshset.replication.sampling.plan import limits_of, plan_of
from freshset.replication.sampling.pools import Pools
from freshset.replication.spec import Spec, parse_spec
from freshset.stats.bins import frequency_bins

_LIMIT = 2.0
_EDGES = (0.2, 0.4, 0.6, 0.8)
_DISTANCES = {"pixels": 100.0, "features": 10.0, "ssim": 0.2}


def make_spec(classes: int) -> str:
    """A spec of MatchedFrequency."""
    rows = "\n".join(f"  - {{key: n{k:08}}}" for k in range(classes))
    return (
        f"name: made/up\noriginal: made/original\nclasses:\n{rows}\n"
        "sampling: {strategy: matched-frequency, upward: true}\n"
        "tasks: {negatives: 0}\n"
    )


def fill(project: Project, pools: Pools, barred: Barred, rng: np.random.Generator) -> None:
    """Put everything into a project: a twentieth are duplicates by verdicts, pixels or photos."""
    rows = [
        (item, key, pool)
        for pool, part in (("candidate", pools.candidates), ("test", pools.originals))
        for item, key in zip(part.item_ids.tolist(), part.class_keys.tolist(), strict=True)
    ]
    rows = [rows[place] for place in rng.permutation(len(rows))]
    pairs = rng.permutation(pools.candidates.item_ids)[: len(rows) // 20].reshape(-1, 2)
    image = {"width": 500, "height": 400, "format": "JPEG", "bytes": 100_000}
    now = "2026-01-01T00:00:00.000000+00:00"
    values: dict[sa.Table, list[dict[str, object]]] = {
        tables.images: [
            image | {"item_id": item, "path": f"images/{item[-2:]}/{item}.jpg"}
            | {"pixels": f"{n if n % 50 else n + 1:064}"}
            for n, (item, _, _) in enumerate(rows)
        ],
        tables.members: [
            {"item_id": item, "pool": pool, "class_key": key, "keyword": ""}
            for item, key, pool in rows
        ],
        tables.origins: [
            {"source": "made", "key": f"{n if n % 100 else n + 1}", "class_key": f"{key} {n % 100}"}
            | {"item_id": item, "url": f"https://example.org/{n}.jpg", "retrieved_at": now}
            for n, (item, key, _) in enumerate(rows)
        ],
        tables.exclusions: [
            {"item_id": item, "kind": "blacklist", "reason": "simulated", "who": "nobody", "at": now}
            for item in barred.blacklisted
        ],
        tables.pairs: [
            {"a": min(a, b), "b": max(a, b), "who": "nobody", "at": now, "version": 1}
            | {"verdict": "duplicate" if n % 2 else "different"}
            for n, (a, b) in enumerate(pairs.tolist())
        ],
    }  # fmt: skip
    with project.change("simulated", who="nobody", why="benchmark") as change:
        for table, some in values.items():
            change.connection.execute(sa.insert(table), some)


def from_project(pools: Pools, barred: Barred, classes: int, repeats: int) -> list[float]:
    """Seconds of second revisions, each after another image was blacklisted."""
    both = (pools.candidates, pools.originals)
    names = ("item_ids", "class_keys", "selected", "answers")
    answers = Frequencies(*(np.concatenate([getattr(p, name) for p in both]) for name in names))
    times = []
    with (
        TemporaryDirectory() as folder,
        Project.create(
            Path(folder) / "p", make_spec(classes), who="nobody", why="benchmark"
        ) as project,
    ):
        fill(project, pools, barred, np.random.default_rng(1))
        said = {"who": "nobody", "why": "benchmark"}
        name = draw_revision(project, answers, **said).name
        for _ in range(repeats):
            with project.read() as connection:
                gone = load(connection, name).items[0].item_id
            blacklist(project, [gone], **said)
            start = time.perf_counter()
            name = draw_revision(project, answers, parent=name, **said).name
            times.append(time.perf_counter() - start)
    return times


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
        for metric, limit in _DISTANCES.items()
    }  # fmt: skip
    chosen = np.array(ids, dtype=object)
    return Barred(set(chosen[bad < 0.1]), set(chosen[(bad > 0.1) & (bad < 0.15)]), reviewed)


def ours(spec: Spec, pools: Pools, barred: Barred, parent: Revision | None = None) -> Revision:
    """Everything that a draw does outside the database."""
    eligibility = judge(pools.candidates, barred, limits_of(spec))
    choice = Choice(spec, pools, eligibility, plan_of(spec, pools.originals, {}))
    revision = next_revision(choice, 1, parent)
    assert revision.digest
    return revision


def plain(
    frame: pd.DataFrame, barred: Barred, targets: Mapping[tuple[str, int], int], kept: set[str]
) -> pd.DataFrame:
    """Filter, keep and draw, class by class and bin by bin."""
    good = ~frame["item"].isin(barred.blacklisted) & ~frame["item"].isin(barred.near_duplicates)
    for metric, limit in _DISTANCES.items():
        good &= frame["item"].map(barred.reviewed[metric]).fillna(0) > limit
    eligible = frame[good & (frame["answers"] >= 10)].copy()
    eligible["bin"] = frequency_bins(eligible["selected"], eligible["answers"], _EDGES)
    eligible["kept"] = eligible["item"].isin(kept)
    parts = []
    for key, group in eligible.groupby(["class", "bin"]):
        old, new = group[group["kept"]], group[~group["kept"]]
        old = old.sample(min(len(old), targets[key]), random_state=1)
        parts += [old, new.sample(min(len(new), targets[key] - len(old)), random_state=1)]
    return pd.concat(parts).sample(frac=1, random_state=1)


def fast(eligible: pd.DataFrame, targets: Mapping[tuple[str, int], int]) -> pd.DataFrame:
    """The same number of images of every class and bin in one shuffle."""
    bins = frequency_bins(eligible["selected"], eligible["answers"], _EDGES)
    mixed = eligible.assign(bin=bins).sample(frac=1, random_state=1)
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
    spec = parse_spec(
        make_spec(options.classes)
        + "duplicates: {thresholds: {pixels: 100, features: 10, ssim: 0.2}}\n"
    )
    candidates = make_frequencies(rng, options.classes, options.candidates // options.classes, "c")
    pools = Pools(candidates, make_frequencies(rng, options.classes, 20, "o"), {}, {})
    barred = make_barred(rng, candidates.item_ids.tolist())
    first = ours(spec, pools, barred)

    frame = pd.DataFrame(
        {
            "item": candidates.item_ids,
            "class": candidates.class_keys,
            "selected": candidates.selected,
            "answers": candidates.answers,
        }
    )
    good = set(judge(candidates, barred, limits_of(spec)).eligible.item_ids)
    eligible = frame[frame["item"].isin(good)]
    plan = plan_of(spec, pools.originals, {})
    targets = {(key, bin): n for key, row in plan.targets.items() for bin, n in enumerate(row)}
    kept = {item.item_id for item in first.items}
    own = sum(item.how != "upward" for item in first.items)
    drawn = {len(plain(frame, barred, targets, kept)), len(fast(eligible, targets))}
    if drawn != {own}:
        print(f"The peers drew {drawn} images, freshset {own} in their own bins.")
        return 1
    mine = median_time(lambda: ours(spec, pools, barred, first), options.repeats)
    slow = median_time(lambda: plain(frame, barred, targets, kept), options.repeats)
    quick = median_time(lambda: fast(eligible, targets), options.repeats)
    print(
        f"{options.classes:,} classes x 10 from {options.candidates:,} simulated candidates: "
        f"{mine:.2f} s (limit {_LIMIT:g} s).  Plain pandas {slow:.2f} s: freshset is {slow / mine:.1f} "
        f"times as fast.  One shuffle in pandas, draws alone: {quick:.2f} s."
    )
    whole = float(np.median(from_project(pools, barred, options.classes, max(3, options.repeats))))
    print(f"The whole way from a project in SQLite: {whole:.2f} s (limit {_LIMIT:g} s).")
    return int(max(mine, whole) > _LIMIT)


if __name__ == "__main__":
    sys.exit(main())
