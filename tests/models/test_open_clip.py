from __future__ import annotations

import json
import logging
import shutil

import numpy as np
import open_clip
import pytest
import torch
from fakes.hub import NOBODY, hub, point
from models.torch_checkpoints import images
from open_clip.transform import image_transform

from freshset.core.errors import DataError, UsageError
from freshset.core.spaces import known_space
from freshset.models.base import Runtime, stacked
from freshset.models.open_clip import ADAPTER, image_preprocessing
from freshset.models.reference import ModelRef

IMAGES = images()
NAME = "open-clip:local-dir:clip?classes=clip/classes.txt"


def runtime(root=".", **settings):
    return Runtime(device="cpu", root=str(root), **settings)


def describe(text, root=".", **settings):
    return ADAPTER.describe(ModelRef.parse(text), runtime(root, **settings))


def run(text, root=".", **settings):
    model = ADAPTER.load(ModelRef.parse(text), runtime(root, **settings))
    return model.predict(stacked([model.info.preprocessing.prepare(image) for image in IMAGES]))


def by_open_clip(folder, templates, names=("cat", "dog", "red bus")):
    """What open_clip's own functions give."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    name = f"local-dir:{folder}"
    network, _, transform = open_clip.create_model_and_transforms(name)
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
    weights = open_clip.build_zero_shot_classifier(
        network.eval(), open_clip.get_tokenizer(name), names, templates
    )
    with torch.inference_mode():
        features = network.encode_image(
            torch.stack([transform(image) for image in IMAGES]), normalize=True
        )
        return (network.logit_scale.exp() * features @ weights).numpy()


@pytest.mark.parametrize(
    ("option", "templates"),
    [
        ("", ["a photo of a {}."]),
        ("&templates=simple", open_clip.SIMPLE_IMAGENET_TEMPLATES),
        ("&templates=own.txt", ["{} !", "the {}"]),
    ],
)
def test_zero_shot_logits_are_those_of_open_clip(checkpoints, tmp_path, option, templates):
    shutil.copytree(checkpoints / "clip", tmp_path / "clip")
    (tmp_path / "own.txt").write_text("{} !\n\nthe {}\n", encoding="utf-8")
    found = run(NAME + option, tmp_path)
    np.testing.assert_allclose(found, by_open_clip(tmp_path / "clip", templates), atol=1e-4)
    assert found.shape == (len(IMAGES), 3)


@pytest.mark.parametrize("size", [24, (24, 31)])
@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "random"])
def test_pixels_are_those_of_open_clip(size, mode, interpolation):
    config = {"size": size, "resize_mode": mode, "interpolation": interpolation, "fill_color": 7}
    config |= {"mean": (0.1, 0.2, 0.3), "std": (0.5, 0.6, 0.7)}
    transform = image_transform(
        size, is_train=False, mean=config["mean"], std=config["std"], resize_mode=mode,
        interpolation=interpolation, fill_color=7,
    )  # fmt: skip
    ours = image_preprocessing(config)
    for image in IMAGES:
        if mode == "longest" and max(image.size) > 24 * 2 * min(image.size):
            continue  # a side that rounds to nothing, on which open_clip fails
        found = ours.normalise(ours.prepare(image)[None])[0]
        np.testing.assert_array_equal(found, transform(image).numpy())


def test_prompts_are_part_of_what_a_model_is(checkpoints, tmp_path):
    shutil.copytree(checkpoints / "clip", tmp_path / "clip")
    before = describe(NAME, tmp_path)
    assert before.weights == describe(NAME, checkpoints).weights
    assert before.classes.keys == ("cat", "dog", "red bus")
    assert describe(f"{NAME}&templates=simple", tmp_path).weights != before.weights
    (tmp_path / "clip" / "classes.txt").write_text("cat\ndog\nblue bus\n", encoding="utf-8")
    after = describe(NAME, tmp_path)
    assert after.weights != before.weights
    assert after.network == before.network != ""
    path = tmp_path / "clip" / "open_clip_config.json"
    (tmp_path / "clip" / "classes.txt").write_text("cat\ndog\nred bus\n", encoding="utf-8")
    config = json.loads(path.read_text())
    config["model_cfg"]["quick_gelu"] = True
    path.write_text(json.dumps(config))
    after = describe(NAME, tmp_path)
    assert after.weights != before.weights
    assert after.network != before.network


def test_names_in_prompts_may_differ_from_keys(checkpoints, tmp_path):
    shutil.copytree(checkpoints / "clip", tmp_path / "clip")
    table = {"keys": ["n1", "n2", "n3"], "names": ["cat", "dog", "red bus"]}
    (tmp_path / "classes.json").write_text(json.dumps(table), encoding="utf-8")
    reference = "open-clip:local-dir:clip?classes=classes.json"
    np.testing.assert_array_equal(run(reference, tmp_path), run(NAME, checkpoints))
    assert describe(reference, tmp_path).classes.keys == ("n1", "n2", "n3")


def test_imagenet_is_the_default(checkpoints):
    info = describe("open-clip:local-dir:clip", checkpoints)
    assert info.classes is known_space("imagenet-1k")
    plain = describe("open-clip:local-dir:clip?templates=plain", checkpoints)
    assert plain.weights != info.weights  # 80 templates, as in the paper, are the default here
    model = ADAPTER.load(plain.reference, runtime(checkpoints))
    batch = stacked([plain.preprocessing.prepare(image) for image in IMAGES])
    assert model.predict(batch).shape == (len(IMAGES), 1000)


def test_a_pickle_is_refused_and_accepted_by_trust(checkpoints, tmp_path):
    shutil.copytree(checkpoints / "clip", tmp_path / "clip")
    from safetensors.torch import load_file

    class Note:
        pass

    path = tmp_path / "clip" / "open_clip_model.safetensors"
    state = load_file(path)
    torch.save({"state_dict": state}, tmp_path / "safe.pt")
    Note.__module__, Note.__qualname__ = __name__, "Note"
    globals()["Note"] = Note
    torch.save({"state_dict": state, "note": Note()}, tmp_path / "unsafe.pt")
    wanted = run(NAME, tmp_path)
    np.testing.assert_array_equal(run(f"{NAME}&checkpoint=safe.pt", tmp_path), wanted)
    with pytest.raises(DataError, match=r"unsafe.pt: needs to be unpickled.*Note"):
        run(f"{NAME}&checkpoint=unsafe.pt", tmp_path)
    trusted = run(f"{NAME}&checkpoint=unsafe.pt", tmp_path, trust=frozenset({"unsafe.pt"}))
    np.testing.assert_array_equal(trusted, wanted)


def test_weights_of_another_network_and_wrong_checksums_are_refused(checkpoints):
    path = "clip/open_clip_model.safetensors"
    with pytest.raises(DataError, match="do not fit the model"):
        run(f"open-clip:RN50?checkpoint={path}&classes=clip/classes.txt", checkpoints)
    with pytest.raises(DataError, match="not the one asked for"):
        describe(f"{NAME}&sha256={'0a' * 32}", checkpoints)


def test_a_repository_of_the_hub_runs_and_then_needs_no_hub(checkpoints, tmp_path, monkeypatch):
    files = {path.name: path.read_bytes() for path in (checkpoints / "clip").iterdir()}
    reference = "open-clip:hf-hub:me/clip@main?classes=clip/classes.txt"
    with hub({"me/clip": files}) as (address, _):
        point(monkeypatch, address, tmp_path)
        planned = describe(reference, checkpoints)
        assert planned.download == len(files["open_clip_model.safetensors"])
        found = run(reference, checkpoints)
    point(monkeypatch, NOBODY, tmp_path)
    later = describe(reference, checkpoints, offline=True)
    assert (later.weights, later.download) == (planned.weights, 0)
    np.testing.assert_array_equal(found, run(NAME, checkpoints))


def test_weights_get_the_activation_that_they_were_trained_with(checkpoints):
    """open_clip itself only warns: 'ViT-B-32' has GELU, and OpenAI's weights need QuickGELU."""
    from freshset.models.open_clip import _known

    assert _known(ModelRef.parse("open-clip:ViT-B-32/openai")).quick_gelu
    assert not _known(ModelRef.parse("open-clip:ViT-B-32/laion2b_s34b_b79k")).quick_gelu
    assert _known(ModelRef.parse("open-clip:ViT-B-32-quickgelu/openai")).quick_gelu


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("open-clip:ViT-B-33/openai", "no model 'ViT-B-33'.*Did you mean 'ViT-B-32'"),
        ("open-clip:ViT-B-32/opena", "no weights 'opena'.*Did you mean 'openai'"),
        ("open-clip:ViT-B-32", "names no weights"),
        ("open-clip:ViT-B-32/openai", "timm/vit_base_patch32_clip_224.openai .*offline"),
        ("open-clip:ViT-B-32/openai@v1", "only hf-hub: names have revisions"),
        ("open-clip:local-dir:nowhere", "there is no .*open_clip_config.json"),
        ("open-clip:local-dir:clip?classes=none.txt", "there is no file"),
        ("open-clip:local-dir:clip?templates=none.txt", "there is no file"),
        ("open-clip:local-dir:clip?prompt=x", "no option 'prompt'"),
    ],
)
def test_what_cannot_be_meant_is_refused(checkpoints, tmp_path, monkeypatch, text, words):
    point(monkeypatch, NOBODY, tmp_path)
    with pytest.raises(UsageError, match=words):
        describe(text, checkpoints, offline=True)


@pytest.mark.parametrize(
    ("content", "words"),
    [("a photo\n", "has no {}"), ("", "no templates"), (b"\xff{}", "not UTF-8")],
)
def test_templates_that_are_none_are_refused(checkpoints, tmp_path, content, words):
    shutil.copytree(checkpoints / "clip", tmp_path / "clip")
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "t.txt").write_bytes(data)
    with pytest.raises(DataError, match=words):
        describe(f"{NAME}&templates=t.txt", tmp_path)


def test_names_can_be_listed():
    assert "ViT-B-32/laion2b_s34b_b79k" in ADAPTER.expand("ViT-B-32/laion*")
    assert len(ADAPTER.expand("*")) > 100


def test_logging_is_not_set_up(checkpoints):
    root = logging.getLogger()
    before = list(root.handlers), logging.root.manager.disable
    run(NAME, checkpoints)
    assert (list(root.handlers), logging.root.manager.disable) == before


def test_features_are_the_embeddings_of_images(checkpoints):
    model = ADAPTER.load(ModelRef.parse(NAME), runtime(checkpoints))
    batch = stacked([model.info.preprocessing.prepare(image) for image in IMAGES])
    network = model._runner.network
    images_ = torch.from_numpy(model.info.preprocessing.normalise(batch))
    with torch.inference_mode():
        want = network.encode_image(images_)
    assert not np.allclose(want.norm(dim=1), 1)  # as they are, not put on the sphere
    np.testing.assert_allclose(model.features(batch, "penultimate", "mean"), want, atol=1e-5)
    tokens = model.features(batch, "visual.transformer.resblocks.0", "first")
    assert tokens.shape == (len(IMAGES), 16)


def test_training_puts_a_linear_layer_on_the_embeddings(checkpoints):
    ref, settings = ModelRef.parse(NAME), {"n_outputs": 5, "seed": 3}
    made = ADAPTER.trainable(ref, runtime(checkpoints), start="pretrained", **settings)
    model = ADAPTER.load(ref, runtime(checkpoints))
    batch = stacked([model.info.preprocessing.prepare(image) for image in IMAGES])
    images_ = torch.from_numpy(model.info.preprocessing.normalise(batch))
    (name,) = made.head
    with torch.inference_mode():
        found = made.network.eval()(images_)
        features = torch.from_numpy(model.features(batch, "penultimate", "mean"))
        want = made.network.get_submodule(name)(features)
    torch.testing.assert_close(found, want, atol=1e-5, rtol=1e-5)
    assert (found.shape, made.info.n_outputs) == ((len(IMAGES), 5), 5)
    assert not any("text" in name for name, _ in made.network.named_parameters())


def test_training_from_scratch_needs_no_weights(checkpoints, tmp_path):
    shutil.copytree(checkpoints / "clip", tmp_path / "clip")
    (tmp_path / "clip" / "open_clip_model.safetensors").unlink()
    first, again, other = (
        ADAPTER.trainable(
            ModelRef.parse(NAME), runtime(tmp_path), n_outputs=5, start="random", seed=seed
        ).network.state_dict()
        for seed in (1, 1, 2)
    )
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    differ = [name for name, value in first.items() if not torch.equal(value, other[name])]
    assert {"1.weight", "0.network.conv1.weight"} <= set(differ)
