from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from models.torch_checkpoints import images, seeded
from torchvision import transforms
from torchvision.models import MobileNet_V3_Small_Weights, get_model
from torchvision.models.feature_extraction import create_feature_extractor
from torchvision.transforms._presets import ImageClassification

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_file
from freshset.core.spaces import known_space
from freshset.models.base import Runtime, stacked
from freshset.models.preprocessing import TransformPreprocessing
from freshset.models.reference import ModelRef
from freshset.models.torchvision import ADAPTER, preset_preprocessing

IMAGES = images()[:3]
WEIGHTS = MobileNet_V3_Small_Weights.IMAGENET1K_V1
NAME = "torchvision:mobilenet_v3_small/IMAGENET1K_V1"
CHECKPOINT = "torchvision:mobilenet_v3_small?checkpoint_path=torchvision.pth&num_classes=4"


def runtime(root=".", **settings):
    return Runtime(device="cpu", root=str(root), **settings)


def describe(text, root=".", **settings):
    return ADAPTER.describe(ModelRef.parse(text), runtime(root, **settings))


def run(text, root=".", **settings):
    model = ADAPTER.load(ModelRef.parse(text), runtime(root, **settings))
    return model.predict(stacked([model.info.preprocessing.prepare(image) for image in IMAGES]))


def by_torchvision(network):
    preset = WEIGHTS.transforms()
    with torch.inference_mode():
        return network.eval()(torch.stack([preset(image) for image in IMAGES])).numpy()


@pytest.fixture
def home(tmp_path):
    """An empty folder of torch's own hub."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path / "home"))
    yield tmp_path / "home" / "checkpoints"
    torch.hub.set_dir(before)


def test_a_checkpoint_runs_as_in_torchvision(checkpoints):
    network = get_model("mobilenet_v3_small", num_classes=4)
    network.load_state_dict(torch.load(checkpoints / "torchvision.pth", weights_only=True))
    np.testing.assert_allclose(run(CHECKPOINT, checkpoints), by_torchvision(network), atol=1e-4)
    info = describe(CHECKPOINT, checkpoints)
    assert info.weights == sha256_file(checkpoints / "torchvision.pth")
    assert (info.n_outputs, info.classes) == (4, None)


def test_released_weights_run_as_in_torchvision(home):
    network = seeded(lambda: get_model("mobilenet_v3_small"))
    home.mkdir(parents=True)
    torch.save(network.state_dict(), home / Path(WEIGHTS.url).name)
    np.testing.assert_allclose(run(NAME, offline=True), by_torchvision(network), atol=1e-4)
    info = describe(NAME)
    assert info.classes is known_space("imagenet-1k")
    assert info.download == 0
    assert info.weights == sha256_file(home / Path(WEIGHTS.url).name)


def test_released_weights_that_are_not_here(home):
    info = describe(NAME)
    assert info.weights == ""
    assert 9_000_000 < info.download < 12_000_000
    assert (
        describe("torchvision:mobilenet_v3_small/DEFAULT").preprocessing.key
        == info.preprocessing.key
    )
    with pytest.raises(UsageError, match=r"IMAGENET1K_V1 is not on this machine.*offline"):
        describe(NAME, offline=True)


def test_released_weights_that_were_replaced_by_a_pickle_are_refused(home):
    home.mkdir(parents=True)
    torch.save(get_model("mobilenet_v3_small"), home / Path(WEIGHTS.url).name)
    with pytest.raises(DataError, match="needs to be unpickled"):
        run(NAME)


def test_every_network_keeps_its_name_and_classes():
    names = ADAPTER.expand("*")
    assert len(names) > 100
    assert "vgg16/IMAGENET1K_FEATURES" not in names
    assert ADAPTER.expand("resnet50/*") == ("resnet50/IMAGENET1K_V1", "resnet50/IMAGENET1K_V2")
    for name in ADAPTER.expand("vit_*"):
        info = describe(f"torchvision:{name}")
        assert info.classes is known_space("imagenet-1k")
        assert info.preprocessing.shared.startswith("image RGB resize=shorter:")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("torchvision:resnet5/DEFAULT", "no classifier 'resnet5'.*Did you mean 'resnet50'"),
        ("torchvision:resnet50/IMAGENET1K_V3", "no weights 'IMAGENET1K_V3'.*Did you mean"),
        ("torchvision:resnet50", "names no weights"),
        ("torchvision:vgg16/IMAGENET1K_FEATURES", "have no classifier"),
        ("torchvision:resnet50/DEFAULT?num_classes=3", "is fixed"),
        ("torchvision:resnet50/DEFAULT?crop=3", "no option 'crop'"),
        ("torchvision:resnet50/DEFAULT@v1", "no revisions"),
        ("torchvision:resnet50?checkpoint_path=none.pth", "there is no file"),
    ],
)
def test_what_cannot_be_meant_is_refused(text, words):
    with pytest.raises(UsageError, match=words):
        describe(text)


def test_a_head_of_another_size_and_a_wrong_checksum_are_refused(checkpoints):
    with pytest.raises(DataError, match="do not fit the model"):
        run(CHECKPOINT.replace("num_classes=4", "num_classes=5"), checkpoints)
    with pytest.raises(DataError, match="not the one asked for"):
        describe(f"{CHECKPOINT}&sha256={'0a' * 32}", checkpoints)


def test_a_named_checkpoint_has_the_classes_and_size_of_the_name(checkpoints):
    text = "torchvision:{}?checkpoint_path=torchvision.pth"
    assert describe(text.format("mobilenet_v3_small/DEFAULT"), checkpoints).classes is not None
    info = describe(text.format("vit_b_16/IMAGENET1K_SWAG_E2E_V1"), checkpoints)
    assert info.preprocessing.shape == (384, 384, 3)


def test_transforms_that_are_not_the_preset_are_kept_whole():
    class Other(ImageClassification):
        pass

    assert isinstance(preset_preprocessing(transforms.ToTensor()), TransformPreprocessing)
    with pytest.raises(UsageError, match="cannot be pickled"):
        preset_preprocessing(Other(crop_size=8))  # a local class, and not silently the preset


def test_features_are_those_of_the_extractor_of_torchvision(checkpoints):
    model = ADAPTER.load(ModelRef.parse(CHECKPOINT), runtime(checkpoints))
    batch = stacked([model.info.preprocessing.prepare(image) for image in IMAGES])
    network = get_model("mobilenet_v3_small", num_classes=4)
    network.load_state_dict(torch.load(checkpoints / "torchvision.pth", weights_only=True))
    layers = {"classifier.2": "last", "features.4": "maps"}
    extractor = create_feature_extractor(network.eval(), layers)
    preset = WEIGHTS.transforms()
    with torch.inference_mode():
        want = extractor(torch.stack([preset(image) for image in IMAGES]))
    for layer, pooling, found in (
        ("penultimate", "mean", want["last"]),
        ("features.4", "mean", want["maps"].mean(dim=(2, 3))),
        ("features.4", "none", want["maps"].flatten(1)),
    ):
        np.testing.assert_allclose(model.features(batch, layer, pooling), found, atol=1e-4)


def train(text, root=".", **settings):
    return ADAPTER.trainable(ModelRef.parse(text), runtime(root), n_outputs=6, **settings)


def test_training_keeps_all_weights_but_the_head(checkpoints):
    made = train(CHECKPOINT, checkpoints, start="pretrained", seed=1)
    state = torch.load(checkpoints / "torchvision.pth", weights_only=True)
    kept = made.network.state_dict()
    differ = {name for name, value in kept.items() if not torch.equal(value, state[name])}
    assert differ == {"classifier.3.weight", "classifier.3.bias"}
    assert (made.head, made.info.n_outputs, made.info.classes) == (("classifier.3",), 6, None)


def test_training_from_scratch_needs_no_weights(home):
    first, again, other = (
        train(NAME, start="random", seed=seed).network.state_dict() for seed in (1, 1, 2)
    )
    assert not home.exists()
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not torch.equal(first["features.0.0.weight"], other["features.0.0.weight"])


def test_networks_are_trained_without_auxiliary_classifiers():
    made = train("torchvision:googlenet/DEFAULT", start="random", seed=0)
    assert (made.head, made.network.transform_input) == (("fc",), True)
    assert made.network.train()(torch.zeros(2, 3, 64, 64)).shape == (2, 6)
