from __future__ import annotations

import pytest
import timm
import torch
import transformers
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


class Tokens(nn.Module):
    """Tokens in a tuple, as attention gives them; one module is called twice."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.act = nn.ReLU()
        self.head = nn.Conv2d(6, 2, 1)

    def forward(self, x):
        found, _ = self.attention(x, x, x)
        found = self.act(self.act(found) - 0.01)
        return self.head(found.mT[..., None]).mean(dim=(2, 3))


def test_tokens_are_averaged_taken_first_or_laid_side_by_side():
    network, x = seeded(Tokens).eval(), torch.linspace(-1, 1, 2 * 3 * 6).reshape(2, 3, 6)
    with torch.inference_mode():
        tokens = network.attention(x, x, x)[0]
    wanted = {"mean": tokens.mean(dim=1), "first": tokens[:, 0], "none": tokens.reshape(2, 18)}
    for pooling, want in wanted.items():
        found = take(network, "attention", pooling, lambda: network(x), 2)
        torch.testing.assert_close(found, want)
    # The last of two calls, and a classifier that is a convolution over all positions.
    last = network.act(network.act(tokens) - 0.01)
    torch.testing.assert_close(take(network, "act", "none", lambda: network(x), 2), last.flatten(1))
    found = take(network, "penultimate", forward=lambda: network(x), n=2)
    with torch.inference_mode():
        torch.testing.assert_close(network.head(found[..., None, None]).flatten(1), network(x))


def test_channels_may_come_last():
    network = nn.Sequential(nn.Identity())
    square, wide = torch.rand(2, 4, 4, 5), torch.rand(2, 3, 4, 5)
    found = take(network, "0", forward=lambda: network(square), n=2)
    torch.testing.assert_close(found, square.mean(dim=(1, 2)))
    network.output_fmt = "NHWC"
    found = take(network, "0", forward=lambda: network(wide), n=2)
    torch.testing.assert_close(found, wide.mean(dim=(1, 2)))


TWO_HEADS = {
    "one width": lambda: timm.models.deit.VisionTransformerDistilled(
        img_size=32, embed_dim=8, depth=1, num_heads=2, num_classes=3
    ),
    "two widths": lambda: timm.models.crossvit.CrossVit(
        img_size=48, embed_dim=(8, 16), num_heads=(2, 2), num_classes=3,
        depth=((1, 1, 1),), mlp_ratio=(1.0, 1.0, 1.0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TWO_HEADS)
def test_two_heads_are_given_what_timm_says(name):
    network = seeded(TWO_HEADS[name]).eval()
    x = torch.rand(2, 3, 32, 32) if name == "one width" else torch.rand(2, 3, 48, 48)
    assert len(classifier(network)) == 2
    with torch.inference_mode():
        want = network.forward_head(network.forward_features(x), pre_logits=True)
    found = take(network, "penultimate", forward=lambda: network(x), n=2)
    torch.testing.assert_close(found, want, rtol=0, atol=0)


def test_two_heads_of_transformers():
    config = transformers.DeiTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        image_size=32, num_labels=3,
    )  # fmt: skip
    network = seeded(lambda: transformers.DeiTForImageClassificationWithTeacher(config)).eval()
    head = ("cls_classifier", "distillation_classifier")
    assert classifier(network, 3) == head
    x = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        last = network.deit(x).last_hidden_state
    found = take(network, "penultimate", forward=lambda: network(x), n=2)
    torch.testing.assert_close(found, last[:, :2].mean(dim=1))


def test_two_heads_that_are_given_the_same():
    network = nn.Module()
    network.body, network.head, network.dist_head = (nn.Linear(3, n) for n in (2, 3, 3))
    assert classifier(network, 3) == ("head", "dist_head")


def test_the_classifier_is_the_last_layer_with_so_many_outputs():
    network = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 4), nn.ReLU(), nn.Conv2d(4, 4, 1))
    assert classifier(network, 5) == ("0",)
    assert classifier(network, 4) == classifier(network) == ("3",)
    assert classifier(network, 6) == ()
    assert classifier(timm.create_model("test_resnet", num_classes=0)) == ()
