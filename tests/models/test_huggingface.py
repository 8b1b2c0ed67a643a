from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
import transformers
from fakes.hub import NOBODY, hub, point
from models.torch_checkpoints import QUESTIONS, TEXTS, images

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_file
from freshset.models.base import Runtime, stacked
from freshset.models.huggingface import ADAPTER
from freshset.models.reference import ModelRef

IMAGES = images()


def runtime(root=".", **settings):
    return Runtime(device="cpu", root=str(root), **settings)


def describe(text, root=".", **settings):
    return ADAPTER.describe(ModelRef.parse(text), runtime(root, **settings))


def run(text, root, items, **settings):
    model = ADAPTER.load(ModelRef.parse(text), runtime(root, **settings))
    return model.predict(stacked([model.info.preprocessing.prepare(item) for item in items]))


def test_images_run_as_in_transformers(checkpoints):
    folder = str(checkpoints / "images")
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    network = transformers.AutoModelForImageClassification.from_pretrained(folder)
    with torch.inference_mode():
        wanted = network(**processor(IMAGES, return_tensors="pt")).logits.numpy()
    np.testing.assert_allclose(run("hf:images", checkpoints, IMAGES), wanted, atol=1e-5)


def test_what_a_model_does_is_told_by_its_head(checkpoints):
    told = {
        name: (info.task, info.input, info.outputs, info.n_outputs)
        for name in ("images", "text", "questions", "language")
        for info in [describe(f"hf:{name}", checkpoints)]
    }
    assert told == {
        "images": ("classification", "image", "logits", 4),
        "text": ("classification", "text", "logits", 3),
        "questions": ("question-answering", "question", "answers", 0),
        "language": ("language-modelling", "text", "likelihoods", 0),
    }
    assert describe("hf:text", checkpoints).classes.keys == ("negative", "neutral", "positive")


@pytest.mark.parametrize("name", ["images", "text"])
def test_torch_checkpoints_give_what_safetensors_give(checkpoints, tmp_path, name):
    shutil.copytree(checkpoints / name, tmp_path / name)
    safe = tmp_path / name / "model.safetensors"
    from safetensors.torch import load_file

    torch.save(load_file(safe), tmp_path / name / "pytorch_model.bin")
    safe.unlink()
    items = IMAGES if name == "images" else TEXTS
    np.testing.assert_array_equal(
        run(f"hf:{name}", tmp_path, items), run(f"hf:{name}", checkpoints, items)
    )


def test_a_pickle_is_refused_and_accepted_by_trust(checkpoints, tmp_path):
    folder = tmp_path / "text"
    shutil.copytree(checkpoints / "text", folder)
    network = transformers.AutoModelForSequenceClassification.from_pretrained(str(folder))
    (folder / "model.safetensors").unlink()
    torch.save(network, folder / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"pytorch_model.bin: needs to be unpickled"):
        run("hf:text", tmp_path, TEXTS)
    out = run("hf:text", tmp_path, TEXTS, trust=frozenset({"text"}))
    np.testing.assert_array_equal(out, run("hf:text", checkpoints, TEXTS))


def test_a_head_that_is_not_in_the_weights_is_not_made_up(checkpoints, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(checkpoints / "questions", folder)
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["BertForSequenceClassification"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match=r"lack 4 parts of the model, which would be random"):
        run("hf:m", tmp_path, TEXTS)


def test_a_file_that_was_cut_short_or_is_a_web_page(checkpoints, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(checkpoints / "text", folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="cannot load the weights"):
        run("hf:m", tmp_path, TEXTS)
    path.write_bytes(b"<html>")
    with pytest.raises(DataError, match="a web page"):
        run("hf:m", tmp_path, TEXTS)


def test_weights_in_parts(checkpoints, tmp_path):
    network = transformers.AutoModelForSequenceClassification.from_pretrained(
        str(checkpoints / "text")
    )
    shutil.copytree(checkpoints / "text", tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").unlink()
    from freshset.models.huggingface_source import quiet

    with quiet():
        network.save_pretrained(tmp_path / "m", max_shard_size="5KB")
    parts = sorted((tmp_path / "m").glob("model-*.safetensors"))
    assert len(parts) > 1
    np.testing.assert_array_equal(run("hf:m", tmp_path, TEXTS), run("hf:text", checkpoints, TEXTS))
    whole = describe("hf:m", tmp_path).weights
    parts[0].write_bytes(parts[0].read_bytes() + b" ")
    assert describe("hf:m", tmp_path).weights != whole
    parts[0].unlink()
    with pytest.raises(UsageError, match=f"lacks {parts[0].name}"):
        describe("hf:m", tmp_path)


def test_configuration_and_weights_make_the_identity_and_labels_do_not(checkpoints, tmp_path):
    shutil.copytree(checkpoints / "text", tmp_path / "text")
    path = tmp_path / "text" / "config.json"
    before = describe("hf:text", tmp_path).weights
    network = describe("hf:text", tmp_path).network
    assert before == describe("hf:text", checkpoints).weights
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"id2label": {"0": "a", "1": "b", "2": "c"}}))
    assert describe("hf:text", tmp_path).weights == before
    assert describe("hf:text", tmp_path).network == network
    path.write_text(json.dumps(config | {"activation": "relu"}))
    assert describe("hf:text", tmp_path).weights != before
    assert describe("hf:text", tmp_path).network != network


def test_checksums_are_of_the_file(checkpoints):
    digest = sha256_file(checkpoints / "text" / "model.safetensors")
    describe(f"hf:text?sha256={digest}", checkpoints)
    with pytest.raises(DataError, match="not the one asked for"):
        describe(f"hf:text?sha256={'0a' * 32}", checkpoints)


def test_a_model_of_the_hub_runs_and_then_needs_no_hub(checkpoints, tmp_path, monkeypatch):
    files = {path.name: path.read_bytes() for path in (checkpoints / "questions").iterdir()}
    with hub({"me/answers": files}) as (address, asked):
        point(monkeypatch, address, tmp_path)
        planned = describe("hf:me/answers@main")
        assert planned.download == len(files["model.safetensors"])
        assert not any("GET" in line and "safetensors" in line for line in asked)
        answers = run("hf:me/answers@main", ".", QUESTIONS)
    point(monkeypatch, NOBODY, tmp_path)
    for offline in (True, False):
        later = describe("hf:me/answers@main", offline=offline)
        assert (later.weights, later.download) == (planned.weights, 0)
    assert answers == run("hf:questions", checkpoints, QUESTIONS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hf:nowhere/at-all", r"no folder .*nowhere/at-all.*offline"),
        ("hf:a/b/c", "not the name of a hub repository"),
        ("hf:text@v1", "only models of the hub have revisions"),
        ("hf:text?stride=3", "no option 'stride'"),
        ("hf:images?max_length=3", "no option 'max_length'"),
    ],
)
def test_what_cannot_be_meant_is_refused(checkpoints, tmp_path, monkeypatch, text, words):
    point(monkeypatch, NOBODY, tmp_path)
    with pytest.raises(UsageError, match=words):
        describe(text, checkpoints, offline=True)


def test_the_hub_is_not_listed():
    assert not ADAPTER.expand("*")


def test_features_are_the_hidden_states_of_transformers(checkpoints):
    folder = str(checkpoints / "images")
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    network = transformers.AutoModelForImageClassification.from_pretrained(folder)
    with torch.inference_mode():
        inputs = processor(IMAGES, return_tensors="pt")
        wanted = network.resnet(**inputs, output_hidden_states=True)
    model = ADAPTER.load(ModelRef.parse("hf:images"), runtime(checkpoints))
    batch = stacked([model.info.preprocessing.prepare(image) for image in IMAGES])
    for layer, want in (
        ("penultimate", wanted.pooler_output.flatten(1)),
        ("resnet.encoder.stages.0", wanted.hidden_states[1].mean(dim=(2, 3))),
        ("resnet.encoder", wanted.last_hidden_state.mean(dim=(2, 3))),
    ):
        np.testing.assert_allclose(model.features(batch, layer, "mean"), want, atol=1e-5)


def train(text, root, **settings):
    return ADAPTER.trainable(ModelRef.parse(text), runtime(root), n_outputs=6, **settings)


def test_training_keeps_all_weights_but_the_head(checkpoints):
    made = train("hf:images", checkpoints, start="pretrained", seed=1)
    network = transformers.AutoModelForImageClassification.from_pretrained(
        str(checkpoints / "images")
    )
    state = network.state_dict(prefix="network.")
    kept = made.network.state_dict()
    differ = {name for name, value in kept.items() if not torch.equal(value, state[name])}
    (head,) = made.head
    assert differ == {f"{head}.weight", f"{head}.bias"}
    assert made.network(torch.zeros(2, 3, 32, 32)).shape == (2, 6)
    assert (made.info.n_outputs, made.info.classes) == (6, None)


def test_training_from_scratch_needs_no_weights(checkpoints, tmp_path):
    shutil.copytree(checkpoints / "images", tmp_path / "images")
    (tmp_path / "images" / "model.safetensors").unlink()
    path = tmp_path / "images" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"dtype": "float16"}))
    before = torch.random.get_rng_state()
    first, again, other = (
        train("hf:images", tmp_path, start="random", seed=seed).network.state_dict()
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    name = "network.resnet.embedder.embedder.convolution.weight"
    assert not torch.equal(first[name], other[name])
    # Made in single precision, not in that in which the weights were saved.
    assert not torch.equal(first[name], first[name].half().float())


def test_models_for_texts_are_not_trained(checkpoints):
    with pytest.raises(UsageError, match="only models for images can be trained"):
        train("hf:text", checkpoints, start="pretrained", seed=0)
