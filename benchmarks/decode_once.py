"""Claim: four small nets with one preprocessing run 1.4x as fast as timm's own loader and loop.

Four timm nets with random weights (their speed does not depend on the numbers in them) on 2,000 JPEG
files of 500 x 375, three ways in one run, on as many cores as there are:

``timm``      timm's own data set, loader and validation loop, once for each model;
``limit``     the least that can be done: each file read, decoded and resized once by worker processes,
              then the bare forward passes on tensors that are in memory;
``tuned``     the same with freshset's setting of the C library's allocator, which no claim is about;
``freshset``  the whole of a run: plan, read once, forward, top-5 and probabilities, and the store.

The claim holds when freshset is at least 1.4x the speed of timm's way and at least 0.9 of the limit.
Each builds its models and starts its processes inside the time that is measured, in a process of its
own, since what the C library's allocator learnt in one of them changes the speed of the next.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

NETS = ("mobilenetv3_small_050", "mobilenetv3_small_075", "lcnet_050", "lcnet_075")
MIN_SPEEDUP, MIN_OF_LIMIT = 1.4, 0.9
CLASSES = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--workers", type=int, default=-1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--only", choices=["timm", "limit", "tuned", "freshset"])
    a = parser.parse_args()
    ways: dict[str, tuple[Callable[..., float], tuple[int, ...]]] = {
        "timm": (timm_loop, (a.batch_size,)),
        "limit": (limit, (a.batch_size,)),
        "tuned": (tuned_limit, (a.batch_size,)),
        "freshset": (freshset_run, (a.batch_size, a.workers, a.threads)),
    }
    if a.only:
        ways = {a.only: ways[a.only]}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        images(root / "images", a.images)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(a.runs):
            for name, (way, options) in ways.items():
                seconds[name].append(alone(way, root, *options))
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        spread = ", ".join(f"{v:.1f}" for v in values)
        print(
            f"{name:<9} {middle[name]:6.1f} s   ({spread})   {a.images / middle[name]:.0f} images/s"
        )
    if a.only:
        return 0
    speedup = middle["timm"] / middle["freshset"]
    share = middle["limit"] / middle["freshset"]
    print(f"freshset is {speedup:.2f}x the speed of timm's way and {share:.2f} of the limit")
    print(f"and {middle['tuned'] / middle['freshset']:.2f} of the tuned limit")
    holds = speedup >= MIN_SPEEDUP and share >= MIN_OF_LIMIT
    print("claim holds" if holds else "claim MISSED")
    return 0 if holds else 1


def alone(way: Callable[..., float], *arguments: object) -> float:
    """Call a function in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(way, *arguments).result()


def images(root: Path, n: int) -> None:
    """Photograph-like noise: smooth shapes under fine grain, about 60 KB a file."""
    rng = np.random.default_rng(0)
    for i in range(n):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((500, 375), Image.Resampling.BICUBIC), dtype=np.int16)
        pixels = (smooth + rng.normal(0, 6, smooth.shape)).clip(0, 255).astype(np.uint8)
        path = root / f"class-{i % CLASSES}" / f"{i:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, quality=88)


def timm_loop(root: Path, batch_size: int) -> float:
    import timm
    import torch
    from timm.data import create_dataset, create_loader, resolve_data_config

    # A process that was spawned would spawn the loader's workers, too, which timm does not by itself.
    multiprocessing.set_start_method("fork", force=True)
    start = time.perf_counter()
    for name in NETS:
        model = timm.create_model(name, num_classes=CLASSES).eval()
        config = resolve_data_config({}, model=model)
        loader = create_loader(
            create_dataset("", str(root / "images")),
            input_size=config["input_size"],
            batch_size=batch_size,
            interpolation=config["interpolation"],
            mean=config["mean"],
            std=config["std"],
            crop_pct=config["crop_pct"],
            num_workers=os.cpu_count() or 1,
            device=torch.device("cpu"),
        )
        with torch.inference_mode():
            right = 0
            for batch, target in loader:
                right += int((model(batch).argmax(1) == target).sum())
    return time.perf_counter() - start


def limit(root: Path, batch_size: int) -> float:
    """Decode everything once with all cores, then run every net on tensors in memory."""
    import timm
    import torch

    from freshset.datasets.registry import open_testset
    from freshset.engine.loader import Loader
    from freshset.models.base import Runtime
    from freshset.models.preprocessing import ImagePreprocessing
    from freshset.models.reference import ModelRef
    from freshset.models.registry import describe

    reader = open_testset(folder(root))
    preprocessing = describe(ModelRef.parse(reference(NETS[0])), Runtime()).preprocessing
    assert isinstance(preprocessing, ImagePreprocessing)
    n = reader.testset.n
    parts = [range(i, min(i + batch_size, n)) for i in range(0, n, batch_size)]
    workers = os.cpu_count() or 1
    start = time.perf_counter()
    with Loader(reader, preprocessing, workers=workers, memory=1 << 34) as loader:
        batches = [batch for _, _, batch in loader.batches(parts)]
    decoded = time.perf_counter()
    tensors = [torch.from_numpy(preprocessing.normalise(batch)) for batch in batches]
    tensors = [t.contiguous(memory_format=torch.channels_last) for t in tensors]
    forward = time.perf_counter()
    with torch.inference_mode():
        for name in NETS:
            model = timm.create_model(name, num_classes=CLASSES).eval()
            model = model.to(memory_format=torch.channels_last)
            for tensor in tensors:
                model(tensor)
    return time.perf_counter() - forward + decoded - start


def tuned_limit(root: Path, batch_size: int) -> float:
    from freshset.engine.allocator import kept_memory

    with kept_memory():
        return limit(root, batch_size)


def freshset_run(root: Path, batch_size: int, workers: int, threads: int) -> float:
    import timm  # noqa: F401  # the other ways do not count the time of this import either

    from freshset.core.config import RunSettings
    from freshset.engine.backends.local import LocalBackend
    from freshset.engine.plan import make_plan
    from freshset.engine.run import run_plan
    from freshset.engine.wanted import Wanted, WantedModel
    from freshset.models.reference import ModelRef
    from freshset.store.parquet import ParquetStore

    shutil.rmtree(root / "store", ignore_errors=True)
    settings = RunSettings(batch_size=batch_size, workers=workers, threads=threads)
    models = tuple(WantedModel(ModelRef.parse(reference(name))) for name in NETS)
    start = time.perf_counter()
    wanted = Wanted(models, (folder(root),), settings)
    store = ParquetStore(root / "store", create=True)
    report = run_plan(make_plan(wanted, store), store, LocalBackend(settings))
    seconds = time.perf_counter() - start
    assert len(report.made) == len(NETS), report.failures
    return seconds


def reference(name: str) -> str:
    return f"timm:{name}?pretrained=false&num_classes={CLASSES}"


def folder(root: Path) -> object:
    from freshset.datasets.base import TestSetRef

    return TestSetRef("noise/test", "image-folder", str(root / "images"), {})


if __name__ == "__main__":
    raise SystemExit(main())
