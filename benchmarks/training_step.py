"""Claim: a training step takes at most 1 / 0.95 of that of a bare torch loop of the same net.

Ours reads JPEG files, crops and flips them anew for every step, keeps track of losses and running
statistics, and computes the same numbers every time; files are decoded once and kept.  The bare loop
has one normalised batch in the device's memory and does nothing but forward, backward and update.
Both take turns in one process, so that both meet the same machine.

On a busy machine, ``--clock processor --threads 1`` counts the seconds of the processor instead.
On a GPU: ``--device cuda --net timm:resnet50?pretrained=false --size 224 --batch 256 --steps 40
--workers 12 --precision bf16``.  With ``--memory 0`` every image is decoded for every step.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from freshset.models.base import Runtime, Trainable
from freshset.models.reference import ModelRef
from freshset.models.registry import trainable
from freshset.models.torch_runtime import autocast
from freshset.models.training.data import TrainingData
from freshset.models.training.loop import train
from freshset.models.training.recipe import Execution, Recipe

CLASSES = 10
CLAIM = 0.95
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


class Files:
    """A folder of JPEG files."""

    item = "image"

    def __init__(self, folder: Path) -> None:
        self._paths = sorted(folder.glob("*.jpg"))

    def read(self, index: int) -> Image.Image:
        with Image.open(self._paths[index]) as image:
            return image.convert("RGB")


class Items:
    """All files, with classes that mean nothing."""

    ignored = None

    def __init__(self, folder: Path, n: int) -> None:
        self.reader = Files(folder)
        self.rows = np.arange(n)
        self.targets = np.arange(n) % CLASSES


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", default="timm:resnet18?pretrained=false")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--memory", type=int, default=4 << 30)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--clock", choices=[*CLOCKS], default="wall")
    a = parser.parse_args()
    if a.threads:
        torch.set_num_threads(a.threads)
    times: dict[str, list[float]] = {"bare": [], "freshset": []}
    with tempfile.TemporaryDirectory() as folder:
        items = Items(photographs(Path(folder), a.batch * a.steps), a.batch * a.steps)
        for _ in range(a.turns):
            times["bare"].append(bare(a))
            times["freshset"].append(ours(a, items))
    for name, found in times.items():
        each = ", ".join(f"{1000 * t:.1f}" for t in found)
        print(f"{name:<9} {1000 * statistics.median(found):.1f} ms a step ({each})")
    ratios = [x / y for x, y in zip(times["bare"], times["freshset"], strict=True)]
    ratio = statistics.median(ratios)
    print(f"{ratio:.3f} of the bare loop ({', '.join(f'{r:.3f}' for r in ratios)})")
    print("claim holds" if ratio >= CLAIM else "claim MISSED")
    return 0 if ratio >= CLAIM else 1


def photographs(folder: Path, n: int) -> Path:
    """Smooth noise of 500 x 375, which compresses about as photographs do."""
    rng = np.random.default_rng(0)
    for k in range(n):
        small = Image.fromarray(rng.integers(0, 256, (47, 63, 3), dtype=np.uint8))
        small.resize((500, 375), Image.Resampling.BICUBIC).save(folder / f"{k:05d}.jpg", quality=90)
    return folder


def network(a: Any) -> Trainable:
    joint = "&" if "?" in a.net else "?"
    reference = ModelRef.parse(f"{a.net}{joint}img_size={a.size}")
    return trainable(reference, Runtime(device=a.device), n_outputs=CLASSES, start="random", seed=0)


class Stopwatch:
    """Seconds between two forward passes of a network in training."""

    def __init__(self, module: Any, first: int, last: int, clock: str) -> None:
        self._clock = CLOCKS[clock]
        self._marks = {first: 0.0, last: 0.0}
        self._passes = 0
        module.register_forward_pre_hook(self._pass)

    def _pass(self, module: Any, _inputs: Any) -> None:
        if not module.training:
            return
        if self._passes in self._marks:
            if next(module.parameters()).is_cuda:
                torch.cuda.synchronize()
            self._marks[self._passes] = self._clock()
        self._passes += 1

    @property
    def seconds(self) -> float:
        first, last = self._marks.values()
        return last - first


def ours(a: Any, items: Items) -> float:
    made = network(a)
    # The first pass over the files decodes them.
    watch = Stopwatch(made.network, a.steps, 2 * a.steps, a.clock)
    recipe = Recipe("random", 2 * a.steps + 1, a.batch, 0.01, 1e-4, precision=a.precision)
    execution = Execution(checkpoint_every=0, workers=a.workers, memory=a.memory)
    with tempfile.TemporaryDirectory() as folder:
        data = TrainingData(items, CLASSES)
        runtime = Runtime(device=a.device, threads=a.threads)
        train(made, recipe, execution, data, Path(folder), runtime)
    return watch.seconds / a.steps


def bare(a: Any) -> float:
    device = torch.device(a.device)
    made = network(a).network.to(device=device, memory_format=torch.channels_last).train()
    watch = Stopwatch(made, 2, 2 + a.steps, a.clock)
    optimiser = torch.optim.SGD(
        made.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=1e-4
    )
    images = torch.randn(a.batch, 3, a.size, a.size, device=device)
    images = images.to(memory_format=torch.channels_last)
    targets = torch.arange(a.batch, device=device) % CLASSES
    for _ in range(a.steps + 3):
        optimiser.zero_grad()
        with autocast(device, a.precision):
            outputs = made(images)
        torch.nn.functional.cross_entropy(outputs.float(), targets).backward()
        optimiser.step()
    return watch.seconds / a.steps


if __name__ == "__main__":
    raise SystemExit(main())
