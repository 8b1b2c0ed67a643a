from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from models.torch_checkpoints import TEXTS, WORDS, save, seeded, tokeniser

from freshset.models import huggingface_language
from freshset.models.base import Runtime
from freshset.models.huggingface import ADAPTER
from freshset.models.huggingface_language import windows
from freshset.models.reference import ModelRef


def load(text, root):
    return ADAPTER.load(ModelRef.parse(text), Runtime(device="cpu", root=str(root)))


@pytest.fixture(scope="module")
def language(checkpoints):
    folder = str(checkpoints / "language")
    network = transformers.AutoModelForCausalLM.from_pretrained(folder)
    return transformers.AutoTokenizer.from_pretrained(folder), network.eval()


def nats(language, text, length=16, stride=8):
    """One token after the other, each with the context that its window gives it."""
    words, network = language
    ids = [words.bos_token_id, *words(text)["input_ids"]]
    total = 0.0
    for target in range(1, len(ids)):
        # The end of the window in which the token is scored for the first time.
        stop = length if target <= length else length + -(-(target - length) // stride) * stride
        stop = min(stop, len(ids) - 1)
        before = ids[max(0, stop - length) : target]
        with torch.inference_mode():
            logits = network(torch.tensor([before])).logits[0, -1].double()
        total -= torch.log_softmax(logits, dim=0)[ids[target]].item()
    return total, len(ids) - 1


@pytest.mark.parametrize("stride", [1, 5, 8, 16])
def test_likelihoods_are_those_of_every_token_in_its_window(checkpoints, language, stride):
    found = load(f"hf:language?stride={stride}", checkpoints).predict(TEXTS)
    assert found.dtype == np.float64
    for text, row in zip(TEXTS, found, strict=True):
        total, tokens = nats(language, text, stride=stride)
        assert row[0] == pytest.approx(total, rel=1e-5)
        assert row[1] == tokens == len(text.split())
        assert row[2] == len(text.encode())


def test_a_text_that_fits_is_the_loss_of_transformers(checkpoints, language):
    words, network = language
    ids = torch.tensor([[words.bos_token_id, *words(TEXTS[0])["input_ids"]]])
    with torch.inference_mode():
        loss = network(ids, labels=ids).loss.item()
    nats_, tokens, _ = load("hf:language", checkpoints).predict(TEXTS[:1])[0]
    assert nats_ == pytest.approx(loss * tokens, rel=1e-5)


def test_bytes_are_not_characters_and_nothing_costs_nothing(checkpoints):
    found = load("hf:language", checkpoints).predict(["", "é dog"])
    assert found[0].tolist() == [0, 0, 0]
    assert found[1, 2] == 6


def test_the_order_and_size_of_passes_changes_nothing(checkpoints, monkeypatch):
    whole = load("hf:language", checkpoints).predict(TEXTS)
    monkeypatch.setattr(huggingface_language, "_LOGIT_BYTES", 1)
    np.testing.assert_allclose(load("hf:language", checkpoints).predict(TEXTS), whole, rtol=1e-5)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_tokeniser_without_a_first_token_does_not_score_it(tmp_path, side):
    config = transformers.GPT2Config(
        vocab_size=2 + len(WORDS), n_embd=16, n_layer=1, n_head=2, n_positions=16,
        initializer_range=0.5,
    )  # fmt: skip
    network = seeded(lambda: transformers.GPT2LMHeadModel(config))
    names = {"pad_token": "[PAD]", "padding_side": side, "model_max_length": 16}
    save(tmp_path / "m", network, tokeniser(["[UNK]", "[PAD]"], **names))
    found = load("hf:m", tmp_path).predict(["the cat sat"])
    assert found[0, 1] == 2


@pytest.mark.parametrize("tokens", [0, 1, 2, 16, 17, 18, 40])
@pytest.mark.parametrize(("length", "stride"), [(16, 16), (16, 5), (4, 1), (1, 1)])
def test_windows_score_every_token_but_the_first_once(tokens, length, stride):
    seen = []
    for window in windows(tokens, length, stride):
        assert 0 < window.stop - window.start <= length
        assert window.scored <= window.stop - window.start
        seen += range(window.stop - window.scored + 1, window.stop + 1)
    assert seen == list(range(1, tokens))
