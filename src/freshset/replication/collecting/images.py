"""The images of a project: files called by the SHA-256 of their bytes, and working copies of them.

``images/ab/<sha256>.jpg`` holds the bytes as they came.  ``copies/<name>-<recipe>/ab/`` holds what
workers see and what duplicates are looked for in; how those are made is in ``recipe.json`` beside them,
and another version of a library is another recipe, so that copies of two makes never mix.  Copies can be
made again at any time.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL
from PIL import Image, features

from freshset.core.errors import DataError, StoreError
from freshset.core.files import canonical_json, pretty_json, sha256_bytes, write_atomic
from freshset.datasets.images import decode, inspect

IMAGES = "images"
COPIES = "copies"
VECTORS = "duplicates"
MAX_BYTES = 50_000_000
"""Largest file that is taken."""

_SUFFIXES = {"JPEG": "jpg", "PNG": "png", "GIF": "gif", "BMP": "bmp", "TIFF": "tif", "WEBP": "webp"}
_QUALITY = 90
# What is this small is a picture of few pixels, each of which counts; as PNG it takes a few kB.
_LOSSLESS_SIDE = 128
_TURNED = "upright by EXIF, RGB"


@dataclass(frozen=True, slots=True)
class Copy:
    """A kind of working copy.

    Attributes
    ----------
    name
        Of its folder.
    side
        Pixels of the longest side, or of both.
    squash
        Whether the picture is made a square of that side; otherwise it keeps its shape and is never
        enlarged.
    """

    name: str
    side: int
    squash: bool

    @property
    def recipe(self) -> dict[str, Any]:
        """How copies of this kind are made, with all that can change a pixel."""
        return {
            "copy": self.name,
            "side": self.side,
            "squash": self.squash,
            "decoder": f"Pillow {PIL.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}",
            "pixels": _TURNED,
            "resizer": f"Pillow {PIL.__version__}",
            "interpolation": "lanczos",
            "encoding": f"JPEG quality {_QUALITY}; PNG where no side of the picture is longer than "
            f"{_LOSSLESS_SIDE}",
        }

    @property
    def folder(self) -> str:
        """Its folder, relative to the project's."""
        return f"{COPIES}/{self.name}-{_digest(self)}"

    def make(self, picture: Image.Image) -> Image.Image:
        """Make one; returns the picture itself where there is nothing to do."""
        if self.squash:
            size = (self.side, self.side)
        else:
            scale = min(1.0, self.side / max(picture.size))
            size = (
                max(1, round(picture.width * scale)),
                max(1, round(picture.height * scale)),
            )
        if size == picture.size:
            return picture
        return picture.resize(size, Image.Resampling.LANCZOS)


SHOWN = Copy("shown", 500, squash=False)
"""What people see: longest side 500, as workers of ImageNetV2 saw it."""

SQUASHED = Copy("squashed", 256, squash=True)
"""What pixels are compared in: 256 x 256."""

KINDS = (SHOWN, SQUASHED)


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A row of the table ``images``; see `freshset.replication.tables`."""

    item_id: str
    path: str
    pixels: str
    width: int
    height: int
    format: str
    bytes: int

    def row(self) -> dict[str, Any]:
        """Return the values by column."""
        return {name: getattr(self, name) for name in self.__slots__}


def store_image(folder: Path, data: bytes, where: str) -> StoredImage:
    """Keep an image and its working copies in a project's folder.

    Doing it again changes nothing, and an interruption leaves whole files or none.

    Parameters
    ----------
    folder
        Of the project.
    data
        The file's bytes.
    where
        What to call it in messages.

    Raises
    ------
    DataError
        When it is no image, truncated, or has too many pixels.
    StoreError
        When it cannot be written.
    """
    picture = decode(data, where, orientation="apply")
    format = inspect(data, where).format
    item_id = sha256_bytes(data)
    path = f"{IMAGES}/{_place(item_id)}.{_SUFFIXES.get(format, 'ppm')}"
    try:
        if not (folder / path).exists():
            write_atomic(folder / path, data)
        for kind in KINDS:
            _copy(folder, item_id, kind, picture)
    except OSError as error:
        raise StoreError(
            f"{folder}: an image cannot be written ({error.strerror}).",
            "Make room or check permissions, then run the command again; it goes on where it stopped.",
        ) from error
    size = f"{picture.width}x{picture.height}\0".encode()
    return StoredImage(
        item_id,
        path,
        sha256_bytes(size + picture.tobytes()),
        picture.width,
        picture.height,
        format,
        len(data),
    )


def working_copy(folder: Path, path: str, kind: Copy) -> Path:
    """Return the file of a working copy, which is made when it is not there.

    Parameters
    ----------
    folder
        Of the project.
    path
        Of the image, as the table ``images`` has it.
    kind
        `SHOWN` or `SQUASHED`.

    Raises
    ------
    DataError
        When the image is missing or not what it was.
    """
    original = folder / path
    item_id = original.stem
    for suffix in ("jpg", "png"):
        there = folder / kind.folder / f"{_place(item_id)}.{suffix}"
        if there.exists():
            return there
    return _copy(folder, item_id, kind, load_image(folder, path))


def load_image(folder: Path, path: str) -> Image.Image:
    """Decode an image of a project: upright, RGB.

    Raises
    ------
    DataError
        When it is missing or damaged.
    """
    if not (folder / path).exists():
        raise DataError(
            f"{folder / path} is missing.", "Restore it from a copy, or exclude the image."
        )
    return decode(folder / path, str(folder / path), orientation="apply")


def remove_image(folder: Path, path: str) -> int:
    """Remove an image and all its copies; returns how many files there were."""
    item_id = Path(path).stem
    files = [folder / path, *(folder / COPIES).glob(f"*/{_place(item_id)}.*")]
    there = [file for file in files if file.exists()]
    for file in there:
        file.unlink()
    return len(there)


@functools.cache
def _digest(kind: Copy) -> str:
    return sha256_bytes(canonical_json(kind.recipe))[:8]


def _place(item_id: str) -> str:
    """One of 256 folders, as a folder of a million files is slow in most file systems."""
    return f"{item_id[:2]}/{item_id}"


def _copy(folder: Path, item_id: str, kind: Copy, picture: Image.Image) -> Path:
    lossless = max(picture.size) <= _LOSSLESS_SIDE
    path = folder / kind.folder / f"{_place(item_id)}.{'png' if lossless else 'jpg'}"
    if path.exists():
        return path
    recipe = folder / kind.folder / "recipe.json"
    if not recipe.exists():
        write_atomic(recipe, pretty_json(kind.recipe))
    stream = io.BytesIO()
    copy = kind.make(picture)
    copy.info = {}  # comments and profiles would be written too, and may tell workers the source
    if lossless:
        copy.save(stream, "PNG", compress_level=1)  # takes a third of the time
    else:
        copy.save(stream, "JPEG", quality=_QUALITY)
    write_atomic(path, stream.getvalue())
    return path
