"""From pictures to vectors: pixels, perceptual hashes, VGG-16, or features from a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import PIL
from PIL import Image

from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.core.registry import Entry, Registry
from freshset.datasets.images import Decoding
from freshset.replication.collecting.images import SQUASHED
from freshset.replication.duplicates.hashes import BITS, perceptual_hash

SIDE = SQUASHED.side
METRICS = ("pixels", "ssim", "phash", "fc7")


class Embedder(Protocol):
    """What makes a vector of a picture.

    Attributes
    ----------
    name
        Of the metric.
    dimension
        Numbers in a vector.
    dtype
        Of these numbers.
    from_copy
        Whether it is made of the squashed working copy; otherwise of the image itself.
    """

    name: str
    dimension: int
    dtype: np.dtype[Any]
    from_copy: bool

    @property
    def record(self) -> Mapping[str, str]:
        """What can change a number: decoder, resizer, interpolation, and versions."""
        ...

    def prepare(self, image: Image.Image) -> npt.NDArray[np.uint8]:
        """Make an array of an upright RGB picture; runs in several threads at once."""
        ...

    def embed(self, prepared: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Make vectors, shape (n, dimension), of n prepared pictures."""
        ...


def squashed(image: Image.Image, side: int) -> npt.NDArray[np.uint8]:
    """Resize a picture to a square whatever its aspect, shape (side, side, 3)."""
    if image.size != (side, side):
        image = image.resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.uint8)


def _record(side: int, *, from_copy: bool) -> dict[str, str]:
    decoder = f"Pillow {PIL.__version__}, {Decoding(orientation='apply').text}"
    record = {"decoder": decoder}
    if from_copy:
        record |= {f"copy {key}": str(value) for key, value in SQUASHED.recipe.items()}
    if side != SQUASHED.side or not from_copy:
        resizer = f"Pillow {PIL.__version__}, squashed to {side} x {side}"
        record |= {"resizer": resizer, "interpolation": "bicubic, antialiased"}
    return record


class Pixels:
    """Pixels from 0 to 255 of the squashed picture, as they are.

    Parameters
    ----------
    name
        ``pixels`` and ``ssim`` are of the 256 x 256 pixels of the working copy, as in the paper;
        ``pixels32`` of 32 x 32, which are the pixels themselves where images have that size.
    """

    dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __init__(self, name: str = "pixels", side: int = SIDE) -> None:
        self.name = name
        self.from_copy = side == SIDE
        self.side = side
        self.dimension = side * side * 3

    @property
    def record(self) -> Mapping[str, str]:
        """See `Embedder.record`."""
        return _record(self.side, from_copy=self.from_copy)

    def prepare(self, image: Image.Image) -> npt.NDArray[np.uint8]:
        """See `Embedder.prepare`."""
        return squashed(image, self.side)

    def embed(self, prepared: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """See `Embedder.embed`."""
        return prepared.reshape(len(prepared), self.dimension)


class PerceptualHash:
    """64 bits of the picture's low frequencies; see `freshset.replication.duplicates.hashes`."""

    name = "phash"
    dimension = BITS // 8
    from_copy = True
    dtype: np.dtype[Any] = np.dtype(np.uint8)

    @property
    def record(self) -> Mapping[str, str]:
        """See `Embedder.record`."""
        resizer = f"ImageHash {version('ImageHash')}, 32 x 32"
        own = {"resizer": resizer, "interpolation": "lanczos"}
        return _record(SIDE, from_copy=True) | own

    def prepare(self, image: Image.Image) -> npt.NDArray[np.uint8]:
        """See `Embedder.prepare`."""
        return perceptual_hash(image)

    def embed(self, prepared: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """See `Embedder.embed`."""
        return prepared


_NETWORKS = Registry(
    "embedder",
    {
        "fc7": Entry(
            "freshset.models.vgg_features:VggFeatures",
            "torchvision",
            ("torch", "torchvision"),
            "VGG-16, second fully connected layer",
        )
    },
    "freshset.embedders",
)


class Vgg16:
    """VGG-16's fc7 of raw pixels, as in the paper; see `freshset.models.vgg_features`.

    Parameters
    ----------
    weights
        File with a state dict of torchvision's ``vgg16``.

    Raises
    ------
    MissingExtraError
        When torchvision is not installed.
    """

    name = "fc7"
    from_copy = True
    dtype: np.dtype[Any] = np.dtype(np.float32)

    def __init__(self, weights: Path | str) -> None:
        from freshset.core.files import sha256_file

        self._network = _NETWORKS.load("fc7")(weights)
        self._weights = sha256_file(Path(weights))
        self.dimension = 4096

    @property
    def record(self) -> Mapping[str, str]:
        """See `Embedder.record`."""
        versions = {key: str(value) for key, value in self._network.versions.items()}
        return {**_record(224, from_copy=True), **versions, "weights": self._weights}

    def prepare(self, image: Image.Image) -> npt.NDArray[np.uint8]:
        """See `Embedder.prepare`."""
        return squashed(image, 224)

    def embed(self, prepared: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """See `Embedder.embed`."""
        return np.asarray(self._network(prepared), dtype=np.float32)


def embedder(metric: str, weights: Path | None = None) -> Embedder:
    """Find the embedder of a metric.

    Parameters
    ----------
    metric
        ``pixels``, ``pixelsN`` of N x N pixels, ``ssim``, ``phash``, or ``fc7``.
    weights
        For ``fc7``.

    Raises
    ------
    UsageError
        When there is none of the name, or ``fc7`` has no weights.
    """
    if metric == "fc7":
        if weights is None:
            raise UsageError(
                "fc7 needs the weights of VGG-16.",
                "Give --weights FILE, a state dict of torchvision's vgg16.",
            )
        return Vgg16(weights)
    if metric == "phash":
        return PerceptualHash()
    if metric == "ssim":
        return Pixels("ssim")
    match = re.fullmatch(r"pixels(\d{0,4})", metric)
    if match is None or match[1].startswith("0"):
        raise UsageError(
            f"No metric {metric!r} is built in.",
            f"{did_you_mean(metric, METRICS)} Features of any model come from a file: "
            f"--features {metric}=FILE.npz",
        )
    return Pixels(metric, int(match[1] or SIDE))


def read_features(path: Path | str) -> tuple[list[str], npt.NDArray[Any]]:
    """Read features of any model from a file.

    Parameters
    ----------
    path
        ``.npz`` with ``ids`` (the images' ids) and ``features``, shape (n, d); or ``.npy`` with the
        features, and the ids beside it in ``NAME.ids.txt``, one a line.

    Returns
    -------
    Ids in order, and their rows.

    Raises
    ------
    DataError
        When the file cannot be read, ids and rows are not as many, or an id occurs twice.
    """
    path = Path(path)
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as content:
                ids, rows = [str(one) for one in content["ids"]], np.asarray(content["features"])
        else:
            beside = path.with_suffix(".ids.txt")
            ids = beside.read_text(encoding="utf-8").split()
            rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(
            f"{path}: no features can be read ({error}).",
            "Save numpy.savez(FILE, ids=..., features=...).",
        ) from error
    if rows.ndim != 2 or len(ids) != len(rows) or len(set(ids)) != len(ids):
        raise DataError(
            f"{path}: {len(ids):,} ids ({len(set(ids)):,} different) for features of shape {rows.shape}.",
            "Give one row for each image.",
        )
    order = np.argsort(np.array(ids, dtype=np.str_), kind="stable")
    return [ids[i] for i in order], rows[order]
