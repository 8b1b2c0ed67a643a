"""Texts through transformers: how much of a text a model sees at once, and text classification.

``max_length`` is the most tokens of one pass, special ones included: by default what tokeniser and
network take (of models for answers at most 384).  A text classifier sees the beginning of a longer
text and nothing else; models for answers and for language see all of it in overlapping windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from freshset.core.errors import UsageError
from freshset.core.files import read_json
from freshset.models.base import ModelInfo, Runtime
from freshset.models.huggingface_source import Kind, Source, load_tokeniser, quiet
from freshset.models.torch_runtime import TorchRunner

# Positions count from the padding id on in these, so the last ones cannot be used.
_OFFSET_POSITIONS = {
    "roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "roberta-prelayernorm", "xmod",
    "data2vec-text", "longformer", "mpnet", "ibert", "luke",
}  # fmt: skip
_SIZES = ("max_position_embeddings", "n_positions", "max_seq_len")
# Tokenisers that know no limit name a number beyond all texts.
_NO_LIMIT = 1_000_000
_LONGEST_QUESTION_PASS, _OVERLAP, _LONGEST_ANSWER = 384, 128, 30
_UNLIMITED_LANGUAGE = 2048


@dataclass(frozen=True, slots=True)
class TextLimits:
    """How texts are cut.

    Attributes
    ----------
    kind
        What the model does.
    max_length
        Most tokens of one pass; 0 for no limit.
    stride
        Of models for answers: tokens that neighbouring windows share.  Of language models: tokens
        by which the window moves, so that each token but the first has at least
        ``max_length - stride`` before it.
    max_answer_length
        Most tokens of an answer.
    no_answer
        Whether a question may have no answer in the text (SQuAD 2.0).
    """

    kind: Kind
    max_length: int
    stride: int = 0
    max_answer_length: int = 0
    no_answer: bool = False

    @property
    def text(self) -> str:
        """Canonical text of the limits that count for this kind."""
        parts = [f"max_length={self.max_length}"]
        if self.kind != "text":
            parts.append(f"stride={self.stride}")
        if self.kind == "question":
            parts.append(f"max_answer_length={self.max_answer_length} no_answer={self.no_answer}")
        return " ".join(parts)


def limits_of(source: Source) -> TextLimits:
    """Return how a model's texts are cut, from its files and the options of the reference.

    Raises
    ------
    UsageError
        For options that are no numbers or more than the model takes.
    """
    ref, most = source.ref, _most(source)
    if source.kind == "text":
        return TextLimits("text", _number(ref, "max_length", most, most))
    if source.kind == "question":
        length = _number(
            ref, "max_length", min(most or _LONGEST_QUESTION_PASS, _LONGEST_QUESTION_PASS), most
        )
        answer = ref.option("no_answer", default=False)
        if not isinstance(answer, bool):
            raise UsageError(f"{ref}: no_answer is {answer!r}.", "Use true or false.")
        return TextLimits(
            "question",
            length,
            _number(ref, "stride", min(_OVERLAP, length // 3), max(length // 2 - 1, 1)),
            _number(ref, "max_answer_length", _LONGEST_ANSWER, 0),
            answer,
        )
    length = _number(ref, "max_length", most or _UNLIMITED_LANGUAGE, most)
    return TextLimits("language", length, _number(ref, "stride", max(length // 2, 1), length))


class TextModel:
    """A text classifier; a `freshset.models.base.Model`."""

    def __init__(
        self, info: ModelInfo, source: Source, network: Any, limits: TextLimits, runtime: Runtime
    ) -> None:
        self._runner = TorchRunner(network, runtime)
        self._tokeniser = load_tokeniser(source)
        self._limits = limits
        self.info = self._runner.described(info)

    def predict(self, batch: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return logits of shape (n, n_outputs) for n texts; see `Model.predict`."""
        length = self._limits.max_length
        with quiet():
            encoded = self._tokeniser(
                list(batch), truncation=bool(length), max_length=length or None
            )
        rows = [{name: values[i] for name, values in encoded.items()} for i in range(len(batch))]
        if self._tokeniser.pad_token_id is None:
            # Without padding, texts of different lengths do not fit into one tensor.
            return np.concatenate([self._logits([row]) for row in rows])
        return self._logits(rows)

    def _logits(self, rows: Sequence[Mapping[str, list[int]]]) -> npt.NDArray[np.float32]:
        inputs = padded(self._tokeniser, rows, self._runner.device)
        return self._runner.run(lambda: self._runner.network(**inputs).logits)


def padded(
    tokeniser: Any, rows: Sequence[Mapping[str, list[int]]], device: torch.device
) -> dict[str, torch.Tensor]:
    """Pad token ids, masks and types of several texts to one length, on the tokeniser's side."""
    length = max(len(row["input_ids"]) for row in rows)
    left = tokeniser.padding_side == "left"
    pads = {"input_ids": tokeniser.pad_token_id or 0, "attention_mask": 0, "token_type_ids": 0}
    out = {}
    for name, pad in pads.items():
        if name not in rows[0]:
            continue
        filled = []
        for row in rows:
            rest = [pad] * (length - len(row[name]))
            filled.append(rest + row[name] if left else row[name] + rest)
        out[name] = torch.tensor(filled, device=device)
    return out


def _most(source: Source) -> int:
    """Tokens that tokeniser and network take; 0 when neither says."""
    path = source.folder / "tokenizer_config.json"
    said = read_json(path).get("model_max_length") if path.is_file() else None
    limits = [int(said)] if isinstance(said, int | float) and said < _NO_LIMIT else []
    size = next((getattr(source.config, name, None) for name in _SIZES), None)
    if isinstance(size, int) and size > 0:
        if source.config.model_type in _OFFSET_POSITIONS:
            size -= (source.config.pad_token_id or 0) + 1
        limits.append(size)
    return min(limits, default=0)


def _number(ref: Any, name: str, default: int, most: int) -> int:
    value = ref.option(name, default)
    if type(value) is not int or value < 0 or (name in ref.options and value == 0):
        raise UsageError(f"{ref}: {name} is {value!r}.", "Use a whole number from 1 on.")
    if most and value > most:
        raise UsageError(f"{ref}: {name} is {value}, and the model takes at most {most}.")
    return value
