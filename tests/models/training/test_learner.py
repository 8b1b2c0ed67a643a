from __future__ import annotations

import numpy as np
import pytest
import torch
from models.training.pictures import CLASSES, SIZE
from models.training.small import Hungry, network, recipe, trainable, weights
from torch import nn

from freshset.models.preprocessing import ArrayPreprocessing, ImagePreprocessing
from freshset.models.training.draws import network_seed
from freshset.models.training.learner import Learner
from freshset.models.training.recipe import Execution
from freshset.models.training.schedule import rate_at
from freshset.models.training.settings import training_settings

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
BATCHES = RNG.integers(0, 256, (4, 8, SIZE, SIZE, 3), dtype=np.uint8)
TARGETS = RNG.integers(0, CLASSES, (4, 8))
IMAGES = ImagePreprocessing(SIZE, (SIZE, SIZE))


@pytest.fixture(autouse=True)
def settings():
    from models.training.small import CPU as RUNTIME

    with training_settings(CPU, RUNTIME):
        yield


def learner(made=None, execution=None, **changes):
    return Learner(trainable(made), recipe(**changes), execution or Execution(), CPU)


def learn(one, targets=TARGETS, ignored=None, steps=4):
    for step in range(steps):
        mask = None if ignored is None else ignored[step]
        loss = one.update(step, BATCHES[step], targets[step], mask)
    return float(loss)


def the_same(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def close(one, other, **tolerance):
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], err_msg=name, **tolerance)


@pytest.mark.parametrize("nesterov", [True, False])
def test_weights_are_those_of_a_bare_loop_and_the_same_every_time(nesterov):
    made = network()
    loss = learn(learner(made, nesterov=nesterov, norm_momentum=0.05))

    bare = network().to(memory_format=torch.channels_last).train()
    bare[1].momentum = 0.05
    how = recipe(nesterov=nesterov)
    optimiser = torch.optim.SGD(
        bare.parameters(), 0.1, momentum=0.9, nesterov=nesterov, weight_decay=how.decay
    )
    for step in range(4):
        torch.manual_seed(network_seed(how.seed, step, 0))
        images = torch.from_numpy(IMAGES.normalise(BATCHES[step]))
        images = images.to(memory_format=torch.channels_last)
        wanted = nn.functional.cross_entropy(bare(images), torch.from_numpy(TARGETS[step]))
        optimiser.zero_grad()
        wanted.backward()
        optimiser.param_groups[0]["lr"] = rate_at(how, step)
        optimiser.step()
    close(weights(made), weights(bare), rtol=2e-5, atol=1e-6)
    assert loss == pytest.approx(wanted.item(), rel=1e-5)
    again = network()
    learn(learner(again, nesterov=nesterov, norm_momentum=0.05))
    the_same(weights(made), weights(again))


def test_parts_of_a_batch_add_up_to_it():
    whole, parts = network(norm=False, dropout=0), network(norm=False, dropout=0)
    loss = learn(learner(whole))
    assert learn(learner(parts, Execution(micro_batch=3))) == pytest.approx(loss, rel=1e-5)
    close(weights(parts), weights(whole), rtol=1e-4, atol=1e-6)


def test_running_statistics_forget_as_much_in_a_step_whatever_its_parts():
    made = network()
    learner(made, Execution(micro_batch=2), norm_momentum=0.1).update(
        0, BATCHES[0], TARGETS[0], None
    )
    assert 1 - (1 - made[1].momentum) ** 4 == pytest.approx(0.1)
    untouched = network()
    untouched[1].momentum = 0.3
    learner(untouched).update(0, BATCHES[0], TARGETS[0], None)
    assert untouched[1].momentum == pytest.approx(0.3)


def test_full_memory_halves_the_parts_and_leaves_no_trace():
    hungry = Hungry(network(), fits=2)
    one = Learner(trainable_of(hungry), recipe(), Execution(), CPU)
    learn(one)
    assert one.micro_batch == 2
    assert hungry.seen[:4] == [8, 4, 2, 2]
    # As if the parts had been that small from the start.
    plenty = Hungry(network(), fits=100)
    learn(Learner(trainable_of(plenty), recipe(), Execution(micro_batch=2), CPU))
    the_same(weights(hungry), weights(plenty))


def trainable_of(hungry):
    made = trainable(hungry)
    return type(made)(hungry, ("inner.8",), made.info)


def test_full_memory_is_met_when_it_judges_too():
    hungry = Hungry(network(), fits=3)
    one = Learner(trainable_of(hungry), recipe(), Execution(), CPU)
    found = one.logits(BATCHES)
    assert max(hungry.seen[2:]) == 2
    with torch.inference_mode():
        inner = hungry.inner.eval()
        images = torch.from_numpy(IMAGES.normalise(BATCHES.reshape(-1, SIZE, SIZE, 3)))
        np.testing.assert_allclose(found, inner(images).numpy(), atol=1e-5)
    assert one.micro_batch == 8


def test_one_item_that_is_too_many_and_other_errors_are_raised():
    hungry = Learner(trainable_of(Hungry(network(norm=False), 0)), recipe(), Execution(), CPU)
    with pytest.raises(torch.OutOfMemoryError):
        learn(hungry)
    with pytest.raises(torch.OutOfMemoryError):
        hungry.logits(BATCHES)
    broken = Learner(
        trainable(nn.Sequential(nn.Flatten(), nn.Linear(5, 3))), recipe(), Execution(), CPU
    )
    with pytest.raises(RuntimeError, match="shapes"):
        learn(broken)


def test_decisions_are_learned_one_by_one_and_ignored_ones_not_at_all():
    shown = RNG.random((4, 8, CLASSES)) < 0.4
    ignored = RNG.random((4, 8, CLASSES)) < 0.3
    made = network(dropout=0)
    with torch.no_grad():
        bare = network(dropout=0)
        images = torch.from_numpy(IMAGES.normalise(BATCHES[0])).to(
            memory_format=torch.channels_last
        )
        p = torch.sigmoid(bare(images)).double().numpy()
    each = -np.where(shown[0], np.log(p), np.log(1 - p)) * ~ignored[0]
    loss = learn(learner(made), shown, ignored, steps=1)
    assert loss == pytest.approx(each.sum() / 8, rel=1e-5)
    # What is ignored may say anything.
    other = network(dropout=0)
    learn(learner(other), shown ^ ignored, ignored)
    made = network(dropout=0)
    learn(learner(made), shown, ignored)
    the_same(weights(made), weights(other))


def test_going_on_from_a_state_changes_nothing():
    straight = network()
    learn(learner(straight))
    first = learner(network(), Execution(micro_batch=4))
    learn(learner(network()), steps=2)
    begun = learner(network())
    learn(begun, steps=2)
    tensors, values = begun.state()
    made = network()
    after = learner(made)
    learn(after, TARGETS[::-1])
    after.restore(tensors, values)
    for step in (2, 3):
        after.update(step, BATCHES[step], TARGETS[step], None)
    the_same(weights(made), weights(straight))
    first.restore(*first.state())
    assert first.micro_batch == 4


@pytest.mark.parametrize("precision", ["fp16", "bf16", "tf32"])
def test_lower_precisions_learn_much_the_same(precision):
    full, lower = network(dropout=0), network(dropout=0)
    learn(learner(full))
    one = learner(lower, precision=precision)
    learn(one)
    assert all(value.dtype == np.float32 for value in weights(lower).values() if value.ndim)
    close(weights(lower), weights(full), atol=0.03)
    if precision == "fp16":
        again = learner(network(dropout=0), precision=precision)
        again.restore(*one.state())
        assert again.state()[1]["scaler"] == one.state()[1]["scaler"] != {}
    elif precision == "bf16":
        assert any((v != weights(full)[n]).any() for n, v in weights(lower).items())


def test_a_digest_is_that_of_the_weights():
    one, other = learner(network()), learner(network(), Execution(channels_last=False))
    assert one.digest() == other.digest()
    other.update(0, BATCHES[0], TARGETS[0], None)
    assert one.digest() != other.digest()


def test_features_are_what_the_head_is_given():
    made = network()
    one = learner(made)
    features, logits = one.features(BATCHES[:1]), one.logits(BATCHES[:1])
    weight, bias = (p.detach().numpy() for p in (made[-1].weight, made[-1].bias))
    np.testing.assert_allclose(features @ weight.T + bias, logits, atol=1e-5)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_arrays_go_in_in_single_precision(kind):
    made = nn.Sequential(nn.Linear(5, CLASSES))
    one = Learner(trainable(made, ArrayPreprocessing()), recipe(), Execution(), CPU)
    arrays = RNG.normal(size=(6, 5)).astype(np.float32).astype(kind)
    arrays.flags.writeable = False
    wanted = made(torch.from_numpy(arrays.astype(np.float32))).detach().numpy()
    np.testing.assert_allclose(one.logits([arrays]), wanted, rtol=1e-6)
    assert np.isfinite(float(one.update(0, arrays, np.arange(6) % CLASSES, None)))


def test_without_momentum():
    made, bare = (
        network(dropout=0),
        network(dropout=0).to(memory_format=torch.channels_last).train(),
    )
    one = learner(made, momentum=0.0, decay=0.0, schedule="constant")
    learn(one, steps=1)
    images = torch.from_numpy(IMAGES.normalise(BATCHES[0])).to(memory_format=torch.channels_last)
    nn.functional.cross_entropy(bare(images), torch.from_numpy(TARGETS[0])).backward()
    for parameter, mine in zip(bare.parameters(), made.parameters(), strict=True):
        torch.testing.assert_close(mine, parameter - 0.1 * parameter.grad)
    tensors, _ = one.state()
    assert not any(name.startswith("momentum") for name in tensors)
