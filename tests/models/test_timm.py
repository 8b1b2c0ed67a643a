from __future__ import annotations

import shutil

import numpy as np
import pytest
import timm
import torch
from fakes.hub import NOBODY, hub, point
from models.torch_checkpoints import images
from safetensors.torch import load_file, save_file
from timm.data import create_transform, resolve_data_config

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_file
from freshset.models.base import Runtime, stacked
from freshset.models.reference import ModelRef
from freshset.models.timm import ADAPTER

IMAGES = images()
PENULTIMATE = ("penultimate", "mean")


def runtime(root="", **settings):
    return Runtime(device="cpu", root=str(root), **settings)


def run(reference, root="", **settings):
    model = ADAPTER.load(ModelRef.parse(reference), runtime(root, **settings))
    prepared = [model.info.preprocessing.prepare(image) for image in IMAGES]
    return model.predict(stacked(prepared))


def by_timm(network, config=None):
    """What timm's own transform and network give."""
    settings = config or resolve_data_config(
        pretrained_cfg=network.pretrained_cfg, use_test_size=True
    )
    transform = create_transform(**settings)
    with torch.inference_mode():
        return network.eval()(torch.stack([transform(image) for image in IMAGES])).numpy()


def test_a_local_folder_runs_as_in_timm(checkpoints):
    network = timm.create_model(f"local-dir:{checkpoints / 'timm'}", pretrained=True)
    np.testing.assert_allclose(run("timm:local-dir:timm", checkpoints), by_timm(network), atol=1e-5)
    info = ADAPTER.describe(ModelRef.parse("timm:local-dir:timm"), runtime(checkpoints))
    # The sizes for testing, as timm's validate.py takes them.
    assert info.preprocessing.shared.endswith("resize=shorter:67:bicubic crop=64x64:even")
    assert info.classes.keys == ("ant", "bee", "cat", "dog")


def test_a_checkpoint_of_a_named_network(checkpoints, tmp_path):
    state = load_file(checkpoints / "timm" / "model.safetensors")
    torch.save({"state_dict": state, "epoch": 1}, tmp_path / "last.pth.tar")
    out = run("timm:test_resnet?checkpoint_path=last.pth.tar&num_classes=4", tmp_path)
    network = timm.create_model("test_resnet", num_classes=4)
    network.load_state_dict(state)
    np.testing.assert_allclose(out, by_timm(network), atol=1e-5)


@pytest.mark.parametrize("precision", ["tf32", "bf16"])
def test_other_precisions_run(precision):
    assert run("timm:test_resnet?pretrained=false&num_classes=3", precision=precision).shape == (
        6,
        3,
    )


def test_random_weights_are_those_of_their_seed():
    first = run("timm:test_resnet?pretrained=false&seed=1")
    np.testing.assert_array_equal(first, run("timm:test_resnet?pretrained=false&seed=1"))
    assert (first != run("timm:test_resnet?pretrained=false&seed=2")).any()
    describe = lambda text: ADAPTER.describe(ModelRef.parse(text), runtime())  # noqa: E731
    digests = {
        describe(f"timm:{name}?pretrained=false&seed={seed}").weights
        for name in ("test_resnet", "test_vit")
        for seed in (0, 1)
    }
    assert len(digests) == 4
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        before = torch.rand(1)
        torch.manual_seed(5)
        run("timm:test_resnet?pretrained=false&seed=1")
        assert torch.equal(torch.rand(1), before)


def test_another_size_and_one_channel():
    reference = "timm:test_vit?pretrained=false&img_size=64&in_chans=1&num_classes=3"
    info = ADAPTER.describe(ModelRef.parse(reference), runtime())
    assert info.preprocessing.shape == (64, 64, 1)
    network = timm.create_model("test_vit", num_classes=3, in_chans=1, img_size=64)
    config = resolve_data_config({"img_size": 64}, pretrained_cfg=network.pretrained_cfg)
    mean, std = (sum(config[name]) / 3 for name in ("mean", "std"))
    assert info.preprocessing.mean == (pytest.approx(mean),)
    assert info.preprocessing.std == (pytest.approx(std),)
    assert run(reference).shape == (6, 3)


def test_describing_names_the_file_and_checks_its_digest(checkpoints):
    digest = sha256_file(checkpoints / "timm" / "model.safetensors")
    right = f"timm:test_resnet?checkpoint_path=timm/model.safetensors&num_classes=4&sha256={digest}"
    info = ADAPTER.describe(ModelRef.parse(right), runtime(checkpoints))
    assert (info.weights, info.download) == (digest, 0)
    wrong = right[:-4] + "0000"
    with pytest.raises(DataError, match="not the one asked for"):
        ADAPTER.describe(ModelRef.parse(wrong), runtime(checkpoints))


def test_a_configuration_is_part_of_what_a_folder_is(checkpoints, tmp_path):
    folder = tmp_path / "timm"
    shutil.copytree(checkpoints / "timm", folder)
    ref = ModelRef.parse("timm:local-dir:timm")
    info = ADAPTER.describe(ref, runtime(tmp_path))
    before = info.weights
    assert before == ADAPTER.describe(ref, runtime(checkpoints)).weights
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(
        text.replace('"global_pool": "avg"', '"global_pool": "max"')
    )
    after = ADAPTER.describe(ref, runtime(tmp_path))
    assert after.weights != before
    # So it is of the network without its weights; a name of timm's says what the network is.
    assert "" != after.network != info.network != before
    random = ModelRef.parse("timm:test_resnet?pretrained=false")
    assert ADAPTER.describe(random, runtime()).network == ""


def test_a_pickle_is_refused_and_accepted_by_trust(checkpoints, tmp_path):
    network = timm.create_model(f"local-dir:{checkpoints / 'timm'}", pretrained=True)
    torch.save(network, tmp_path / "whole.pt")
    reference = "timm:test_resnet?checkpoint_path=whole.pt&num_classes=4"
    with pytest.raises(DataError, match=r"whole.pt: needs to be unpickled") as caught:
        run(reference, tmp_path)
    assert "--trust" in caught.value.hint
    out = run(reference, tmp_path, trust=frozenset({"whole.pt"}))
    assert out.shape == (6, 4)


def test_weights_of_another_network_are_refused(checkpoints, tmp_path):
    reference = "timm:{}?checkpoint_path=timm/model.safetensors&num_classes={}"
    for name, classes in (("test_resnet", 5), ("test_byobnet", 4)):
        with pytest.raises(DataError, match="the weights do not fit the model"):
            run(reference.format(name, classes), checkpoints)
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(DataError, match="do not fit"):
        run("timm:test_resnet?checkpoint_path=other.safetensors", tmp_path)


def test_a_repository_of_the_hub_runs_and_then_needs_no_hub(checkpoints, tmp_path, monkeypatch):
    files = {path.name: path.read_bytes() for path in (checkpoints / "timm").iterdir()}
    with hub({"me/tiny": files}) as (address, _):
        point(monkeypatch, address, tmp_path)
        ref = ModelRef.parse("timm:hf-hub:me/tiny@main")
        planned = ADAPTER.describe(ref, runtime())
        assert planned.download == len(files["model.safetensors"])
        out = run(str(ref))
    point(monkeypatch, NOBODY, tmp_path)
    later = ADAPTER.describe(ref, runtime(offline=True))
    # The hub names the file by its digest, so the plan knew what it would get.
    assert (later.weights, later.download) == (planned.weights, 0)
    np.testing.assert_array_equal(out, run("timm:local-dir:timm", checkpoints))


def test_names_can_be_listed():
    names = ADAPTER.expand("resnet50.a*_in1k")
    assert "resnet50.a1_in1k" in names
    assert len(ADAPTER.expand("*")) > 1000
    assert not ADAPTER.expand("no-such-*")


def test_weights_that_are_not_here(monkeypatch, tmp_path):
    point(monkeypatch, NOBODY, tmp_path)
    ref = ModelRef.parse("timm:resnet50.a1_in1k")
    info = ADAPTER.describe(ref, runtime())
    assert (info.weights, info.download, info.n_outputs) == ("", -1, 1000)
    with pytest.raises(UsageError, match=r"timm/resnet50.a1_in1k .*offline"):
        ADAPTER.describe(ref, runtime(offline=True))
    with pytest.raises(DataError, match="the hub does not answer"):
        ADAPTER.load(ref, runtime())


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_efficientnet", "test_convnext"])
def test_features_are_what_timm_gives_before_its_classifier(name):
    model = ADAPTER.load(ModelRef.parse(f"timm:{name}?pretrained=false&seed=3"), runtime())
    batch = stacked([model.info.preprocessing.prepare(image) for image in IMAGES])
    network = timm.create_model(name, pretrained=False).eval()
    network.load_state_dict(model._runner.network.state_dict())
    config = resolve_data_config(pretrained_cfg=network.pretrained_cfg, use_test_size=True)
    images_ = torch.stack([create_transform(**config)(image) for image in IMAGES])
    with torch.inference_mode():
        hidden = network.forward_features(images_)
        want = network.forward_head(hidden, pre_logits=True)
        logits = network.get_classifier()(torch.from_numpy(model.features(batch, *PENULTIMATE)))
    found = model.features(batch, *PENULTIMATE)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, want, atol=1e-5)
    np.testing.assert_allclose(logits, model.predict(batch), atol=1e-5)


def test_features_of_a_named_layer(checkpoints):
    model = ADAPTER.load(ModelRef.parse("timm:local-dir:timm"), runtime(checkpoints))
    batch = stacked([model.info.preprocessing.prepare(image) for image in IMAGES])
    want = timm.create_model(f"local-dir:{checkpoints / 'timm'}", pretrained=True)
    images_ = torch.from_numpy(model.info.preprocessing.normalise(batch))
    with torch.inference_mode():
        maps = want.eval().forward_intermediates(images_, intermediates_only=True)[-1].numpy()
    mean, whole = (model.features(batch, "layer4", pooling) for pooling in ("mean", "none"))
    np.testing.assert_allclose(mean, maps.mean(axis=(2, 3)), atol=1e-5)
    np.testing.assert_allclose(whole, maps.reshape(len(maps), -1), atol=1e-5)
    with pytest.raises(UsageError, match=r"timm:local-dir:timm: has no layer 'layer5'.*layer4"):
        model.features(batch, "layer5", "mean")


def train(reference, root="", **settings):
    return ADAPTER.trainable(ModelRef.parse(reference), runtime(root), n_outputs=7, **settings)


def test_training_keeps_all_weights_but_the_head(checkpoints):
    made = train("timm:local-dir:timm", checkpoints, start="pretrained", seed=1)
    state = load_file(checkpoints / "timm" / "model.safetensors")
    kept = made.network.state_dict()
    differ = {name for name, value in kept.items() if not torch.equal(value, state[name])}
    assert differ == {"fc.weight", "fc.bias"}
    assert (made.head, made.info.n_outputs, made.info.classes) == (("fc",), 7, None)
    described = ADAPTER.describe(ModelRef.parse("timm:local-dir:timm"), runtime(checkpoints))
    assert made.info.weights == described.weights


def test_training_from_scratch_needs_no_weights(monkeypatch, tmp_path):
    point(monkeypatch, NOBODY, tmp_path)
    made = [train("timm:test_resnet.r160_in1k", start="random", seed=seed) for seed in (1, 1, 2)]
    first, again, other = (one.network.state_dict() for one in made)
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not torch.equal(first["fc.weight"], other["fc.weight"])
    assert not torch.equal(first["conv1.0.weight"], other["conv1.0.weight"])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        by_timm_alone = timm.create_model("test_resnet", num_classes=7).state_dict()
    assert all(torch.equal(value, by_timm_alone[name]) for name, value in first.items())
