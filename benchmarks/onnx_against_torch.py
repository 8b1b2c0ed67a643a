"""Reports the speed of one net through ONNX Runtime and through torch eager, both by the adapters.

No claim is made of which is faster: it depends on the net and on the machine.  A timm net with random
weights is exported to ONNX; both adapters are then given the same prepared uint8 batches, and the whole
of ``predict`` is timed, normalisation included.  Scores must agree within 1e-3 of their largest value.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch

from freshset.models.base import Model, Runtime
from freshset.models.reference import ModelRef
from freshset.models.registry import load

CLASSES = 10
TOLERANCE = 1e-3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", default="mobilenetv3_small_050")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--batches", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    a = parser.parse_args()
    batch = np.random.default_rng(0).integers(0, 256, (a.batch_size, 224, 224, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        references = exported(a.net, root)
        models = {
            name: load(ModelRef.parse(text), Runtime(root=str(root)))
            for name, text in references.items()
        }
        scores = {name: model.predict(batch) for name, model in models.items()}
        seconds: dict[str, list[float]] = {name: [] for name in models}
        for _ in range(a.runs):
            for name, model in models.items():
                seconds[name].append(timed(model, batch, a.batches))
    first, second = scores.values()
    off = float(np.abs(first - second).max() / np.abs(first).max())
    n = a.batch_size * a.batches
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        spread = ", ".join(f"{n / value:.0f}" for value in values)
        print(f"{name:<6} {n / middle[name]:7.0f} images/s   ({spread})")
    print(f"onnx is {middle['torch'] / middle['onnx']:.2f}x the speed of torch eager on {a.net}")
    print(f"largest difference of scores: {off:.1e} of the largest score")
    return 0 if off < TOLERANCE else 1


def exported(net: str, root: Path) -> dict[str, str]:
    """Write one set of random weights in both formats."""
    torch.manual_seed(0)
    model = timm.create_model(net, num_classes=CLASSES).eval()
    weights = root / "net.pt"
    torch.save(model.state_dict(), weights)
    sample = torch.zeros(2, 3, 224, 224)
    axes: dict[str, Any] = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)}
    torch.onnx.export(model, (sample,), root / "net.onnx", dynamo=True, verbose=False, **axes)
    config = model.pretrained_cfg
    beside = {
        "resize": 256,
        "crop": 224,
        "interpolation": "bicubic",
        "mean": list(config["mean"]),
        "std": list(config["std"]),
        "classes": [str(i) for i in range(CLASSES)],
    }
    (root / "net.json").write_text(json.dumps(beside), encoding="utf-8")
    os.chdir(root)
    return {
        "torch": f"timm:{net}?checkpoint_path=net.pt&num_classes={CLASSES}",
        "onnx": "onnx:net.onnx",
    }


def timed(model: Model, batch: np.ndarray, batches: int) -> float:
    start = time.perf_counter()
    for _ in range(batches):
        model.predict(batch)
    return time.perf_counter() - start


if __name__ == "__main__":
    raise SystemExit(main())
