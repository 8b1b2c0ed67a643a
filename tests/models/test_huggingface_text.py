from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
import transformers
from models.torch_checkpoints import TEXTS, WORDS, save, seeded, tokeniser

from freshset.core.errors import UsageError
from freshset.models.base import Runtime
from freshset.models.huggingface import ADAPTER
from freshset.models.huggingface_source import source_of
from freshset.models.huggingface_text import limits_of, padded
from freshset.models.reference import ModelRef


def load(text, root):
    return ADAPTER.load(ModelRef.parse(text), Runtime(device="cpu", root=str(root)))


def limits(text, root):
    return limits_of(source_of(ModelRef.parse(text), Runtime(root=str(root))))


def test_texts_are_classified_as_in_transformers(checkpoints):
    folder = str(checkpoints / "text")
    network = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    words = transformers.AutoTokenizer.from_pretrained(folder)
    wanted = []
    for text in TEXTS:
        inputs = words(text, truncation=True, max_length=32, return_tensors="pt")
        with torch.inference_mode():
            wanted.append(network(**inputs).logits[0].numpy())
    found = load("hf:text", checkpoints).predict(TEXTS)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert np.ptp(found, axis=0).min() > 1e-3  # the texts are told apart


def test_only_the_beginning_of_a_text_counts(checkpoints):
    model = load("hf:text?max_length=4", checkpoints)
    same = model.predict(["good film", "good film bad bad"])
    np.testing.assert_allclose(same[0], same[1], atol=1e-6)
    assert model.info.preprocessing.key.endswith("max_length=4")


def test_a_tokeniser_without_padding_takes_texts_one_by_one(tmp_path):
    config = transformers.GPT2Config(
        vocab_size=2 + len(WORDS), n_embd=16, n_layer=1, n_head=2, n_positions=16,
        bos_token_id=1, eos_token_id=1, num_labels=2,
    )  # fmt: skip
    network = seeded(lambda: transformers.GPT2ForSequenceClassification(config))
    names = {"eos_token": "<|end|>", "model_max_length": 16}
    save(tmp_path / "m", network, tokeniser(["[UNK]", "<|end|>"], **names))
    model = load("hf:m", tmp_path)
    found = model.predict(["good film", "the cat sat on the mat"])
    np.testing.assert_allclose(found[1], model.predict(["the cat sat on the mat"])[0], atol=1e-6)
    assert found.shape == (2, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hf:text", "max_length=32"),
        ("hf:text?max_length=5", "max_length=5"),
        ("hf:language", "max_length=16 stride=8"),
        ("hf:language?stride=16&max_length=16", "max_length=16 stride=16"),
        ("hf:questions", "max_length=32 stride=10 max_answer_length=30 no_answer=False"),
        (
            "hf:questions?no_answer=true&stride=3",
            "max_length=32 stride=3 max_answer_length=30 no_answer=True",
        ),
    ],
)
def test_limits_are_those_of_the_model_and_the_options(checkpoints, text, words):
    assert limits(text, checkpoints).text == words


@pytest.mark.parametrize(
    "option", ["max_length=33", "max_length=0", "max_length=x", "max_length=1.5", "max_length=true"]
)
def test_limits_that_cannot_be_are_refused(checkpoints, option):
    with pytest.raises(UsageError, match="max_length is"):
        limits(f"hf:text?{option}", checkpoints)


def test_answers_that_are_neither_true_nor_false_are_refused(checkpoints):
    with pytest.raises(UsageError, match="no_answer is 'maybe'"):
        limits("hf:questions?no_answer=maybe", checkpoints)
    with pytest.raises(UsageError, match="stride is 20, and the model takes at most 15"):
        limits("hf:questions?stride=20", checkpoints)


def test_positions_that_begin_after_the_padding_cannot_be_used(checkpoints, tmp_path):
    config = transformers.RobertaConfig(
        vocab_size=40, hidden_size=16, num_attention_heads=2, num_hidden_layers=1,
        intermediate_size=16, max_position_embeddings=34, pad_token_id=1,
    )  # fmt: skip
    network = seeded(lambda: transformers.RobertaForSequenceClassification(config))
    save(tmp_path / "m", network)
    for path in (checkpoints / "text").glob("tokenizer*"):
        text = path.read_text().replace('"model_max_length": 32', '"model_max_length": 1e30')
        (tmp_path / "m" / path.name).write_text(text)
    assert limits("hf:m", tmp_path).max_length == 32
    assert load("hf:m", tmp_path).predict(["good " * 90]).shape == (1, 2)


def test_padding_goes_to_the_side_of_the_tokeniser():
    class Words:
        padding_side = "left"
        pad_token_id = 9

    rows = [
        {"input_ids": [1, 2], "attention_mask": [1, 1]},
        {"input_ids": [3], "attention_mask": [1]},
    ]
    left = padded(Words, rows, torch.device("cpu"))
    assert left["input_ids"].tolist() == [[1, 2], [9, 3]]
    assert left["attention_mask"].tolist() == [[1, 1], [0, 1]]
    Words.padding_side = "right"
    assert padded(Words, rows, torch.device("cpu"))["input_ids"].tolist() == [[1, 2], [3, 9]]


def test_a_folder_without_a_tokeniser_is_refused(checkpoints, tmp_path):
    shutil.copytree(checkpoints / "text", tmp_path / "m")
    for path in (tmp_path / "m").glob("tokenizer*"):
        path.unlink()
    with pytest.raises(UsageError, match="no tokeniser"):
        ADAPTER.describe(ModelRef.parse("hf:m"), Runtime(root=str(tmp_path)))
