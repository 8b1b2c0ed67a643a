"""Two models that are plain Python, for references such as py:./callables.py:resnet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from safetensors import safe_open

from freshset.models.preprocessing import ImagePreprocessing

HERE = Path(__file__).parent
CLASSES = [str(digit) for digit in range(10)]

Floats = npt.NDArray[np.float32]


def to_input(image: Image.Image) -> Floats:
    """One image as the net wants it; runs in the processes that read."""
    image = image.convert("RGB").resize((16, 16), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.float32).transpose(2, 0, 1) / 255
    return (pixels - 0.5) / 0.5


def resnet() -> tuple[object, Callable[[Image.Image], Floats]]:
    """A torch module, and the transform of one image."""
    import timm
    from safetensors.torch import load_file

    net = timm.create_model("test_resnet", num_classes=10)
    net.load_state_dict(load_file(HERE / resnet.weights))
    return net, to_input


resnet.weights = "models/resnet/model.safetensors"
resnet.classes = CLASSES


def nearest_mean() -> Callable[[Floats], Floats]:
    """Numpy alone: how near an image is to the mean image of each class."""
    with safe_open(HERE / nearest_mean.weights, framework="np") as file:
        means = file.get_tensor("means")

    def scores(batch: Floats) -> Floats:
        features = 16 * batch.reshape(len(batch), 1, 64)
        return -((features - means) ** 2).sum(axis=2)

    return scores


nearest_mean.weights = "models/means.safetensors"
nearest_mean.classes = CLASSES
nearest_mean.outputs = "scores"
nearest_mean.preprocessing = ImagePreprocessing(
    resize=(8, 8), crop=None, resizing="squash", mode="L", mean=(0.0,), std=(1.0,)
)
