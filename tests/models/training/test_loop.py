from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from models.training.pictures import CLASSES, Colours, Items, Vectors, items
from models.training.small import CPU, Hungry, data, network, recipe, trainable
from torch import nn

from freshset.core.errors import DataError, UsageError
from freshset.models.base import Runtime
from freshset.models.preprocessing import ArrayPreprocessing, TextPreprocessing
from freshset.models.training.data import TrainingData
from freshset.models.training.loop import train
from freshset.models.training.recipe import Execution

TESTS = Path(__file__).parents[2]
KEPT = Execution(checkpoint_every=5)


def run(folder, *, made=None, execution=KEPT, stop=None, reader=None, more=None, **changes):
    given = data(reader=reader, **(more or {}))
    return train(
        trainable(network() if made is None else made),
        recipe(**changes),
        execution,
        given,
        folder,
        CPU,
        stop,
    )


def numbers(found):
    """All of an outcome that must not depend on anything but recipe and data."""
    logits = {name: values.tobytes() for name, values in found.logits.items()}
    return found.digest, logits, found.curve, found.diverged, found.images, found.micro_batch


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("straight")
    return run(folder, steps=24, measure_every=6, more={"embedded": ("test", 3)})


def test_it_learns_and_says_what_came_of_it(straight):
    assert [point.step for point in straight.curve] == [6, 12, 18, 24]
    assert min(straight.curve[-1].scores.values()) > 0.9
    assert straight.curve[-1].loss < straight.curve[0].loss
    assert {name: logits.shape for name, logits in straight.logits.items()} == {
        "validation": (21, CLASSES),
        "test": (10, CLASSES),
    }
    assert all(logits.dtype == np.float32 for logits in straight.logits.values())
    assert straight.features.shape == (3, 8)
    assert (straight.images, straight.micro_batch) == (24 * 8, 8)
    assert (straight.diverged, straight.stopped) == (None, None)
    assert straight.versions["device"] == "cpu"
    assert straight.versions["threads"] == "1"
    assert len(straight.digest) == 64
    json.dumps(straight.to_dict())


def test_the_same_seed_gives_the_same_weights_and_another_does_not(straight, tmp_path):
    torch.manual_seed(99)
    again = run(tmp_path / "again", steps=24, measure_every=6)
    assert numbers(again) == numbers(straight)
    assert run(tmp_path / "other", steps=24, seed=4).digest != straight.digest


def test_who_reads_how_much_is_kept_and_how_often_it_is_measured_changes_no_weight(
    straight, tmp_path
):
    there = Execution(checkpoint_every=7, workers=1, memory=0)
    found = run(tmp_path / "there", steps=24, measure_every=4, execution=there)
    assert found.digest == straight.digest
    assert len(found.curve) == 6
    rare = run(tmp_path / "rare", steps=24, execution=Execution(checkpoint_every=0))
    assert rare.digest == straight.digest
    assert [point.step for point in rare.curve] == [24]
    assert not (tmp_path / "rare").exists()


_SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
from models.training.pictures import Colours
from models.training.small import CPU, accuracy, data, recipe, trainable
from freshset.models.training.loop import train
from freshset.models.training.recipe import Execution

def judge(name, logits):
    print(name, flush=True)
    return accuracy(name, logits)

given = replace(data(reader=Colours(slow=0.005)), judge=judge)
how = recipe(steps=24, measure_every=6)
train(trainable(), how, Execution(checkpoint_every=5, memory=0), given, Path(sys.argv[1]), CPU)
print("done", flush=True)
"""


def test_a_killed_process_is_taken_up_as_if_nothing_had_happened(straight, tmp_path):
    command = [sys.executable, "-c", _SCRIPT, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        # Both sets have been judged twice: after 12 updates, the last checkpoint was after 10.
        told = [process.stdout.readline().strip() for _ in range(4)]
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
    assert told == ["validation", "test"] * 2
    assert "done" not in rest
    reader = Colours()
    found = run(tmp_path, steps=24, measure_every=6, reader=reader, execution=KEPT)
    assert numbers(found) == numbers(straight)
    # It did not start anew: at most 14 batches, and each judged set at most three times.
    assert reader.reads > 0
    assert run(tmp_path, steps=24, measure_every=6).digest == straight.digest


def test_only_what_is_missing_is_done_again(tmp_path):
    class Killed(Exception):
        pass

    def stop(step, _score):
        if step == 18:
            raise Killed
        return False

    short = Execution(checkpoint_every=5, memory=1 << 20)
    with pytest.raises(Killed):
        run(tmp_path, steps=24, measure_every=6, execution=short, stop=stop)
    steps = []
    hungry = network()
    hungry.register_forward_pre_hook(
        lambda module, inputs: steps.append(len(inputs[0])) if module.training else None
    )
    found = run(tmp_path, made=hungry, steps=24, measure_every=6)
    assert steps == [8] * 9
    assert [point.step for point in found.curve] == [6, 12, 18, 24]


def test_a_finished_run_is_only_judged_again(straight, tmp_path):
    run(tmp_path, steps=24, measure_every=6)
    trained = []
    made = network()
    made.register_forward_pre_hook(lambda module, _: trained.append(module.training))
    found = run(tmp_path, made=made, steps=24, measure_every=6)
    assert not any(trained)
    assert numbers(found) == numbers(straight)


def test_the_checkpoint_of_another_recipe_or_other_data_is_not_taken_up(tmp_path):
    run(tmp_path, steps=5)
    with pytest.raises(DataError, match="another run"):
        run(tmp_path, steps=5, rate=0.2)
    other = TrainingData(items(1, 41), CLASSES, data().judged, data().judge)
    with pytest.raises(DataError, match="another run"):
        train(trainable(), recipe(steps=5), KEPT, other, tmp_path, CPU)


def test_a_run_that_diverges_is_recorded_and_ended(tmp_path):
    found = run(tmp_path, made=network(norm=False), steps=200, rate=1e6, measure_every=50)
    assert 0 < found.diverged < 40
    assert found.logits == {}
    assert (found.digest, found.features, found.curve) == ("", None, ())
    assert found.images <= (found.diverged + 32) * 8
    again = run(tmp_path, made=network(norm=False), steps=200, rate=1e6, measure_every=50)
    assert again.diverged == found.diverged


def test_logits_that_are_not_finite_are_divergence_too(tmp_path):
    class Late(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network()

        def forward(self, images):
            out = self.inner(images)
            return out if self.training else out * float("nan")

    made = trainable(Late())
    late = type(made)(made.network, ("inner.8",), made.info)
    found = train(late, recipe(), KEPT, data(), tmp_path, CPU)
    assert found.diverged == 12
    assert found.logits == {}


def test_a_hopeless_run_can_be_given_up(tmp_path):
    asked = []

    def stop(step, score):
        asked.append((step, score))
        return step == 8

    found = run(tmp_path, measure_every=4, stop=stop)
    assert [step for step, _ in asked] == [4, 8]
    assert found.stopped == 8
    assert [point.scores["validation"] for point in found.curve] == [score for _, score in asked]
    assert found.images == 64
    assert found.logits["validation"].shape == (21, CLASSES)
    last = run(tmp_path / "last", measure_every=4, stop=lambda step, _: step == 12)
    assert last.stopped is None


def test_generators_are_left_as_they_were(tmp_path):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    run(tmp_path, steps=2)
    assert torch.equal(torch.get_rng_state(), before)


def test_full_memory_is_said(tmp_path):
    made = Hungry(network(), fits=4)
    wanted = trainable(made)
    hungry = type(wanted)(made, ("inner.8",), wanted.info)
    found = train(hungry, recipe(), KEPT, data(), tmp_path, CPU)
    assert found.micro_batch == 4
    assert found.curve[-1].step == 12


def test_sets_where_an_item_shows_several_classes(tmp_path):
    rows = np.arange(40)
    shown = np.stack([rows % CLASSES == k for k in range(CLASSES)], axis=1)
    given = TrainingData(
        Items(Colours(), rows, shown, np.zeros_like(shown)),
        CLASSES,
        {"train": Items(Colours(), rows, shown)},
        lambda _, logits: float(((logits > 0) == shown).mean()),
    )
    found = train(trainable(), recipe(steps=60, rate=0.05), KEPT, given, tmp_path, CPU)
    assert found.curve[-1].scores["train"] > 0.9


def test_networks_of_arrays_are_trained(tmp_path):
    made = trainable(nn.Sequential(nn.Linear(5, CLASSES)), ArrayPreprocessing())
    given = data(reader=Vectors())
    found = train(made, recipe(steps=60), Execution(workers=2), given, tmp_path, CPU)
    assert found.curve[-1].scores["validation"] > 0.7


def test_a_compiled_network_learns_the_same(tmp_path):
    torch.compiler.reset()
    made = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, CLASSES))
    plain = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, CLASSES))
    plain.load_state_dict(made.state_dict())
    calls = []
    compile_, torch.compile = torch.compile, lambda module: calls.append(module) or module
    try:
        found = run(tmp_path / "compiled", made=made, compile=True)
    finally:
        torch.compile = compile_
    assert calls == [made]
    assert found.digest == run(tmp_path / "plain", made=plain).digest


def test_what_cannot_be_trained_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be trained"):
        train(trainable(None, TextPreprocessing()), recipe(), KEPT, data(), tmp_path, CPU)
    with pytest.raises(UsageError, match="no device"):
        train(trainable(), recipe(), KEPT, data(), tmp_path, Runtime(device="gpu"))


def test_an_item_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DataError, match=r"row-30\.png"):
        run(tmp_path, reader=Colours(bad_row=30))
