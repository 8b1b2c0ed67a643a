from __future__ import annotations

import pytest
import torch
from torch import nn

from freshset.core.errors import DataError, UsageError
from freshset.models.trainable import grafted, head_of, renew_head, reset_all, seeded


def net(classes=3):
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, classes))


def made(seed, classes=3):
    with seeded(seed):
        return net(classes)


def test_a_seed_gives_one_network_and_leaves_the_generator_alone():
    before = torch.random.get_rng_state()
    first, again, other = made(1), made(1), made(2)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first[0].weight, again[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)


def test_all_but_the_head_comes_from_the_trained_network():
    trained, fresh, alone = made(1), made(2, 7), made(2, 7)
    trained[1].running_mean += 1
    out = grafted(fresh, trained, ["2"], "py:net")
    assert torch.equal(out[0].weight, trained[0].weight)
    assert torch.equal(out[1].running_mean, trained[1].running_mean)
    assert torch.equal(out[2].weight, alone[2].weight)
    with pytest.raises(DataError, match=r"py:net.*another network"):
        grafted(net(), nn.Sequential(nn.Linear(4, 5)), ["2"], "py:net")
    with pytest.raises(DataError, match="do not fit"):
        grafted(net(4), net(3), [], "py:net")


def test_classifiers_are_replaced_by_their_like():
    network = nn.Sequential(nn.Conv2d(2, 3, 1, bias=False), nn.Linear(4, 5))
    renew_head(network, ["0", "1"], 9, "py:net")
    assert (network[0].out_channels, network[0].bias) == (9, None)
    assert network[1].out_features == 9
    with pytest.raises(UsageError, match="no classifier that could be replaced"):
        head_of(nn.ReLU(), 9, "py:net")
    assert head_of(network, 9, "py:net") == ("1",)
    with pytest.raises(UsageError, match="'0' is a ReLU"):
        renew_head(nn.Sequential(nn.ReLU()), ["0"], 9, "py:net")


def test_all_weights_are_initialised_anew():
    network = nn.Sequential(net(), nn.MultiheadAttention(4, 2))
    with torch.no_grad():
        for value in network.parameters():
            value.fill_(7.0)
    network[0][1].running_mean += 3
    with seeded(4):
        reset_all(network, "py:net")
    assert not any((value == 7.0).any() for value in network.parameters())
    assert (network[0][1].running_mean == 0).all()


def test_a_module_that_cannot_be_initialised_is_named():
    class Token(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Parameter(torch.zeros(3))

    network = nn.Sequential(nn.Linear(2, 2), Token())
    kept = network[0].weight.clone()
    with pytest.raises(UsageError, match=r"'1' cannot be initialised anew.*reset_parameters"):
        reset_all(network, "py:net")
    assert torch.equal(network[0].weight, kept)
