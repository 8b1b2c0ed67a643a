"""Items that a small network can learn; without torch, so that processes that read start fast."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from freshset.core.errors import DataError

CLASSES = 3
SIZE = 12


@dataclass
class Colours:
    """Noise with one of three colours: row i shows colour ``i % 3``."""

    item: str = "image"
    bad_row: int = -1
    slow: float = 0.0
    reads: int = 0

    def read(self, index: int) -> Any:
        self.reads += 1
        time.sleep(self.slow)
        if index == self.bad_row:
            raise DataError(f"row-{index}.png: not an image.")
        rng = np.random.default_rng(index)
        pixels = rng.integers(0, 200, (14 + index % 3, 18, 3), dtype=np.uint8)
        pixels[..., index % CLASSES] += 40
        return Image.fromarray(pixels)


@dataclass
class Vectors:
    """Arrays of which the greatest entry tells the class."""

    item: str = "array"

    def read(self, index: int) -> Any:
        values = np.random.default_rng(index).normal(size=5).astype(np.float32)
        values[index % CLASSES] += 2
        return values


@dataclass
class Items:
    reader: Any
    rows: Any
    targets: Any
    ignored: Any = None


def items(first: int, last: int, reader: Any = None) -> Items:
    rows = np.arange(first, last)
    return Items(Colours() if reader is None else reader, rows, rows % CLASSES)
