from __future__ import annotations

import numpy as np
import pytest
import torch

from freshset.core.errors import UsageError
from freshset.models.base import ModelInfo, Runtime
from freshset.models.preprocessing import ImagePreprocessing, TransformPreprocessing
from freshset.models.reference import ModelRef
from freshset.models.torch_runtime import (
    PRECISIONS,
    LastBatch,
    TorchImageModel,
    TorchRunner,
    versions,
)

PREPROCESSING = ImagePreprocessing(resize=16, crop=(12, 16))
BATCH = np.random.default_rng(0).integers(0, 256, (5, 12, 16, 3), dtype=np.uint8)


def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3),
            torch.nn.BatchNorm2d(8),
            torch.nn.Dropout(0.5),
            torch.nn.Flatten(),
            torch.nn.Linear(8 * 10 * 14, 4),
        )


def runtime(**settings):
    return Runtime(device="cpu", **settings)


def run(**settings):
    runner = TorchRunner(network(), runtime(**settings))
    return runner.run(lambda: runner.network(runner.images(BATCH, PREPROCESSING)))


def test_outputs_are_those_of_a_plain_forward_pass():
    out = run()
    assert out.dtype == np.float32
    with torch.inference_mode():
        wanted = network().eval()(torch.from_numpy(PREPROCESSING.normalise(BATCH)))
    np.testing.assert_allclose(out, wanted.numpy(), atol=1e-5)


def test_images_lie_channels_last_and_are_those_of_the_preprocessing():
    runner = TorchRunner(network(), runtime())
    images = runner.images(BATCH, PREPROCESSING)
    assert images.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(images.numpy(), PREPROCESSING.normalise(BATCH))


def test_what_a_transform_made_goes_through_as_it_is():
    runner = TorchRunner(network(), runtime())
    made = np.ones((2, 3, 4, 4), dtype=np.float32)
    made.flags.writeable = False
    other = TransformPreprocessing(np.asarray, "transform")
    np.testing.assert_array_equal(runner.images(made, other).numpy(), made)
    whole = runner.images(made.astype(np.int64), other)
    double = runner.images(made.astype(np.float64), other)
    assert (whole.dtype, double.dtype) == (torch.int64, torch.float32)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_lower_precisions_are_close_and_not_the_same(precision):
    full, lower = run(), run(precision=precision)
    assert lower.dtype == np.float32
    np.testing.assert_allclose(lower, full, atol=0.05)
    assert (lower != full).any()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("before", [True, False])
def test_settings_are_right_inside_and_put_back(precision, before):
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    saved = matmul.allow_tf32, cudnn.allow_tf32
    threads = torch.get_num_threads()
    seen = {}

    def forward():
        seen["tf32"] = {matmul.allow_tf32, cudnn.allow_tf32}
        seen["threads"] = torch.get_num_threads()
        seen["inference"] = torch.is_inference_mode_enabled()
        seen["autocast"] = torch.is_autocast_enabled("cpu")
        return torch.ones(1)

    runner = TorchRunner(network(), runtime(precision=precision, threads=threads + 1))
    try:
        matmul.allow_tf32 = cudnn.allow_tf32 = before
        runner.run(forward)
        assert (matmul.allow_tf32, cudnn.allow_tf32) == (before, before)
        with pytest.raises(ZeroDivisionError):
            runner.run(lambda: 1 / 0)
        assert (matmul.allow_tf32, cudnn.allow_tf32) == (before, before)
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = saved
    assert torch.get_num_threads() == threads
    assert seen == {
        "tf32": {precision == "tf32"},
        "threads": threads + 1,
        "inference": True,
        "autocast": precision in {"fp16", "bf16"},
    }


def test_the_network_is_evaluated_and_not_trained():
    inner = network().train()
    TorchRunner(inner, runtime())
    assert not any(module.training for module in inner.modules())


def test_devices_and_precisions_that_there_are_not_are_refused():
    for device in ("gpu", "cuda:99"):
        with pytest.raises(UsageError, match=f"no device '{device}'"):
            TorchRunner(network(), Runtime(device=device))
    with pytest.raises(UsageError, match="No precision 'fp8'"):
        TorchRunner(network(), runtime(precision="fp8"))


def test_a_model_says_what_made_its_numbers():
    info = ModelInfo(ModelRef("timm", "x"), "timm/1", PREPROCESSING, "logits", versions=versions())
    model = TorchImageModel(info, network(), runtime())
    assert model.predict(BATCH).shape == (5, 4)
    assert model.info.versions["torch"] == torch.__version__
    assert model.info.versions["device"] == "cpu"
    assert {"pillow", "python"} <= model.info.versions.keys()


def test_running_out_of_memory_is_not_hidden():
    def forward():
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        TorchRunner(network(), runtime()).run(forward)


def test_networks_share_the_tensor_of_a_batch():
    batch = BATCH.copy()
    first, second = TorchRunner(network(), runtime()), TorchRunner(network(), runtime())
    shared = first.images(batch, PREPROCESSING)
    assert second.images(batch, PREPROCESSING) is shared
    other = ImagePreprocessing(resize=16, crop=(12, 16), mean=(0, 0, 0))
    assert second.images(batch, other) is not shared
    assert first.images(batch.copy(), PREPROCESSING) is not shared


def test_a_tensor_that_a_network_wrote_into_is_not_shared():
    batch = BATCH.copy()
    runner = TorchRunner(torch.nn.Identity(), runtime())
    wanted = runner.images(batch, PREPROCESSING).clone()
    held = runner.images(batch, PREPROCESSING)
    runner.run(lambda: torch.relu_(held))
    assert not torch.equal(held, wanted)
    assert torch.equal(runner.images(batch, PREPROCESSING), wanted)


def test_the_tensor_of_a_batch_goes_with_it():
    made = []

    def make():
        made.append(torch.zeros(3))
        return made[-1]

    last, batch = LastBatch(), np.zeros(3)
    last.of(batch, "key", make)
    last.of(batch, "key", make)
    assert len(made) == 1
    del batch
    assert last._held is None


def test_one_pass_gives_features_and_answers():
    passes = []
    net = network()
    net.register_forward_hook(lambda *_: passes.append(1))
    info = ModelInfo(ModelRef.parse("x:y"), "x/1", PREPROCESSING, "logits", n_outputs=4)
    plain = TorchImageModel(info, network(), runtime()).predict(BATCH)
    model = TorchImageModel(info, net, runtime())
    features = model.features(BATCH, "penultimate", "mean")
    np.testing.assert_array_equal(model.predict(BATCH), plain)
    assert len(passes) == 1
    assert features.shape == (5, 8 * 10 * 14)
    # What is given out is not what is kept, and another batch is another pass.
    model.predict(BATCH)[:] = 0
    np.testing.assert_array_equal(model.predict(BATCH), plain)
    np.testing.assert_array_equal(model.predict(BATCH.copy()), plain)
    assert len(passes) == 2
