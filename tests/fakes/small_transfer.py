"""A transfer study that takes seconds: generated pictures, and networks that a file of code makes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from fakes.image_samples import encoded, write
from PIL import Image

SIDE = 16
CLASSES = ("left", "right", "both")

_NETS = '''
import torch
from torch import nn

from freshset.models.preprocessing import ImagePreprocessing


class Net(nn.Module):
    """A bank of filters, a pooled layer of features, and a classifier."""

    def __init__(self, width, classes=5):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        )
        self.fc = nn.Linear(4 * width, classes)

    def forward(self, x):
        return self.fc(self.body(x))


def _made(width):
    generator = torch.Generator().manual_seed(width)
    net = Net(width)
    with torch.no_grad():
        for value in net.parameters():
            value.copy_(torch.randn(value.shape, generator=generator) * 0.3)
    return net.eval()


def narrow():
    return _made(4)


def wide():
    return _made(12)


narrow.preprocessing = wide.preprocessing = ImagePreprocessing(
    resize=(16, 16), crop=None, resizing="squash", mean=(0.5, 0.5, 0.5), std=(0.3, 0.3, 0.3)
)
'''


def picture(rng: np.random.Generator, label: int, strength: float) -> Image.Image:
    """Noise with a bright left half, right half, or both."""
    pixels = rng.normal(110, 40, size=(SIDE, SIDE, 3))
    for half in (0, 1):
        if label in {half, 2}:
            pixels[:, half * SIDE // 2 : (half + 1) * SIDE // 2] += strength
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def make_dataset(folder: Path, *, strength: float, seed: int, n: int = 8, test: int = 10) -> Path:
    """Folders ``train`` and ``test`` of class folders, so many pictures a class."""
    rng = np.random.default_rng(seed)
    for part, count in (("train", n), ("test", test)):
        for label, name in enumerate(CLASSES):
            for number in range(count):
                data = encoded(picture(rng, label, strength), "PNG")
                write(folder, f"{part}/{name}/{number:03}.png", data)
    return folder


def make_study(folder: Path, **changes: Any) -> Path:
    """Write data, networks and study file; keys of the study may be changed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nets.py").write_text(_NETS, encoding="utf-8")
    make_dataset(folder / "bright", strength=60, seed=1)
    make_dataset(folder / "dim", strength=25, seed=2)
    training = {
        "steps": 6, "batch": 8, "rates": [0.05, 0.2], "decays": [0.0], "augmentation": {"scale": [0.5, 1], "flip": 0},
    }  # fmt: skip
    study: dict[str, Any] = {
        "title": "Small",
        "source": "Nothing",
        "models": [
            {"model": "py:nets.py:narrow", "name": "narrow", "family": "n", "accuracy": 0.6},
            {"model": "py:nets.py:wide", "name": "wide", "accuracy": 0.7, "n": 100},
        ],
        "datasets": [{"path": "bright"}, {"path": "dim", "metric": "mean-per-class"}],
        "protocol": {
            "budget": "lite",
            "probe": {"penalties": [0.1, 1, 10]},
            "finetune": training,
            "scratch": training,
            "subsets": {"steps": 3, "epochs": 1, "batch": 4, "rate_share": 1},
        },
        "run": {"device": "cpu", "threads": 1, "workers": 0, "batch_size": 16},
        "training": {"checkpoint_every": 2},
        "simulated": True,
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study | changes, sort_keys=False), encoding="utf-8")
    return path


def numbers(plan: Any) -> dict[str, tuple[Any, ...]]:
    """All that a study has found, by identity: what must not depend on how it was run."""
    found: dict[str, tuple[Any, ...]] = {}
    specs = [one.wanted.spec for one in plan.listed.features]
    for spec in specs + [item.spec for item in plan.listed.items]:
        work = plan.works.get(spec)
        assert work is not None, spec.kind
        arrays = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(work.folder.glob("*.npy"))
        }
        document = work.document
        digest = document.get("trained", {}).get("digest")
        found[spec.identity] = (spec.kind, document.get("score"), digest, arrays)
    return found
