from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from freshset.core.errors import DataError, UsageError
from freshset.models.vgg_features import VggFeatures


class Small(nn.Module):
    """VGG-16's shape with few weights, which nobody has trained."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 2, 5, stride=16), nn.ReLU())
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(98, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 16), nn.ReLU(), nn.Dropout(),
            nn.Linear(16, 4),
        )  # fmt: skip


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.manual_seed(3)
    network = Small()
    torch.save(network.state_dict(), tmp_path / "vgg.pt")

    def get_model(name: str, *, weights: object) -> nn.Module:
        assert (name, weights) == ("vgg16", None)
        return Small()

    monkeypatch.setattr(torchvision.models, "get_model", get_model)
    return tmp_path / "vgg.pt"


def test_features_are_the_second_hidden_layer_of_raw_pixels(
    weights: Path, rng: np.random.Generator
) -> None:
    images = rng.integers(0, 256, (3, 224, 224, 3), np.uint8)
    features = VggFeatures(weights, "cpu")(images)
    network = Small()
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.eval()
    with torch.inference_mode():
        raw = torch.from_numpy(images).permute(0, 3, 1, 2).float()
        hidden = network.avgpool(network.features(raw)).flatten(1)
        first = torch.relu(network.classifier[0](hidden))
        second = torch.relu(network.classifier[3](first))
    assert features.dtype == np.float32
    assert np.allclose(features, second.numpy(), rtol=1e-5)
    assert (features >= 0).all()


def test_the_real_network_has_the_layers_that_are_taken() -> None:
    with torch.device("meta"):
        classifier = torchvision.models.vgg16(weights=None).classifier
    assert [type(layer).__name__ for layer in classifier[:5]] == [
        "Linear", "ReLU", "Dropout", "Linear", "ReLU",
    ]  # fmt: skip
    assert classifier[3].out_features == 4096


def test_bad_input(weights: Path) -> None:
    network = VggFeatures(weights, "cpu")
    with pytest.raises(DataError, match="224 x 224 pixels"):
        network(np.zeros((1, 32, 32, 3), np.uint8))
    with pytest.raises(UsageError, match="no such file"):
        VggFeatures("none.pt")
