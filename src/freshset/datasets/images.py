"""Decoding images, one way for every test set.

The rules, chosen so that scores are those that published evaluations would give:

- JPEG, PNG, WebP, GIF, BMP, TIFF and PPM files are told by their content, not by their names.
- A truncated file is an error, never a picture whose lower half is grey.
- Colours become RGB by Pillow's ``convert("RGB")``, as the loaders of torchvision and timm do it:
  palettes and CMYK are converted, transparency is dropped, colour profiles are not applied.
- 16-bit grey is scaled to 8 bits by its high byte, as Pillow does for 16-bit colour; Pillow's own
  conversion of grey clips at 255, which turns most of such a picture white.
- Of an animation the first frame is taken.
- The EXIF orientation is ignored as those loaders ignore it, unless ``orientation="apply"``.  In
  TIFF files Pillow itself applies it, whatever is asked for.
- The size is read from the header and checked before anything is decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from freshset.core.errors import DataError, UsageError

Orientation = Literal["ignore", "apply"]

MAX_PIXELS = 1024**3 // 4 // 3
"""Pillow's limit of suspicion, 89 million: a quarter of a gigabyte in RGB."""

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
)
"""Names of files that are images; compare in lower case."""


class _Jpeg(JpegImagePlugin.JpegImageFile):
    """A JPEG whose EXIF block is not looked through for a resolution, as that changes no pixel.

    Cameras write it into every file, it takes longer to parse than all other headers together, and
    Pillow warns of each of the damaged ones of ImageNet.
    """

    def _read_dpi_from_exif(self) -> None:
        pass


# Pillow is asked for one format, by the first bytes.  Image.open tries all of them, also those that
# run other programs, and warns of large images on its own terms.
_FORMATS: tuple[tuple[bytes, type[ImageFile.ImageFile]], ...] = (
    (b"\xff\xd8\xff", _Jpeg),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"GIF8", GifImagePlugin.GifImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
    (b"II*\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0*", TiffImagePlugin.TiffImageFile),
    *((b"P%d" % kind, PpmImagePlugin.PpmImageFile) for kind in range(1, 7)),
)
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Decoding:
    """How images are decoded.

    Attributes
    ----------
    orientation
        Whether the EXIF orientation is ignored (as torchvision and timm do) or applied.
    max_pixels
        Largest image that is decoded at all; changes no pixel.
    border
        Pixels on each side that are no part of the image, such as ObjectNet's red line.
    """

    orientation: Orientation = "ignore"
    max_pixels: int = MAX_PIXELS
    border: int = 0

    @property
    def text(self) -> str:
        """Canonical text of what can change a pixel; the version rises when the rules change."""
        border = f" border={self.border}" if self.border else ""
        return f"image/1 orientation={self.orientation}{border}"

    def inside(self, image: Image.Image, where: str) -> Image.Image:
        """Cut the border off; raises `DataError` when nothing else is left."""
        if not self.border:
            return image
        if min(image.size) <= 2 * self.border:
            raise DataError(f"{where}: {image.width} x {image.height} pixels are all border.")
        width, height = image.size
        return image.crop((self.border, self.border, width - self.border, height - self.border))


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the header of an image says that can surprise.

    Attributes
    ----------
    format, mode
        As Pillow names them, for example ``JPEG`` and ``CMYK``.
    width, height
        In pixels, before any orientation is applied.
    orientation
        EXIF orientation from 1 (upright) to 8; 0 when the image has none.
    animated
        Whether there are more frames than the first.
    deep
        Whether there are more than 8 bits a channel.
    """

    format: str
    mode: str
    width: int
    height: int
    orientation: int = 0
    animated: bool = False
    deep: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """What is done to the image beyond decoding, in a few words each."""
        said = {
            f"{self.mode} converted to RGB": self.mode not in {"RGB", "L"} and not self.deep,
            "more than 8 bits a channel scaled to 8": self.deep,
            "animated, first frame taken": self.animated,
            "EXIF orientation": self.orientation > 1,
        }
        return tuple(note for note, holds in said.items() if holds)


def decode(
    source: Path | bytes,
    where: str,
    *,
    max_pixels: int = MAX_PIXELS,
    orientation: Orientation = "ignore",
) -> Image.Image:
    """Decode an image by the rules of this module.

    Parameters
    ----------
    source
        The file, or its bytes.
    where
        What to call it in messages.
    max_pixels
        Width times height that is still decoded.
    orientation
        Whether to ``ignore`` or ``apply`` the EXIF orientation.

    Returns
    -------
    PIL.Image.Image
        In mode RGB, with its pixels loaded.

    Raises
    ------
    DataError
        When it is no image, truncated, or too large; names it.
    UsageError
        When some other code has told Pillow to fill truncated images up with grey.
    """
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise UsageError(
            "PIL.ImageFile.LOAD_TRUNCATED_IMAGES is on: truncated images would count as whole.",
            "Find the code that switches it on, and remove it.",
        )
    image = _opened(_bytes(source, where), where)
    if image.width * image.height > max_pixels:
        raise DataError(
            f"{where}: {image.width} x {image.height} pixels are more than {max_pixels:,}.",
            "Raise max_pixels in the test set's options if the image is meant to be so large.",
        )
    try:
        image.load()
        upright = _upright(image) if orientation == "apply" else image
    except MemoryError:
        raise
    except Exception as error:  # decoders raise many kinds for damaged files
        raise DataError(
            f"{where}: the image is truncated or damaged ({error}).", "Copy the file again."
        ) from error
    return to_rgb(upright, where)


def to_rgb(image: Image.Image, where: str) -> Image.Image:
    """Convert a decoded image to RGB by the rules of this module; may return it as it is.

    Raises
    ------
    DataError
        For floating-point and 32-bit pixels, whose range nothing says.
    """
    if image.mode == "RGB":
        return image
    if image.mode == "F" or image.mode.startswith("I"):
        return _scaled(image, where).convert("RGB")
    # Pillow only looks at transparency to say that RGB has none, and for palettes warns of it.
    image.info.pop("transparency", None)
    return image.convert("RGB")


def inspect(source: Path | bytes, where: str) -> Inspection:
    """Say what the header of an image holds, without decoding it.

    Raises
    ------
    DataError
        When it is no image.
    """
    image = _opened(_bytes(source, where), where)
    try:
        # Not image.getexif(): a PNG would be decoded in search of a block behind its pixels.
        orientation = Image.Image.getexif(image).get(_ORIENTATION, 0)
    except Exception:  # Pillow raises many kinds for a damaged EXIF block, which hides no pixel
        orientation = 0
    modes = [image.mode, *(str(tile[3]) for tile in image.tile)]
    return Inspection(
        image.format or "",
        image.mode,
        image.width,
        image.height,
        orientation if orientation in _TURNS or orientation == 1 else 0,
        animated=bool(getattr(image, "is_animated", False)),
        deep=image.mode == "F" or any(mode.startswith("I") or "16" in mode for mode in modes),
    )


def _bytes(source: Path | bytes, where: str) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        with source.open("rb") as stream:
            return stream.read()
    except OSError as error:
        raise DataError(f"{where}: cannot be read ({error.strerror}).") from error


def _opened(data: bytes, where: str) -> ImageFile.ImageFile:
    """Read the header."""
    kind = next((kind for start, kind in _FORMATS if data.startswith(start)), None)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = WebPImagePlugin.WebPImageFile
    if kind is None:
        what = "is empty" if not data else "is not an image that can be read"
        raise DataError(
            f"{where}: the file {what}.",
            "Images are JPEG, PNG, WebP, GIF, BMP, TIFF or PPM; remove or replace the file.",
        )
    try:
        return kind(BytesIO(data))
    except Exception as error:  # plugins raise many kinds for damaged headers
        raise DataError(
            f"{where}: the image is truncated or damaged ({error}).", "Copy the file again."
        ) from error


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def _scaled(image: Image.Image, where: str) -> Image.Image:
    """Scale 16-bit grey to 8 bits."""
    values = np.asarray(image)
    if values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 0xFFFF:
        raise DataError(
            f"{where}: nothing says what range its {image.mode} pixels have.",
            "Save the image with 8 or 16 bits a channel.",
        )
    return Image.fromarray((values >> 8).astype(np.uint8))
