"""Features of VGG-16 as the search for near-duplicates of ImageNetV2 used them: fc7 of raw pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torchvision

from freshset.core.errors import DataError, UsageError
from freshset.models.torch_runtime import versions
from freshset.models.weights import fill, load_state_dict

SIDE = 224
DIMENSION = 4096


class VggFeatures:
    """The second fully connected layer of VGG-16 after its ReLU, on pixels from 0 to 255.

    Mean and deviation are not taken off: thresholds of squared distances, such as the 1.32e4 of
    ImageNetV2, are of such features.

    Parameters
    ----------
    weights
        File with a state dict of torchvision's ``vgg16``.
    device
        Of torch; the GPU when there is one.
    """

    def __init__(self, weights: Path | str, device: str = "") -> None:
        path = Path(weights)
        if not path.is_file():
            raise UsageError(
                f"{path}: no such file.", "Give the state dict of torchvision's vgg16."
            )
        network = torchvision.models.get_model("vgg16", weights=None)
        fill(network, load_state_dict(path), str(path))
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._device = torch.device(device)
        self._network = network.eval().to(self._device)
        self.versions = versions()

    def __call__(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Features of images.

        Parameters
        ----------
        images
            Shape (n, 224, 224, 3).

        Returns
        -------
        Float32, shape (n, 4096).
        """
        if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE, 3):
            raise DataError(f"VGG-16 takes 224 x 224 pixels of 8 bits, not {images.shape}.")
        net = self._network
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(images)).to(self._device)
            hidden = net.avgpool(net.features(batch.permute(0, 3, 1, 2).float()))
            # The first five of the classifier's seven: fc6, ReLU, dropout, fc7, ReLU.
            features = net.classifier[:5](hidden.reshape(len(images), -1))
            return np.asarray(features.float().cpu().numpy(), dtype=np.float32)
