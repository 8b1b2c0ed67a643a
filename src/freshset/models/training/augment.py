"""Random crops and flips of training images, on Pillow as torchvision does them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from freshset.models.training.recipe import Augmentation

# Crops are drawn anew so many times before the centre is taken; two numbers each, then the place of
# the crop, then the flip.
_TRIES = 10
DRAWS = 2 * _TRIES + 3


@dataclass(frozen=True, slots=True)
class Crop:
    """Part of an image, in pixels."""

    left: int
    top: int
    width: int
    height: int


def crop_of(
    augmentation: Augmentation, size: tuple[int, int], draws: npt.NDArray[np.float64]
) -> Crop:
    """Choose a part of an image as torchvision's ``RandomResizedCrop`` does.

    A share of the area is drawn uniformly, the logarithm of the ratio too; where no crop of ten fits
    into the image, its centre is taken, with the nearest ratio that is allowed (Szegedy and others
    (2015), "Going deeper with convolutions", arXiv 1409.4842).  A share of 1 to 1 takes the whole
    image, whatever its ratio.

    Parameters
    ----------
    size
        (width, height) of the image.
    draws
        Uniform numbers in [0, 1), shape (DRAWS,).
    """
    width, height = size
    if augmentation.scale == (1, 1):
        return Crop(0, 0, width, height)
    ratios = augmentation.ratio
    low, high = math.log(ratios[0]), math.log(ratios[1])
    least, most = augmentation.scale
    for k in range(_TRIES):
        area = width * height * (least + (most - least) * draws[2 * k])
        ratio = math.exp(low + (high - low) * draws[2 * k + 1])
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            top = int(draws[-3] * (height - h + 1))
            return Crop(int(draws[-2] * (width - w + 1)), top, w, h)
    w, h = width, height
    if width / height < ratios[0]:
        h = round(width / ratios[0])
    elif width / height > ratios[1]:
        w = round(height * ratios[1])
    return Crop((width - w) // 2, (height - h) // 2, w, h)


def augmented(
    image: Image.Image,
    augmentation: Augmentation,
    size: tuple[int, int],
    draws: npt.NDArray[np.float64],
) -> npt.NDArray[np.uint8]:
    """Crop, resize and perhaps flip an image.

    Parameters
    ----------
    size
        (height, width) of the result.
    draws
        Uniform numbers in [0, 1), shape (DRAWS,).

    Returns
    -------
    uint8, shape (height, width, channels)
    """
    crop = crop_of(augmentation, image.size, draws)
    box = (crop.left, crop.top, crop.left + crop.width, crop.top + crop.height)
    # Cropped first: Pillow's own box would let pixels from outside of the crop into its edges.
    made = image if box == (0, 0, *image.size) else image.crop(box)
    filter_ = Image.Resampling[augmentation.interpolation.upper()]
    made = made.resize((size[1], size[0]), filter_)
    if draws[-1] < augmentation.flip:
        made = made.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    array = np.asarray(made)
    return array if array.ndim == 3 else array[:, :, None]
