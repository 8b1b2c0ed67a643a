from __future__ import annotations

import pytest
import torch
from models.torch_checkpoints import seeded
from torch import nn

from freshset.core.errors import UsageError
from freshset.models.layers import Layers, classifier


class Maps(nn.Module):
    """Maps, then in place a ReLU, then what is asked for of them."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(5, 2)
        self.unused = nn.Identity()

    def forward(self, x):
        return self.fc(self.relu(self.conv(x)).mean(dim=(2, 3)))


@pytest.fixture
def maps():
    return seeded(Maps).eval()


X = torch.linspace(-1, 1, 4 * 3 * 6 * 7).reshape(4, 3, 6, 7)


def take(network, layer, pooling="mean", forward=None, n=4, **settings):
    layers = Layers(network, "py:net", classifier(network), **settings)
    with torch.inference_mode():
        return layers.take(forward or (lambda: network(X)), layer, pooling, n)


def test_the_penultimate_layer_is_what_the_classifier_is_given(maps):
    features = take(maps, "penultimate")
    assert features.shape == (4, 5)
    with torch.inference_mode():
        torch.testing.assert_close(maps.fc(features), maps(X))


def test_a_named_layer_is_taken_before_others_write_into_it(maps):
    want = maps.conv(X)
    assert (want < 0).any()
    torch.testing.assert_close(take(maps, "conv"), want.mean(dim=(2, 3)))
    torch.testing.assert_close(take(maps, "conv", "none"), want.flatten(1))


def test_unknown_unused_and_unfit_layers_are_refused(maps):
    with pytest.raises(UsageError, match=r"no layer 'cnov'.*'conv'"):
        take(maps, "cnov")
    with pytest.raises(UsageError, match="'unused' takes no part"):
        take(maps, "unused")
    with pytest.raises(UsageError, match=r"no first token.*mean or none"):
        take(maps, "conv", "first")
    with pytest.raises(UsageError, match="gives no row for each item"):
        take(maps, "conv", n=3)
    with pytest.raises(UsageError, match=r"no classifier, so no penultimate layer.*option layer"):
        take(nn.ReLU(), "penultimate")
