"""Image processors of transformers as numbers, where they do exactly what those say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import transformers
from PIL import Image

from freshset.core.errors import DataError, UsageError
from freshset.models.base import Preprocessing
from freshset.models.huggingface_source import Source, quiet
from freshset.models.preprocessing import ImagePreprocessing, TransformPreprocessing

# Where transformers may have saved an image processor.
_FILES = ("preprocessor_config.json", "processor_config.json")
# (width, height): wide, tall, smaller than most crops, and odd in both directions.
_PROBES = ((97, 61), (53, 131), (11, 9), (301, 299))
# A pixel that differs by one level differs by more than this after normalisation.
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class ProcessorTransform:
    """An image processor as a function of one image."""

    processor: Any

    def __call__(self, image: Image.Image) -> npt.NDArray[np.float32]:
        """Return float32 of shape (channels, height, width)."""
        out = self.processor(images=image, return_tensors="np")["pixel_values"][0]
        return np.asarray(out, dtype=np.float32)

    def __repr__(self) -> str:
        return str(self.processor.to_json_string())


def image_preprocessing(source: Source) -> Preprocessing:
    """Return the way of an image that the folder's processor describes.

    The processor works on PIL images (transformers' own default on tensors resizes otherwise).
    Whether the numbers are all there is to it is tried out on images of awkward sizes; a processor
    that does anything else is kept as it is, and shares nothing with other models.

    Raises
    ------
    DataError
        When there is none that transformers can load.
    """
    files = [source.folder / name for name in _FILES]
    content = tuple(path.read_text(encoding="utf-8") for path in files if path.is_file())
    return _preprocessing(str(source.folder), content)


@lru_cache(maxsize=256)
def _preprocessing(folder: str, content: tuple[str, ...]) -> Preprocessing:  # noqa: ARG001 - tells versions
    newer = int(transformers.__version__.partition(".")[0]) >= 5
    kind = {"backend": "pil"} if newer else {"use_fast": False}
    try:
        with quiet():
            processor = transformers.AutoImageProcessor.from_pretrained(
                folder, local_files_only=True, **kind
            )
    except Exception as error:
        raise DataError(
            f"{folder}: transformers cannot load the image processor "
            f"({(str(error).splitlines() or [''])[0][:200]}).",
            "Save it beside the model.",
        ) from error
    exact = ProcessorTransform(processor)
    said = _as_numbers(processor)
    if said is not None and _agree(said, exact):
        return said
    return TransformPreprocessing.of(exact)


def _as_numbers(processor: Any) -> ImagePreprocessing | None:
    """Read a processor's settings; ``None`` for what they leave open."""
    try:
        mean, std = _normalisation(processor)
        geometry = _geometry(processor)
        return ImagePreprocessing(**geometry, rounding="down", mean=mean, std=std)
    except (UsageError, AttributeError, KeyError, TypeError, ValueError):
        return None


def _geometry(processor: Any) -> dict[str, Any]:
    size = dict(processor.size or {})
    crop: tuple[int, int] | None = None
    resize: int | tuple[int, int] | None = None
    if processor.do_resize:
        if size.get("shortest_edge") is None:
            resize = (int(size["height"]), int(size["width"]))
        else:
            resize = int(size["shortest_edge"])
            if getattr(processor, "crop_pct", None) is not None:
                # ConvNeXT: small inputs are resized to more and cropped, large ones squashed.
                crop = (resize, resize) if resize < 384 else None
                resize = int(resize / processor.crop_pct) if crop else (resize, resize)
    if getattr(processor, "do_center_crop", None):
        box = dict(processor.crop_size)
        crop = (int(box["height"]), int(box["width"]))
    resample = getattr(processor, "resample", None)
    return {
        "resize": resize,
        "crop": crop,
        "resizing": "squash" if isinstance(resize, tuple) else "shorter",
        "interpolation": Image.Resampling(2 if resample is None else int(resample)).name.lower(),
    }


def _normalisation(processor: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std of intensities from 0 to 1, whatever range the processor works in."""
    scale = 255 * processor.rescale_factor if processor.do_rescale else 255.0
    offset = 1.0 if getattr(processor, "rescale_offset", False) else 0.0
    if processor.do_normalize:
        mean, std = _triple(processor.image_mean), _triple(processor.image_std)
    else:
        mean, std = (0.0,) * 3, (1.0,) * 3
    # EfficientNet divides by the std a second time.
    again = std if getattr(processor, "include_top", False) else (1.0,) * 3
    return (
        tuple((offset + m) / scale for m in mean),
        tuple(s * t / scale for s, t in zip(std, again, strict=True)),
    )


def _triple(values: Any) -> tuple[float, ...]:
    numbers = values if isinstance(values, list | tuple) else [values] * 3
    return tuple(float(value) for value in numbers)


def _agree(said: ImagePreprocessing, exact: ProcessorTransform) -> bool:
    rng = np.random.default_rng(0)
    for width, height in _PROBES:
        image = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        try:
            wanted = exact(image)
        except Exception:  # it cannot take such images, so nothing is known of them
            return False
        ours = said.normalise(said.prepare(image)[None])[0]
        if ours.shape != wanted.shape or not np.allclose(ours, wanted, atol=_TOLERANCE):
            return False
    return True
