"""What only a GPU can show; skipped without one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes.probe_problems import clusters
from models.training.pictures import CLASSES
from models.training.small import CPU, data, network, recipe, trainable, weights
from torch import nn

from freshset.models.base import Runtime
from freshset.models.reference import ModelRef
from freshset.models.registry import load_features
from freshset.models.training.loop import train
from freshset.models.training.recipe import Execution
from freshset.models.training.settings import training_settings
from freshset.transfer.probe.path import ProbeOptions, logreg_path

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

GPU = Runtime(device="cuda", threads=1)
KEPT = Execution(checkpoint_every=5)


def run(folder, *, runtime=GPU, made=None, execution=KEPT, stop=None, **changes):
    return train(trainable(made), recipe(**changes), execution, data(), folder, runtime, stop)


@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16", "bf16"])
def test_the_same_seed_gives_the_same_weights_and_it_learns(tmp_path, precision):
    one, again = (
        run(tmp_path / name, steps=24, precision=precision, execution=Execution(workers=workers))
        for name, workers in (("one", 0), ("again", 1))
    )
    assert one.digest == again.digest
    assert one.curve == again.curve
    assert one.curve[-1].scores["validation"] > 0.9
    assert one.versions["cuda"]


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_run_that_was_ended_is_taken_up_as_if_nothing_had_happened(tmp_path, precision):
    def stop(step, _score):
        if step == 9:
            raise KeyboardInterrupt
        return False

    settings = {"steps": 18, "measure_every": 3, "precision": precision}
    straight = run(tmp_path / "straight", **settings)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", stop=stop, **settings)
    found = run(tmp_path / "broken", **settings)
    assert (found.digest, found.curve) == (straight.digest, straight.curve)


def test_it_learns_what_a_processor_learns(tmp_path):
    # Chance is different on both: no dropout.
    there, here = network(dropout=0), network(dropout=0)
    run(tmp_path / "gpu", made=there)
    run(tmp_path / "cpu", made=here, runtime=CPU)
    here = weights(here)
    for name, value in weights(there.cpu()).items():
        np.testing.assert_allclose(value, here[name], atol=1e-3, err_msg=name)


def test_full_memory_halves_the_batch(tmp_path):
    wide = nn.Sequential(
        nn.Upsample(scale_factor=16),
        nn.Conv2d(3, 64, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, CLASSES),
    )
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(2e9 / total)
    try:
        found = run(tmp_path, made=wide, batch=256, steps=3)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    # 256 maps of 64 x 190 x 190 are 2.4 GB.
    assert found.micro_batch < 256
    assert found.curve[-1].step == 3


def test_generators_and_settings_are_left_as_they_were(tmp_path):
    torch.cuda.manual_seed(5)
    before = torch.cuda.get_rng_state()
    run(tmp_path, steps=2)
    assert torch.equal(torch.cuda.get_rng_state(), before)
    with training_settings(torch.device("cuda"), GPU):
        assert torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.deterministic


def test_a_compiled_network_learns_much_the_same(tmp_path):
    plain = run(tmp_path / "plain", steps=24)
    found = run(tmp_path / "compiled", steps=24, compile=True)
    assert found.curve[-1].loss == pytest.approx(plain.curve[-1].loss, abs=0.2)


def test_features_are_those_of_a_processor():
    ref = ModelRef.parse("timm:test_resnet?pretrained=false")
    batch = np.random.default_rng(0).integers(0, 256, (6, 160, 160, 3), dtype=np.uint8)
    there, here = (
        load_features(ref, runtime).features(batch, "penultimate", "mean") for runtime in (GPU, CPU)
    )
    np.testing.assert_allclose(there, here, atol=1e-3 * np.abs(here).max())


def test_the_probe_is_that_of_a_processor():
    train_set, valid = clusters(0, 150, spread=2.0), clusters(1, 80, spread=2.0)
    there, here = (
        logreg_path(train_set, valid, ProbeOptions(backend=backend))
        for backend in ("cuda", "numpy")
    )
    for one, other in zip(there.points, here.points, strict=True):
        assert one.objective == pytest.approx(other.objective, rel=1e-4)
