from __future__ import annotations

import json
import logging
import shutil

import pytest
from transformers.utils import logging as transformers_logging

from freshset.core.errors import DataError, UsageError
from freshset.core.spaces import known_space
from freshset.models.base import Runtime
from freshset.models.huggingface_source import (
    classes_of,
    quiet,
    source_of,
    tokeniser_digest,
    weight_files,
)
from freshset.models.reference import ModelRef


class Config:
    def __init__(self, labels):
        self.id2label = dict(enumerate(labels))


def test_labels_are_classes_where_they_say_something():
    assert classes_of(Config(["no", "yes"])).keys == ("no", "yes")
    assert classes_of(Config(["LABEL_0", "LABEL_1"])) is None
    assert classes_of(Config(["same", "same"])) is None


def test_imagenet_is_known_by_its_readable_names():
    imagenet = known_space("imagenet-1k")
    # As models of transformers have them: several words a class, some of them twice.
    labels = [f"{name}, also called so" for name in imagenet.names]
    labels[134] = labels[517] = "crane"
    assert classes_of(Config(labels)) is imagenet
    with_background = classes_of(Config(["background", *labels]))
    assert with_background.keys == ("background", *imagenet.keys)
    assert classes_of(Config([f"{name}, also" for name in reversed(imagenet.names)])) != imagenet


def open_(folder, **config):
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(json.dumps(json.loads(text) | config))
    return source_of(ModelRef.parse(f"hf:{folder.name}"), Runtime(root=str(folder.parent)))


@pytest.fixture
def folder(checkpoints, tmp_path):
    shutil.copytree(checkpoints / "text", tmp_path / "m")
    return tmp_path / "m"


def test_folders_that_cannot_be_scored_are_refused(folder):
    with pytest.raises(UsageError, match=r"its head \(BertModel\) gives nothing"):
        open_(folder, architectures=["BertModel"])
    with pytest.raises(UsageError, match="none named"):
        open_(folder, architectures=None)
    with pytest.raises(UsageError, match="timm:hf-hub:m"):
        open_(folder, architectures=None, architecture="resnet50")


def test_models_with_a_program_of_their_own_are_not_run(folder):
    auto = {"AutoConfig": "mine.Config", "AutoModelForSequenceClassification": "mine.Model"}
    (folder / "mine.py").write_text("raise SystemExit")
    with pytest.raises(DataError, match="transformers cannot read"):
        open_(folder, model_type="mine", auto_map=auto)


def test_folders_that_are_not_whole(folder):
    source = open_(folder)
    assert [path.name for path in weight_files(source)] == ["model.safetensors"]
    (folder / "model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"no weights.*pytorch_model.bin"):
        weight_files(source)
    index = folder / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"a": "../elsewhere.safetensors"}}')
    with pytest.raises(DataError, match="outside its folder"):
        weight_files(source)
    index.write_text("[]")
    with pytest.raises(DataError, match="no list of weight files"):
        weight_files(source)
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(UsageError, match="has no tokeniser"):
        tokeniser_digest(source)
    (folder / "config.json").unlink()
    with pytest.raises(UsageError, match=r"has no config.json"):
        source_of(ModelRef.parse("hf:m"), Runtime(root=str(folder.parent)))


def test_the_tokeniser_is_told_by_its_files(folder):
    before = tokeniser_digest(open_(folder))
    (folder / "README.md").write_text("nothing to do with it")
    assert tokeniser_digest(open_(folder)) == before
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace('"good"', '"great"'))
    assert tokeniser_digest(open_(folder)) != before


def test_settings_of_transformers_are_put_back():
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.INFO)
    bars = transformers_logging.is_progress_bar_enabled()
    try:
        with pytest.raises(ZeroDivisionError), quiet():
            assert not transformers_logging.is_progress_bar_enabled()
            assert transformers_logging.get_verbosity() == logging.ERROR
            raise ZeroDivisionError
        assert transformers_logging.get_verbosity() == logging.INFO
        assert transformers_logging.is_progress_bar_enabled() == bars
    finally:
        transformers_logging.set_verbosity(level)
