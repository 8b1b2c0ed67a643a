"""Claim: duplicates are found at least as fast as by imagededup, and more of them at equal precision.

Simulated pictures (overlapping discs under grain) of 256 x 256 as JPEG files: candidates, and references
among which a changed copy of every fourth candidate is planted.  Both read the same files in the same run:

``imagededup``  PHash, all files in one folder, as it has no search across two sets; pairs of a candidate
                and a reference are picked out of its answer afterwards.
``freshset``    perceptual hashes and pixels of 32 x 32, candidates against references.  Both are made of
                one decoding of each file, as imagededup's hashes are.  (In a project hashes are made of the
                working copies, as ``pixels`` and ``ssim`` are, so that hashes and ``pixels32`` read two
                files of an image.)

Speed is that of both metrics together, files to neighbours; the two programs take turns, and medians are
compared.  Seconds of processors are shown, too, as other programs disturb these less.  For recall, every
threshold of imagededup gives a precision; freshset may use any pair of thresholds that is at least as
precise.  The claim holds when freshset is at least as fast, and finds more at every precision, by one and the
same search.  Flips, which neither finds, are named and counted apart.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps
from ssim_neighbours import discs

KINDS = (
    "crop 4 %", "crop 10 %", "crop 20 %", "jpeg 20", "shift 4", "shift 12", "brighter", "darker",
    "grey", "turned 3", "text",
)  # fmt: skip
K = 30


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, default=1000)
    parser.add_argument("--references", type=int, default=4000)
    parser.add_argument("--runs", type=int, default=3)
    a = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "images").mkdir()
        planted = files(root / "images", rng, a.candidates, a.references)
        seconds = []
        for run in range(a.runs):
            before = busy()
            theirs, their_seconds = imagededup_pairs(root / "images")
            between = busy()
            ours, our_seconds = freshset_pairs(root / "images", root / f"{run}", a.candidates)
            seconds.append((their_seconds, our_seconds))
            print(
                f"imagededup {their_seconds:.1f} s ({between - before:.1f} s of processors), "
                f"freshset {our_seconds:.1f} s ({busy() - between:.1f} s)",
                flush=True,
            )
    truth = {pair for pair, kind in planted.items() if kind != "flip"}
    ratio = float(np.divide(*np.median(seconds, axis=0)))
    print(f"with hashes and pixels {ratio:.2f} times as fast as imagededup")
    better = compare(theirs, ours, truth)
    by_kind(theirs, ours, planted)
    holds = better and ratio >= 1
    print(
        f"recall {'better' if better else 'NOT better'}: {'claim holds' if holds else 'claim MISSED'}"
    )
    return 0 if holds else 1


def busy() -> float:
    """Seconds of processors so far, of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def files(root: Path, rng: np.random.Generator, n: int, m: int) -> dict[tuple[int, int], str]:
    planted = {}
    kinds = [*KINDS, "flip"]
    for i in range(n):
        Image.fromarray(discs(rng)).save(root / f"c{i:06d}.jpg", quality=90)
    for j in range(m):
        picture = Image.fromarray(discs(rng))
        if 4 * j < n:
            kind = kinds[j % len(kinds)]
            planted[4 * j, j] = kind
            picture = changed(Image.open(root / f"c{4 * j:06d}.jpg").convert("RGB"), kind)
        picture.save(root / f"r{j:06d}.jpg", quality=90)
    return planted


def changed(picture: Image.Image, kind: str) -> Image.Image:
    name, _, rest = kind.partition(" ")
    amount = int(rest.split()[0]) if rest else 0
    if name == "crop":
        cut = round(256 * amount / 200)
        return picture.crop((cut, cut, 256 - cut, 256 - cut)).resize((256, 256))
    if name == "jpeg":
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=amount)
        return Image.open(out).convert("RGB")
    if name == "shift":
        return Image.fromarray(np.roll(np.asarray(picture), amount, axis=1))
    if name == "grey":
        return picture.convert("L").convert("RGB")
    if name == "turned":
        return picture.rotate(amount, Image.Resampling.BICUBIC)
    if name == "text":
        copy = picture.copy()
        ImageDraw.Draw(copy).rectangle((20, 200, 236, 240), fill=(255, 255, 255))
        return copy
    if name == "flip":
        return ImageOps.mirror(picture)
    factor = 1.25 if name == "brighter" else 0.75
    return Image.fromarray(np.clip(np.asarray(picture) * factor, 0, 255).astype(np.uint8))


Scored = dict[tuple[int, int], tuple[float, ...]]


def imagededup_pairs(root: Path) -> tuple[Scored, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from imagededup.methods import PHash

    logging.disable(logging.INFO)
    start = time.perf_counter()
    found = PHash(verbose=False).find_duplicates(
        image_dir=root, max_distance_threshold=24, scores=True
    )
    seconds = time.perf_counter() - start
    pairs = {
        (int(name[1:7]), int(other[1:7])): (float(bits),)
        for name, others in found.items()
        for other, bits in others
        if name[0] == "c" and other[0] == "r"
    }
    return pairs, seconds


def freshset_pairs(root: Path, made: Path, n: int) -> tuple[Scored, float]:
    from freshset.datasets.images import decode
    from freshset.replication.duplicates.embedders import embedder
    from freshset.replication.duplicates.hashes import hamming_nearest
    from freshset.replication.duplicates.neighbours import nearest
    from freshset.replication.duplicates.vectors import update_vectors

    start = time.perf_counter()
    names = sorted(path.stem for path in root.glob("*.jpg"))
    embedders = [embedder("phash"), embedder("pixels32")]
    embedders[0].from_copy = False  # there are no copies of these files
    vectors = update_vectors(made, embedders, names, lambda x, _: decode(root / f"{x}.jpg", x))
    pairs: dict[tuple[int, int], list[float]] = {}
    for number, find in enumerate((hamming_nearest, nearest)):
        rows = vectors[number].rows[0 : len(names)]
        found = find(rows[:n], rows[n:], K)
        for i, (columns, distances) in enumerate(zip(found.indices, found.distances, strict=True)):
            for j, distance in zip(columns.tolist(), distances.tolist(), strict=True):
                pairs.setdefault((i, j), [np.inf, np.inf])[number] = distance
    seconds = time.perf_counter() - start
    return {pair: tuple(both) for pair, both in pairs.items()}, seconds


def compare(theirs: Scored, ours: Scored, truth: set[tuple[int, int]]) -> bool:
    """Recall at each of imagededup's thresholds, and the best of freshset that is as precise."""
    keys = list(ours)
    hits = np.array([pair in truth for pair in keys])
    bits, pixels = np.array([ours[pair] for pair in keys]).T
    levels = np.unique(np.quantile(pixels[hits & np.isfinite(pixels)], np.linspace(0, 1, 41)))
    options = []
    for threshold in range(-1, 25):
        for level in [-1.0, *levels]:
            chosen = (bits <= threshold) | (pixels <= level)
            if chosen.any():
                options.append((hits[chosen].mean(), hits[chosen].sum() / len(truth)))
    better = True
    print("threshold  imagededup: precision  recall   freshset: recall at that precision or more")
    for threshold in (0, 4, 8, 10, 12, 16, 20):
        chosen = [pair for pair, (distance,) in theirs.items() if distance <= threshold]
        right = sum(pair in truth for pair in chosen)
        precision, recall = right / max(len(chosen), 1), right / len(truth)
        mine = max((r for p, r in options if p >= precision), default=0.0)
        better &= mine > recall
        print(f"{threshold:9}  {precision:21.3f}  {recall:6.3f}   {mine:6.3f}")
    return better


def by_kind(theirs: Scored, ours: Scored, planted: dict[tuple[int, int], str]) -> None:
    """What each finds without one false pair."""
    wrong_bits = min(d for pair, (d,) in theirs.items() if pair not in planted)
    wrong = np.array([both for pair, both in ours.items() if pair not in planted]).min(axis=0)
    print("found without one false pair:")
    for kind in [*KINDS, "flip"]:
        pairs = [pair for pair, one in planted.items() if one == kind]
        a = sum(theirs.get(pair, (np.inf,))[0] < wrong_bits for pair in pairs)
        b = sum((np.array(ours.get(pair, (np.inf, np.inf))) < wrong).any() for pair in pairs)
        print(f"  {kind:<10} {len(pairs):4}   imagededup {a:4}   freshset {b:4}")


if __name__ == "__main__":
    raise SystemExit(main())
