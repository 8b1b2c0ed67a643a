"""What happens to an item before a model sees it, split into what models can share and what not.

The geometric part of an image's way (mode, resize, crop) runs in the processes that decode, on PIL
and numpy alone, and gives ``uint8`` arrays; models whose geometry is equal share them.  The rest, an
affine map a channel, is left to the model.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from freshset.core.errors import UsageError
from freshset.core.files import sha256_bytes
from freshset.models.base import Preprocessing

Interpolation = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
Resizing = Literal["shorter", "squash", "cover", "fit"]
CropRounding = Literal["even", "down"]
Mode = Literal["RGB", "L"]
View = Literal["whole", "centre", "weights"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class ImagePreprocessing:
    """Resize, crop and normalise, pixel for pixel as timm, torchvision and transformers do on PIL.

    Attributes
    ----------
    resize
        Size that `resizing` aims at: one number for ``shorter``, else (height, width); ``None``
        leaves the size as it is.
    crop
        (height, width) of the centre that is kept; what is missing is padded.  ``None`` keeps all,
        which gives arrays of one shape only after ``squash`` or for images of one size.
    interpolation
        Filter of the resize; Pillow's, with its antialiasing.
    resizing
        ``shorter``: the shorter side becomes `resize`, the other is rounded down.  ``squash``: both
        sides become `resize`, whatever the aspect.  ``cover`` and ``fit``: the aspect is kept, the
        image covers the box or fits into it, both sides are rounded to the nearest number.
    rounding
        Of the crop's offset where the margin is odd: to ``even`` (torchvision, timm) or ``down``
        (transformers).
    fill
        Grey level or colour of padding.
    mode
        ``RGB``, or ``L`` for models of one channel.
    mean, std
        One number a channel, of intensities from 0 to 1.

    Raises
    ------
    UsageError
        For values that do not go together.
    """

    resize: int | tuple[int, int] | None = 256
    crop: tuple[int, int] | None = (224, 224)
    interpolation: Interpolation = "bilinear"
    resizing: Resizing = "shorter"
    rounding: CropRounding = "even"
    fill: int | tuple[int, ...] = 0
    mode: Mode = "RGB"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    def __post_init__(self) -> None:
        for value, choices in (
            (self.interpolation, get_args(Interpolation)),
            (self.resizing, get_args(Resizing)),
            (self.rounding, get_args(CropRounding)),
            (self.mode, get_args(Mode)),
        ):
            if value not in choices:
                raise UsageError(
                    f"Image preprocessing knows no {value!r}.", f"Use one of: {', '.join(choices)}."
                )
        if self.resize is not None and isinstance(self.resize, int) != (self.resizing == "shorter"):
            raise UsageError(
                f"A resize of {self.resize!r} does not go with {self.resizing!r}.",
                "Give one number for 'shorter', else (height, width).",
            )
        if len(self.mean) != self.channels or len(self.std) != self.channels or 0.0 in self.std:
            raise UsageError(
                f"mean {self.mean} and std {self.std} do not fit {self.channels} channel(s).",
                "Give one number a channel, and no std of 0.",
            )

    @property
    def channels(self) -> int:
        """Channels of the prepared array."""
        return 3 if self.mode == "RGB" else 1

    @property
    def shape(self) -> tuple[int, int, int] | None:
        """Shape of the prepared array; ``None`` when that depends on the image."""
        if self.crop is not None:
            return (*self.crop, self.channels)
        if isinstance(self.resize, tuple) and self.resizing == "squash":
            return (*self.resize, self.channels)
        return None

    @property
    def shared(self) -> str:
        """Canonical text of what `prepare` does; equal for whatever gives equal pixels."""
        parts = ["image", self.mode]
        if self.resize is not None:
            size = self.resize if isinstance(self.resize, int) else _size(self.resize)
            parts.append(f"resize={self.resizing}:{size}:{self.interpolation}")
        exact = self.resizing == "squash" and self.resize is not None
        if self.crop is not None and not (exact and self.crop == self.resize):
            parts.append(f"crop={_size(self.crop)}:{self.rounding}")
            if not self._always_covers:
                fill = self.fill if isinstance(self.fill, tuple) else (self.fill,) * self.channels
                parts.append("fill=" + ",".join(map(str, fill)))
        return " ".join(parts)

    @property
    def key(self) -> str:
        """Canonical text of everything between the image and the model's input."""
        mean, std = (",".join(repr(float(v)) for v in values) for values in (self.mean, self.std))
        return f"{self.shared} mean={mean} std={std}"

    def prepare(self, item: Image.Image) -> npt.NDArray[np.uint8]:
        """Convert, resize and crop an image: shape (height, width, channels)."""
        image = item if item.mode == self.mode else item.convert(self.mode)
        size = self._resized(image.height, image.width)
        if size != (image.height, image.width):
            # Resizing only what the crop keeps, by box or by one pass after the other, would save a
            # third of the time but not give Pillow's pixels: the box is held in float32, and which
            # pass comes first depends on the sizes and on Pillow's version.
            filter_ = Image.Resampling[self.interpolation.upper()]
            image = image.resize((size[1], size[0]), filter_)
        if self.crop is not None and self.crop != size:
            image = self._cropped(image, self.crop)
        array = np.asarray(image)
        return array if array.ndim == 3 else array[:, :, None]

    def normalise(
        self, batch: npt.NDArray[np.uint8], *, channels_last: bool = False
    ) -> npt.NDArray[np.float32]:
        """Turn prepared arrays (n, height, width, channels) into float32 (n, channels, h, w).

        ``(x / 255 - mean) / std`` in float32, step by step as evaluation transforms compute it, so
        bit for bit what they give.  With `channels_last` the shape stays as it is.
        """
        n, height, width, channels = batch.shape
        mean, std = (np.asarray(values, dtype=np.float32) for values in (self.mean, self.std))
        # Image by image, all three steps stay in the cache, which makes them three times as fast.
        if channels_last:
            rows = np.empty((n, height, width * channels), dtype=np.float32)
            mean, std = np.tile(mean, width), np.tile(std, width)
            for source, target in zip(batch.reshape(rows.shape), rows, strict=True):
                _affine(source, mean, std, target)
            return rows.reshape(batch.shape)
        out = np.empty((n, channels, height, width), dtype=np.float32)
        for source, target in zip(batch, out, strict=True):
            for channel in range(channels):
                _affine(source[..., channel], mean[channel], std[channel], target[channel])
        return out

    def _cropped(self, image: Image.Image, crop: tuple[int, int]) -> Image.Image:
        top, left = (
            self._offset(have - want)
            for have, want in zip((image.height, image.width), crop, strict=True)
        )
        if image.height >= crop[0] and image.width >= crop[1]:
            return image.crop((left, top, left + crop[1], top + crop[0]))
        canvas = Image.new(self.mode, (crop[1], crop[0]), self._fill)
        canvas.paste(image, (-left, -top))
        return canvas

    @property
    def _fill(self) -> int | tuple[int, ...]:
        if self.mode == "RGB":
            return self.fill if isinstance(self.fill, tuple) else (self.fill,) * 3
        return self.fill[0] if isinstance(self.fill, tuple) else self.fill

    @property
    def _always_covers(self) -> bool:
        """Whether no image is ever padded."""
        if self.crop is None or self.resize is None or self.resizing == "fit":
            return self.crop is None
        if isinstance(self.resize, int):
            return max(self.crop) <= self.resize
        return self.crop[0] <= self.resize[0] and self.crop[1] <= self.resize[1]

    def _offset(self, margin: int) -> int:
        """Where the crop begins; negative where so much is padded."""
        if self.rounding == "down":
            return margin // 2
        return round(margin / 2) if margin >= 0 else -(-margin // 2)

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) after the resize."""
        if self.resize is None:
            return height, width
        if isinstance(self.resize, int):
            longer = int(self.resize * max(height, width) / min(height, width))
            return (longer, self.resize) if width <= height else (self.resize, longer)
        if self.resizing == "squash":
            return self.resize
        ratios = (height / self.resize[0], width / self.resize[1])
        ratio = max(ratios) if self.resizing == "fit" else min(ratios)
        # A side of a very long image may round to nothing; one pixel is the least that can be.
        return max(round(height / ratio), 1), max(round(width / ratio), 1)


@dataclass(frozen=True, slots=True)
class TransformPreprocessing:
    """A transform that cannot be said in numbers; nothing of it is shared with other transforms.

    Attributes
    ----------
    transform
        Picklable callable from an RGB image to an array or tensor of one fixed shape.
    text
        What tells it from other transforms.
    """

    transform: Callable[[Any], Any]
    text: str

    @classmethod
    def of(cls, transform: Callable[[Any], Any]) -> TransformPreprocessing:
        """Wrap a transform; its text is its ``repr`` and a digest of its pickle.

        Raises
        ------
        UsageError
            When it cannot be pickled, so could not travel to the processes that decode.
        """
        try:
            state = pickle.dumps(transform, protocol=4)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise UsageError(
                f"The transform {_ADDRESS.sub('', repr(transform))} cannot be pickled ({error}).",
                "Define it at the top level of a module, without lambdas.",
            ) from error
        name = " ".join(_ADDRESS.sub("", repr(transform)).split())
        return cls(transform, f"transform {name} sha256={sha256_bytes(state)[:16]}")

    @property
    def shared(self) -> str:
        """Canonical text of what `prepare` does: everything."""
        return self.text

    @property
    def key(self) -> str:
        """As `shared`."""
        return self.text

    def prepare(self, item: Any) -> npt.NDArray[Any]:
        """Apply the transform."""
        return np.asarray(self.transform(item))


@dataclass(frozen=True, slots=True)
class TextPreprocessing:
    """Texts travel as they are; the model's own tokeniser, named in `detail`, does the rest."""

    detail: str = ""

    @property
    def shared(self) -> str:
        """``text``."""
        return "text"

    @property
    def key(self) -> str:
        """``text`` and what the model does with it."""
        return f"text {self.detail}".strip()

    def prepare(self, item: str) -> str:
        """Return the text."""
        return item


@dataclass(frozen=True, slots=True)
class IdPreprocessing:
    """The model is given the id of an item; the item itself is not even read."""

    key: str = "id"
    shared: str = "id"

    def prepare(self, item: Any) -> str:
        """Return the id."""
        return str(item)


@dataclass(frozen=True, slots=True)
class QuestionPreprocessing:
    """Questions travel as they are; the model's own tokeniser, named in `detail`, does the rest."""

    detail: str = ""

    @property
    def shared(self) -> str:
        """``question``."""
        return "question"

    @property
    def key(self) -> str:
        """``question`` and what the model does with it."""
        return f"question {self.detail}".strip()

    def prepare(self, item: Any) -> Any:
        """Return the question."""
        return item


@dataclass(frozen=True, slots=True)
class ArrayPreprocessing:
    """Arrays travel as they are; what the model does to them is said in `detail`."""

    detail: str = ""

    @property
    def shared(self) -> str:
        """``array``."""
        return "array"

    @property
    def key(self) -> str:
        """``array`` and what the model does with it."""
        return f"array {self.detail}".strip()

    def prepare(self, item: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the array."""
        return np.asarray(item)


def seen(preprocessing: Preprocessing, view: View) -> Preprocessing:
    """Change how much of an image a model sees; what is no image has one view.

    Parameters
    ----------
    view
        ``whole``: the image squashed to the size of the model's input.  ``centre``: resized to 8/7 of
        that size, by the shorter side, and the centre cropped.  ``weights``: as it is.

    Raises
    ------
    UsageError
        For images whose way is not said in numbers, or that are given in sizes of their own.
    """
    if view == "weights" or isinstance(preprocessing, _WITHOUT_VIEWS):
        return preprocessing
    if not isinstance(preprocessing, ImagePreprocessing) or preprocessing.shape is None:
        raise UsageError(
            f"There is no view {view!r} of images that are prepared by: {preprocessing.key}.",
            "Use the view 'weights'.",
        )
    height, width = preprocessing.shape[:2]
    if view == "whole":
        return replace(preprocessing, resize=(height, width), resizing="squash", crop=None)
    box = (int(height / _CENTRE), int(width / _CENTRE))
    if height == width:
        return replace(preprocessing, resize=box[0], resizing="shorter", crop=(height, width))
    return replace(preprocessing, resize=box, resizing="cover", crop=(height, width))


_WITHOUT_VIEWS = (TextPreprocessing, IdPreprocessing, QuestionPreprocessing, ArrayPreprocessing)
# Side of the crop by that of the image, as in the evaluation of Inception networks.
_CENTRE = 0.875


def _affine(
    source: npt.NDArray[np.uint8],
    mean: npt.NDArray[np.float32],
    std: npt.NDArray[np.float32],
    target: npt.NDArray[np.float32],
) -> None:
    np.divide(source, np.float32(255), out=target, dtype=np.float32)
    target -= mean
    target /= std


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
