"""Make the example: six networks pretrained on the digits 0 to 4, and four data sets to transfer to.

``digits-5-9``   the other half of scikit-learn's digits
``textures``     cuttings from scikit-learn's two photographs: which of six regions is it from?
``shapes``       generated: crosses, rings, bars and corners under noise
``waves``        generated: gratings of eight directions under noise

The last two are simulated, and say so in their names in the study.

    python make.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from networks import BUILDERS, SEEN
from safetensors.torch import save_file
from sklearn.datasets import load_digits, load_sample_images
from torch import nn

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
# Steps of pretraining: a benchmark of networks that are all equally good would show nothing.
STEPS = {
    "perceptron-16": 60,
    "perceptron-64": 200,
    "plain-4": 100,
    "plain-12": 120,
    "residual-12": 120,
    "residual-24": 250,
}


def main(folder: Path) -> None:
    """Write data and weights."""
    images, labels = digits()
    low = labels < 5
    source = np.flatnonzero(low)
    cut = 2 * len(source) // 3
    pretrain(images[source[:cut]], labels[source[:cut]], folder / "weights")
    write(folder / "data" / "digits-0-4" / "test.npz", images[source[cut:]], labels[source[cut:]])
    rng = np.random.default_rng(7)
    for name, (x, y) in {
        "digits-5-9": (images[~low], labels[~low] - 5),
        "textures": textures(rng),
        "shapes": shapes(rng),
        "waves": waves(rng),
    }.items():
        save(folder / "data" / name, x, y, rng)


def digits() -> tuple[Images, Labels]:
    """All 1,797 digits as bytes."""
    found = load_digits()
    return np.round(found.images * (255 / 16)).astype(np.uint8), found.target.astype(np.int64)


def textures(rng: np.random.Generator) -> tuple[Images, Labels]:
    """Cuttings of 32 x 32, halved twice, of three regions of each photograph."""
    x, y = [], []
    for photo, image in enumerate(load_sample_images().images):
        grey = image.mean(axis=2)
        height, width = grey.shape
        for region in range(3):
            left, right = region * width // 3, (region + 1) * width // 3 - 32
            tops, lefts = rng.integers(0, height - 32, 150), rng.integers(left, right, 150)
            for i, j in zip(tops, lefts, strict=True):
                x.append(grey[i : i + 32, j : j + 32].reshape(8, 4, 8, 4).mean(axis=(1, 3)))
                y.append(3 * photo + region)
    return np.round(x).astype(np.uint8), np.array(y)


def shapes(rng: np.random.Generator) -> tuple[Images, Labels]:
    """Four kinds, moved by up to a pixel, under noise."""
    kinds = np.zeros((4, 8, 8))
    kinds[0, 3:5, 1:7] = kinds[0, 1:7, 3:5] = 1
    kinds[1, 1:7, 1:7], kinds[1, 3:5, 3:5] = 1, 0
    kinds[2, 2:6, 2:4] = 1
    kinds[3, 2:6, 2] = kinds[3, 5, 2:6] = 1
    y = np.arange(800) % 4
    moved = [np.roll(kinds[k], rng.integers(-1, 2, 2), (0, 1)) for k in y]
    return noisy(160 * np.array(moved) + 30, 60, rng), y


def waves(rng: np.random.Generator) -> tuple[Images, Labels]:
    """Gratings of eight directions and any phase."""
    y = np.arange(960) % 8
    down, across = np.mgrid[:8, :8]
    angle = (y * np.pi / 8)[:, None, None]
    phase = rng.uniform(0, 2 * np.pi, (len(y), 1, 1))
    turned = down * np.sin(angle) + across * np.cos(angle)
    return noisy(128 + 70 * np.cos(1.3 * turned + phase), 50, rng), y


def noisy(images: npt.NDArray[np.float64], spread: float, rng: np.random.Generator) -> Images:
    """Add noise, and round to bytes."""
    return np.clip(np.round(images + rng.normal(0, spread, images.shape)), 0, 255).astype(np.uint8)


def save(folder: Path, images: Images, labels: Labels, rng: np.random.Generator) -> None:
    """Half for training, half for the test."""
    order = rng.permutation(len(images))
    for part, rows in zip(("train", "test"), np.array_split(order, 2), strict=True):
        write(folder / f"{part}.npz", images[rows], labels[rows])


def write(path: Path, images: Images, labels: Labels) -> None:
    """Write images and labels as freshset's adapter for arrays reads them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, images=images, labels=labels)


def pretrain(images: Images, labels: Labels, folder: Path) -> None:
    """Train all networks, and write their weights."""
    torch.set_num_threads(1)  # threads cost such small networks more than they save
    folder.mkdir(parents=True, exist_ok=True)
    x = torch.from_numpy(SEEN.normalise(images[..., None]))
    y = torch.from_numpy(labels)
    for name, builder in BUILDERS.items():
        torch.manual_seed(0)
        network = builder()
        optimiser = torch.optim.Adam(network.parameters(), 3e-3)
        for _ in range(STEPS[name]):
            rows = torch.randint(0, len(x), (64,))
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimiser.step()
        save_file(network.state_dict(), folder / f"{name}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
