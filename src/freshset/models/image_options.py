"""The way of an image as options of a reference: ``?resize=256&crop=224&mean=0.5&std=0.5``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from freshset.core.errors import UsageError
from freshset.models.preprocessing import ImagePreprocessing, Mode

IMAGE_OPTIONS = ("size", "resize", "crop", "resizing", "interpolation", "rounding", "mean", "std")
_SIZE = re.compile(r"(\d+)x(\d+)")


def image_preprocessing(options: Mapping[str, Any], mode: Mode, where: str) -> ImagePreprocessing:
    """Make the preprocessing of options, all of which have the values of `ImagePreprocessing`.

    Parameters
    ----------
    options
        ``size`` (``8x8``, height x width, or ``8`` for a square) squashes the image to one size,
        whatever its aspect; ``resize`` (``256`` for the shorter side, ``256x256`` for both) and
        ``crop`` (``224`` or ``224x224``, from the centre) do it in two steps, of which either may be
        left out.  ``resizing``, ``interpolation`` (``bilinear`` by default) and ``rounding`` are as
        in `ImagePreprocessing`.  ``mean`` and ``std`` are one number or one a channel, of
        intensities from 0 to 1; by default 0 and 1.
    mode
        Channels of the model.
    where
        Whose options they are, for messages.

    Raises
    ------
    UsageError
        When they cannot be meant, or leave the size open.
    """
    given = {name: options[name] for name in IMAGE_OPTIONS if options.get(name) is not None}
    if "size" in given:
        others = sorted(given.keys() & {"resize", "crop", "resizing"})
        if others:
            raise UsageError(f"{where}: size is given, and so is {others[0]}.", "Give one of them.")
        given |= {"resize": _box(given.pop("size"), "size", where), "resizing": "squash"}
    channels = 3 if mode == "RGB" else 1
    resize = given.get("resize")
    if resize is not None and (type(resize) is not int or resize < 1):
        given["resize"] = _box(resize, "resize", where)
        given.setdefault("resizing", "squash")
    given.setdefault("resize", None)
    given["crop"] = _box(given["crop"], "crop", where) if "crop" in given else None
    for name, default in (("mean", 0.0), ("std", 1.0)):
        given[name] = _numbers(given.get(name, default), channels, name, where)
    try:
        made = ImagePreprocessing(mode=mode, **given)
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", error.hint) from error
    if made.shape is None:
        raise UsageError(
            f"{where}: the size that images must get is not given.",
            "Say ?size=224x224, or ?resize=256&crop=224.",
        )
    return made


def _box(value: Any, name: str, where: str) -> tuple[int, int]:
    """(height, width) of ``224``, ``"224x224"`` or ``[224, 224]``."""
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    pair = [int(part) for part in found.groups()] if found else value
    pair = [pair, pair] if isinstance(pair, int) else pair
    whole = isinstance(pair, list | tuple) and all(type(side) is int and side > 0 for side in pair)
    if not whole or len(pair) != 2:
        raise UsageError(
            f"{where}: {name} is {value!r}, which is no size.", "Write height x width: 224x224."
        )
    return (pair[0], pair[1])


def _numbers(value: Any, channels: int, name: str, where: str) -> tuple[float, ...]:
    values = list(value) if isinstance(value, list | tuple) else [value] * channels
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in values):
        raise UsageError(
            f"{where}: {name} is {value!r}.",
            "Give one number, or one a channel: 0.485,0.456,0.406.",
        )
    return tuple(float(one) for one in values)
