"""A convolutional net of 2,266 weights, trained on the bundled digits in about a second.

It is saved as safetensors, as ONNX and as factories in a Python file, so that one and the same net
runs through several adapters.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_digits

TRAINED_ON = 1200
MEAN, STD = 0.3, 0.35

FACTORIES = '''
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from freshset.models.preprocessing import ImagePreprocessing

HERE = Path(__file__).parent
PREPROCESSING = ImagePreprocessing(
    resize=(8, 8), crop=None, resizing="squash", mode="L", mean=(0.3,), std=(0.35,)
)


def build():
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(8, 16, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(64, 10),
    )
    net.load_state_dict(load_file(HERE / "digits.safetensors"))
    return net


def transform(image):
    """As torchvision's ToTensor and Normalize."""
    pixels = torch.from_numpy(np.array(image.convert("L"), dtype=np.float32))[None]
    return (pixels / 255 - 0.3) / 0.35


def net():
    return build(), transform


net.weights = "digits.safetensors"
net.classes = [str(digit) for digit in range(10)]


def plain():
    """Numpy in, numpy out: nothing shows that there is torch inside."""
    inner = build().eval()

    def call(batch):
        with torch.inference_mode():
            return inner(torch.from_numpy(batch)).numpy()

    return call


plain.preprocessing = PREPROCESSING
plain.weights = ["digits.safetensors"]
plain.classes = [str(digit) for digit in range(10)]
'''


@dataclass(frozen=True, slots=True)
class DigitsNet:
    """The files of one net.

    Attributes
    ----------
    folder
        Has ``digits.safetensors``, ``digits.onnx`` with ``digits.json``, and ``digits.py``.
    images, labels
        Items that it was not trained on: RGB images of 8 x 8 pixels.
    scores
        What torch gives for them, float32 of shape (items, 10).
    """

    folder: Path
    images: list[Image.Image]
    labels: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]


def make_digits_net(folder: Path) -> DigitsNet:
    """Train the net and save it in all its forms."""
    digits = load_digits()
    pixels = np.round(digits.images / 16 * 255).astype(np.uint8)
    inputs = torch.from_numpy((pixels.astype(np.float32)[:, None] / 255 - MEAN) / STD)
    labels = torch.from_numpy(digits.target.astype(np.int64))
    net = _train(inputs[:TRAINED_ON], labels[:TRAINED_ON]).eval()
    save_file(net.state_dict(), folder / "digits.safetensors")
    (folder / "digits.py").write_text(FACTORIES, encoding="utf-8")
    export(net, folder / "digits.onnx")
    (folder / "digits.json").write_text(
        '{"size": "8x8", "mean": 0.3, "std": 0.35, '
        '"classes": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]}',
        encoding="utf-8",
    )
    with torch.inference_mode():
        scores = net(inputs[TRAINED_ON:]).numpy()
    images = [Image.fromarray(one).convert("RGB") for one in pixels[TRAINED_ON:]]
    return DigitsNet(folder, images, digits.target[TRAINED_ON:], scores)


def export(
    net: torch.nn.Module, path: Path, *, shape: tuple[int, ...] = (1, 8, 8), batch: int = 0
) -> None:
    """Write a net as one ONNX file, for any number of items or for batches of one size."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the old exporter takes no seconds
        torch.onnx.export(
            net.eval(),
            (torch.zeros(batch or 1, *shape),),
            str(path),
            input_names=["input"],
            output_names=["scores"],
            dynamic_axes=None if batch else {"input": {0: "n"}, "scores": {0: "n"}},
            dynamo=False,
        )


def _train(inputs: torch.Tensor, labels: torch.Tensor) -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = torch.nn.Sequential(
            torch.nn.Conv2d(1, 8, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Conv2d(8, 16, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Flatten(),
            torch.nn.Linear(64, 10),
        )
        optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
        for _ in range(15):
            for rows in torch.randperm(len(inputs)).split(100):
                optimiser.zero_grad()
                torch.nn.functional.cross_entropy(net(inputs[rows]), labels[rows]).backward()
                optimiser.step()
    return net


_MADE: dict[str, DigitsNet] = {}


def shared_digits_net(folder: Path) -> DigitsNet:
    """Make the net once a session, in the folder of whoever needs it first; change nothing there."""
    if "net" not in _MADE:
        _MADE["net"] = make_digits_net(folder)
    return _MADE["net"]
