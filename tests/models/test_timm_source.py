from __future__ import annotations

import json

import pytest

from freshset.core.errors import DataError, UsageError
from freshset.core.spaces import known_space
from freshset.models.base import Runtime
from freshset.models.reference import ModelRef
from freshset.models.timm_source import classes_of, find_weights, source_of


def source(text, root="."):
    return source_of(ModelRef.parse(text), Runtime(root=str(root)))


def classes(text, root="."):
    return classes_of(ModelRef.parse(text), source(text, root))


@pytest.mark.parametrize(
    ("name", "space"),
    [
        ("resnet50.a1_in1k", "imagenet-1k"),
        ("resnet50", "imagenet-1k"),
        ("vit_base_patch16_224.augreg_in21k_ft_in1k", "imagenet-1k"),
        ("swin_tiny_patch4_window7_224.ms_in22k", "imagenet-22k"),
        ("vit_base_patch16_224.augreg_in21k", "imagenet-21k-goog"),
        ("convnext_tiny.in12k", "imagenet-12k"),
    ],
)
def test_classes_go_by_the_tag_and_the_number_of_outputs(name, space):
    found = classes(f"timm:{name}")
    assert found.name == space
    assert found.keys[0].startswith("n")
    if space == "imagenet-1k":
        assert found == known_space(space)


@pytest.mark.parametrize(
    "name",
    [
        "resmlp_12_224.fb_dino",  # 1,000 outputs of another training
        "resnet50?pretrained=false&num_classes=10",
        "resnet50?checkpoint_path=mine.pth",
    ],
)
def test_outputs_that_nobody_names_have_no_classes(name):
    assert classes(f"timm:{name}") is None


def test_a_checkpoint_beside_a_tag_has_the_classes_of_the_tag():
    assert classes("timm:resnet50.a1_in1k?checkpoint_path=x.pth") == known_space("imagenet-1k")
    assert classes("timm:resnet50.a1_in1k?checkpoint_path=x.pth&num_classes=7") is None


def folder(root, **config):
    root.mkdir(exist_ok=True)
    inner = {"input_size": [3, 32, 32], "num_classes": 3, **config.pop("pretrained_cfg", {})}
    content = {"architecture": "test_resnet", "pretrained_cfg": inner, **config}
    (root / "config.json").write_text(json.dumps(content), encoding="utf-8")
    return "timm:local-dir:m"


def test_class_names_of_a_folder(tmp_path):
    listed = folder(tmp_path / "m", label_names=["x", "y", "z"], label_descriptions={"x": "an x"})
    found = classes(listed, tmp_path)
    assert (found.keys, found.names) == (("x", "y", "z"), ("an x", "y", "z"))
    # JSON has no numbers as keys, and sorts nothing.
    numbers = {str(i): f"class {i}" for i in (10, *range(10))}
    assert classes(folder(tmp_path / "m", label_names=numbers), tmp_path).keys[10] == "class 10"
    with pytest.raises(DataError, match="label_names"):
        classes(folder(tmp_path / "m", label_names={"0": "a", "2": "b"}), tmp_path)
    with pytest.raises(DataError, match="occurs twice"):
        classes(folder(tmp_path / "m", label_names=["a", "a"]), tmp_path)


def test_wnids_in_order_are_imagenet(tmp_path):
    imagenet = known_space("imagenet-1k")
    text = folder(tmp_path / "m", label_names=list(imagenet.keys))
    assert classes(text, tmp_path) is imagenet


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("timm:resnet5", "no model 'resnet5'.*Did you mean 'resnet50'"),
        ("timm:resnet50.a9_in1k", r"no weights 'a9_in1k'.*'resnet50\.a"),
        ("timm:local-dir:nowhere", r"there is no .*config.json"),
        ("timm:resnet50@v1?pretrained=false", "only weights of the hub have revisions"),
        ("timm:resnet50?num_classes=7", "a head of 7 would be random"),
        ("timm:resnet50?pretrained=false&num_classes=0", "num_classes is 0"),
        ("timm:resnet50?pretrained=false&in_chans=4", "1 or 3 channels"),
        ("timm:resnet50?pretrained=false&img_size=big", "img_size is 'big'"),
        ("timm:resnet50?sise=3", "no option 'sise'"),
        ("timm:vit_base_patch14_dinov2.lvd142m", "have no classifier"),
    ],
)
def test_what_cannot_be_meant_is_refused(text, words):
    with pytest.raises(UsageError, match=words):
        source(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("timm:test_resnet?seed=1", "a seed is for random weights"),
        ("timm:test_resnet?pretrained=false&seed=x", "seed is 'x'"),
        ("timm:test_byobnet_no?", "not key=value"),
        ("timm:test_vit?checkpoint_path=nowhere.pth", "there is no file"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(text, words):
    with pytest.raises(UsageError, match=words):
        from freshset.models.timm import ADAPTER

        ADAPTER.describe(ModelRef.parse(text), Runtime(offline=True))


def test_a_folder_without_weights_or_with_another_configuration(tmp_path):
    text = folder(tmp_path / "m")
    with pytest.raises(UsageError, match=r"has no weights.*model.safetensors"):
        find_weights(ModelRef.parse(text), source(text, tmp_path), Runtime(root=str(tmp_path)))
    (tmp_path / "m" / "config.json").write_text('{"architectures": ["ViT"]}', encoding="utf-8")
    with pytest.raises(DataError, match=r"names no architecture.*hf:"):
        source(text, tmp_path)
    (tmp_path / "m" / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="not valid JSON"):
        source(text, tmp_path)


def test_old_configurations_have_everything_on_one_level(tmp_path):
    (tmp_path / "m").mkdir()
    content = {
        "architecture": "test_resnet",
        "num_classes": 2,
        "labels": ["no", "yes"],
        "crop_pct": 1,
    }
    (tmp_path / "m" / "config.json").write_text(json.dumps(content), encoding="utf-8")
    found = source("timm:local-dir:m", tmp_path)
    assert found.architecture == "test_resnet"
    assert found.config["crop_pct"] == 1
    assert classes("timm:local-dir:m", tmp_path).keys == ("no", "yes")
