"""Claim: SSIM neighbours of 500 x 5,000 images are 100x as fast as scikit-image pair by pair, none lost.

Images of 256 x 256 are simulated (overlapping discs of random size and colour under grain, whose
statistics are near those of photographs), with --photos taken at random from the public photographs that
scikit-image and scikit-learn bring along.  Of every tenth candidate a changed copy is planted among the
references: crops, re-encodings, shifts, brightness.  (Flips are no duplicates to SSIM and not planted.)

freshset computes all pairs up to a distance of 0.2205, the paper's threshold.  scikit-image computes a
sample of pairs, and is scaled to all.  Checked in the same run: every planted pair by scikit-image, those
within the threshold must be found with the same distance; and the sample of pairs, likewise.
"""

from __future__ import annotations

import argparse
import io
import time

import numpy as np
from PIL import Image, ImageDraw

MIN_SPEEDUP, MOST = 100.0, 0.2205
KINDS = ("crop 4 %", "crop 10 %", "jpeg 30", "jpeg 70", "shift 1", "shift 4", "brighter", "darker")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument("--references", type=int, default=5000)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--photos", action="store_true")
    a = parser.parse_args()
    from skimage.metrics import structural_similarity

    from freshset.replication.duplicates.ssim_neighbours import ssim_pairs

    rng = np.random.default_rng(0)
    make = photographs() if a.photos else discs
    candidates = np.stack([make(rng) for _ in range(a.candidates)])
    references = np.stack([make(rng) for _ in range(a.references)])
    planted = [(i, i // 10, KINDS[i // 10 % len(KINDS)]) for i in range(0, a.candidates, 10)]
    for query, row, kind in planted:
        references[row] = changed(candidates[query], kind)

    start = time.perf_counter()
    found = ssim_pairs(candidates, references, MOST)
    ours = time.perf_counter() - start
    got = {
        (int(q), int(r)): float(d)
        for q, r, d in zip(found.queries, found.references, found.distances, strict=True)
    }

    def exact(query: int, row: int) -> float:
        value = structural_similarity(
            candidates[query], references[row], channel_axis=-1, win_size=35, data_range=255
        )
        return (1 - float(value)) / 2

    lost, worst = 0, 0.0
    for kind in KINDS:
        pairs = [(q, r) for q, r, k in planted if k == kind]
        truth = {pair: exact(*pair) for pair in pairs}
        within = [pair for pair in pairs if truth[pair] <= MOST]
        missed = [pair for pair in within if pair not in got]
        lost += len(missed)
        worst = max([worst, *(abs(got[p] - truth[p]) for p in within if p in got)])
        print(
            f"{kind:<10} planted {len(pairs):3}  seen by SSIM itself {len(within):3}  lost {len(missed)}"
        )
    sample = [
        (int(rng.integers(a.candidates)), int(rng.integers(a.references))) for _ in range(a.sample)
    ]
    start = time.perf_counter()
    distances = [exact(*pair) for pair in sample]
    theirs = (time.perf_counter() - start) / len(sample) * a.candidates * a.references
    wrong = sum((d <= MOST) != (pair in got) for pair, d in zip(sample, distances, strict=True))
    total = a.candidates * a.references
    print(
        f"freshset {ours:.1f} s, scikit-image {theirs:,.0f} s (scaled from {len(sample)} pairs): "
        f"{theirs / ours:.0f} times; exact SSIM for {found.examined / total:.2%} of the pairs, "
        f"{len(got):,} found; distances to {worst:.1e}; sample pairs decided otherwise: {wrong}"
    )
    holds = theirs / ours >= MIN_SPEEDUP and not lost and not wrong and worst <= 1e-9
    print("claim holds" if holds else "claim MISSED")
    return 0 if holds else 1


def discs(rng: np.random.Generator) -> np.ndarray:
    image = Image.new("RGB", (256, 256), tuple(int(v) for v in rng.integers(0, 256, 3)))
    draw = ImageDraw.Draw(image)
    base = rng.integers(40, 216, 3)
    for _ in range(250):
        r = min(4 / rng.random() ** 0.6, 120)
        x, y = rng.random(2) * 300 - 22
        colour = np.clip(base + rng.normal(0, 45) + rng.normal(0, 20, 3), 0, 255)
        draw.ellipse([x - r, y - r, x + r, y + r], fill=tuple(int(v) for v in colour))
    pixels = np.asarray(image) + rng.normal(0, rng.uniform(0, 10), (256, 256, 1))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def photographs() -> object:
    import skimage.data
    import sklearn.datasets

    names = (
        "astronaut",
        "chelsea",
        "coffee",
        "rocket",
        "grass",
        "gravel",
        "brick",
        "coins",
        "moon",
    )
    sources = [getattr(skimage.data, name)() for name in names]
    sources += [skimage.data.camera(), *sklearn.datasets.load_sample_images().images]
    pictures = [Image.fromarray(source).convert("RGB") for source in sources]

    def make(rng: np.random.Generator) -> np.ndarray:
        picture = pictures[rng.integers(len(pictures))]
        side = int(rng.integers(100, min(picture.size) + 1))
        x, y = (int(rng.integers(0, room - side + 1)) for room in picture.size)
        return np.asarray(picture.crop((x, y, x + side, y + side)).resize((256, 256)))

    return make


def changed(pixels: np.ndarray, kind: str) -> np.ndarray:
    name, _, amount = kind.partition(" ")
    if name == "crop":
        cut = round(256 * int(amount.split()[0]) / 200)
        box = (cut, cut, 256 - cut, 256 - cut)
        return np.asarray(Image.fromarray(pixels).crop(box).resize((256, 256)))
    if name == "jpeg":
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "JPEG", quality=int(amount))
        return np.asarray(Image.open(out))
    if name == "shift":
        return np.roll(pixels, int(amount), axis=1)
    factor = 1.2 if name == "brighter" else 0.8
    return np.clip(pixels * factor, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    raise SystemExit(main())
