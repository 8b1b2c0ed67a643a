from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from freshset.core.errors import UsageError
from freshset.models.base import ModelInfo, Runtime
from freshset.models.function_torch import TorchModel, trainable
from freshset.models.preprocessing import ArrayPreprocessing
from freshset.models.reference import ModelRef

INFO = ModelInfo(ModelRef("py", "net"), "py/1", ArrayPreprocessing(), "logits", input="array")
ROWS = np.linspace(-1, 1, 12).reshape(3, 4)


def net():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 6), nn.Linear(6, 7))


def test_the_head_may_be_said_or_is_the_last_linear_layer():
    network, inputs = net(), torch.from_numpy(ROWS).float()
    with torch.inference_mode():
        hidden = network[1](network[0](inputs))
        last = network[2](hidden)
    for head, want in (((), last), (("2",), hidden)):
        model = TorchModel(INFO, network, Runtime(device="cpu"), head)
        np.testing.assert_array_equal(model.features(ROWS, "penultimate", "mean"), want.numpy())
        np.testing.assert_array_equal(model.features(ROWS, "2", "mean"), last.numpy())


def test_a_head_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match=r"py:net: its head is said to be '9'.*no module"):
        TorchModel(INFO, net(), Runtime(device="cpu"), ("9",))


def test_training_starts_with_the_weights_or_without():
    made = trainable(INFO, net(), (), 9, "pretrained")
    assert torch.equal(made.network[0].weight, net()[0].weight)
    assert (made.head, made.info.n_outputs) == (("3",), 9)
    assert made.network(torch.zeros(2, 4)).shape == (2, 9)
    other = trainable(INFO, net().double(), (), 9, "random").network
    assert not torch.equal(other[0].weight, net()[0].weight)
    assert other[0].weight.dtype == torch.float32
