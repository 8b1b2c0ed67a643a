from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from freshset.core.errors import UsageError
from freshset.models.image_options import image_preprocessing
from freshset.models.preprocessing import ImagePreprocessing
from freshset.models.reference import ModelRef


def options(query: str) -> dict[str, Any]:
    return dict(ModelRef.parse(f"onnx:m?{query}").options)


@pytest.mark.parametrize(
    ("query", "made"),
    [
        (
            "resize=256&crop=224&mean=0.485,0.456,0.406&std=0.229,0.224,0.225&interpolation=bicubic",
            ImagePreprocessing(interpolation="bicubic"),
        ),
        (
            "size=8x9",
            ImagePreprocessing((8, 9), None, resizing="squash", mean=(0,) * 3, std=(1,) * 3),
        ),
        (
            "size=8&mean=0.5&std=0.25",
            ImagePreprocessing((8, 8), None, resizing="squash", mean=(0.5,) * 3, std=(0.25,) * 3),
        ),
        (
            "resize=30x20&crop=10&resizing=cover&rounding=down",
            ImagePreprocessing(
                (30, 20), (10, 10), resizing="cover", rounding="down", mean=(0,) * 3, std=(1,) * 3
            ),
        ),
        (
            "resize=30x20",
            ImagePreprocessing((30, 20), None, resizing="squash", mean=(0,) * 3, std=(1,) * 3),
        ),
        ("crop=10x12", ImagePreprocessing(None, (10, 12), mean=(0,) * 3, std=(1,) * 3)),
    ],
)
def test_options_are_those_of_the_preprocessing(query: str, made: ImagePreprocessing) -> None:
    found = image_preprocessing(options(query), "RGB", "here")
    assert found == made
    assert found.key == made.key


def test_values_may_come_from_json_and_other_options_are_left_alone() -> None:
    table = {"size": [8, 9], "mean": [0.5], "std": 2, "classes": ["a"], "crop": None}
    found = image_preprocessing(table, "L", "here")
    assert (found.resize, found.mean, found.std) == ((8, 9), (0.5,), (2.0,))
    assert found.prepare(Image.new("RGB", (3, 4))).shape == (8, 9, 1)
    assert found.prepare(Image.new("RGB", (3, 4))).dtype == np.uint8


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("size=8&crop=8", "size is given, and so is crop"),
        ("size=8x", "size is '8x', which is no size"),
        ("size=0", "size is 0, which is no size"),
        ("size=8x8x8", "which is no size"),
        ("size=True", "size is True, which is no size"),
        ("resize=-3", "which is no size"),
        ("crop=2.5", "crop is 2.5, which is no size"),
        ("resize=256", "size that images must get is not given"),
        ("mean=0&std=1", "size that images must get is not given"),
        ("size=8&mean=abc", "mean is 'abc'"),
        ("size=8&mean=1,2", "do not fit 3 channel"),
        ("size=8&std=0", "no std of 0"),
        ("size=8&interpolation=cubic", "knows no 'cubic'"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(query: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"^here: .*{message}"):
        image_preprocessing(options(query), "RGB", "here")
