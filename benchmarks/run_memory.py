"""Claim: the peak memory of a run does not depend on the number of images (10k against 100k: 10 %).

One timm net on small JPEG files, each size in a process of its own, with two worker processes that
decode.  Printed are the peak of the main process and the largest peak of a worker process, as the
operating system counts them; the claim is about all three together.  What does grow are the ids and
labels of the test set, about 0.1 KB an image in each process.  The peer is the plain loop that keeps
what it has: all scores and file names in lists until the end.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

SIZES = (10_000, 100_000)
CLASSES = 100
MAX_GROWTH = 1.10
WORKERS = 2
NET = f"timm:lcnet_050?pretrained=false&num_classes={CLASSES}&img_size=32"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--child", choices=["freshset", "peer"])
    parser.add_argument("--root", type=Path)
    a = parser.parse_args()
    if a.child:
        peak = freshset_run(a.root) if a.child == "freshset" else peer(a.root)
        print(json.dumps(peak))
        return 0
    growth = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            images(Path(folder) / str(size), size)
        for way in ("freshset", "peer"):
            peaks = [child(way, Path(folder) / str(size)) for size in SIZES]
            for size, peak in zip(SIZES, peaks, strict=True):
                print(
                    f"{way:<9} {size:>7,} images: main {peak['main']:.0f} MB, worker {peak['worker']:.0f} MB"
                )
            small, large = (peak["main"] + WORKERS * peak["worker"] for peak in peaks)
            growth[way] = large / small
    for name, factor in growth.items():
        print(f"{name}: {factor:.3f} of the memory for ten times the images")
    holds = growth["freshset"] <= MAX_GROWTH
    print("claim holds" if holds else "claim MISSED")
    return 0 if holds else 1


def child(way: str, root: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", way, "--root", str(root)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(out.stdout.splitlines()[-1])


def images(root: Path, n: int) -> None:
    """Few different files under many names: what is in them does not matter here."""
    rng = np.random.default_rng(0)
    templates = []
    for i in range(16):
        path = root.parent / f"template-{i}.jpg"
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
        templates.append(path)
    for i in range(n):
        path = root / "images" / f"n{i % CLASSES:08d}" / f"ILSVRC2012_val_{i:08d}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(templates[i % len(templates)], path)


def freshset_run(root: Path) -> dict[str, float]:
    from freshset.core.config import RunSettings
    from freshset.datasets.base import TestSetRef
    from freshset.engine.backends.local import LocalBackend
    from freshset.engine.plan import make_plan
    from freshset.engine.run import run_plan
    from freshset.engine.wanted import Wanted, WantedModel
    from freshset.models.reference import ModelRef
    from freshset.store.parquet import ParquetStore

    settings = RunSettings(batch_size=64, workers=WORKERS)
    ref = TestSetRef("noise/test", "image-folder", str(root / "images"))
    wanted = Wanted((WantedModel(ModelRef.parse(NET)),), (ref,), settings)
    store = ParquetStore(root / "store", create=True)
    with Peaks() as peaks:
        report = run_plan(make_plan(wanted, store), store, LocalBackend(settings))
    assert len(report.made) == 1, report.failures
    return peaks.to_dict()


def peer(root: Path) -> dict[str, float]:
    import timm
    import torch
    from timm.data import create_dataset, create_loader

    model = timm.create_model("lcnet_050", num_classes=CLASSES).eval()
    loader = create_loader(
        create_dataset("", str(root / "images")),
        input_size=(3, 32, 32),
        batch_size=64,
        num_workers=WORKERS,
        device=torch.device("cpu"),
    )
    kept: list[Any] = []
    with Peaks() as peaks, torch.inference_mode():
        for batch, target in loader:
            kept.append((model(batch), target))
    return peaks.to_dict()


class Peaks:
    """Peak memory of this process and of the largest of its children, in MB, as Linux counts it."""

    def __enter__(self) -> Self:
        self.worker = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        # A child's peak as the parent is told it counts the parent's own, from before it was started.
        while not self._stop.wait(0.2):
            for file in Path("/proc/self/task").glob("*/children"):
                for pid in file.read_text().split():
                    self.worker = max(self.worker, resident(pid))

    def to_dict(self) -> dict[str, float]:
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"main": own, "worker": self.worker}


def resident(pid: str) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    raise SystemExit(main())
