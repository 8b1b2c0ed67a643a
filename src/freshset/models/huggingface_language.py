"""Causal language models of transformers: the likelihood of whole documents.

A document begins after the model's own beginning (or end) token, so that all its tokens are scored
and none is given; a tokeniser that has neither scores all but the first.  Documents longer than the
context go through in windows that move by ``stride`` tokens, each scoring only tokens that no earlier
window scored: the protocol of the transformers' page on perplexity.  A smaller stride gives every
token more context, and costs as much more.  Perplexity a token depends on the tokeniser; bits a byte
do not, which is why bytes are counted as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from freshset.models.base import ModelInfo, Runtime
from freshset.models.huggingface_source import Source, load_tokeniser, quiet
from freshset.models.huggingface_text import TextLimits, padded
from freshset.models.torch_runtime import TorchRunner

# Logits of one pass may take so many bytes; there is one for every token and entry of the vocabulary.
_LOGIT_BYTES = 1 << 29
_NOT_SCORED = -100  # torch's default ignore_index


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a document that goes through the model at once.

    Attributes
    ----------
    start, stop
        The window's inputs are tokens ``start .. stop - 1``, its targets one further.
    scored
        How many of the last targets count.
    """

    start: int
    stop: int
    scored: int


def windows(tokens: int, length: int, stride: int) -> list[Window]:
    """Cover a document so that every token but the first is scored exactly once.

    Parameters
    ----------
    tokens
        Of the document, with what stands before it.
    length
        Most tokens of a window.
    stride
        Tokens by which it moves.
    """
    out: list[Window] = []
    done = 0
    while done < tokens - 1:
        stop = min(done + (length if not out else stride), tokens - 1)
        out.append(Window(max(0, stop - length), stop, stop - done))
        done = stop
    return out


class LanguageModel:
    """Scores documents; a `freshset.models.base.Model`."""

    def __init__(
        self, info: ModelInfo, source: Source, network: Any, limits: TextLimits, runtime: Runtime
    ) -> None:
        self._runner = TorchRunner(network, runtime)
        self._tokeniser = load_tokeniser(source)
        self._limits = limits
        bos, eos = self._tokeniser.bos_token_id, self._tokeniser.eos_token_id
        self._before = [eos if bos is None else bos] if (bos, eos) != (None, None) else []
        self.info = self._runner.described(info)

    def predict(self, batch: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return nats, tokens scored and UTF-8 bytes of n documents; see `Model.predict`."""
        with quiet():
            encoded = self._tokeniser(list(batch), add_special_tokens=False)["input_ids"]
        documents = [self._before + list(ids) for ids in encoded]
        out = np.zeros((len(batch), 3), dtype=np.float64)
        out[:, 2] = [len(text.encode()) for text in batch]
        todo = [
            (row, window)
            for row, ids in enumerate(documents)
            for window in windows(len(ids), self._limits.max_length, self._limits.stride)
        ]
        step = self._together()
        for first in range(0, len(todo), step):
            part = todo[first : first + step]
            for (row, window), nats in zip(part, self._nats(documents, part), strict=True):
                out[row, 0] += nats
                out[row, 1] += window.scored
        return out

    def _together(self) -> int:
        size = self._limits.max_length * int(self._runner.network.config.vocab_size) * 4
        return max(1, _LOGIT_BYTES // size)

    def _nats(
        self, documents: Sequence[list[int]], part: Sequence[tuple[int, Window]]
    ) -> npt.NDArray[np.float64]:
        rows = []
        length = max(window.stop - window.start for _, window in part)
        targets = torch.full((len(part), length), _NOT_SCORED)
        left = self._tokeniser.padding_side == "left"
        for i, (row, window) in enumerate(part):
            ids = documents[row][window.start : window.stop]
            rows.append({"input_ids": ids, "attention_mask": [1] * len(ids)})
            last = length if left else len(ids)
            wanted = documents[row][window.stop - window.scored + 1 : window.stop + 1]
            targets[i, last - window.scored : last] = torch.tensor(wanted)
        inputs = padded(self._tokeniser, rows, self._runner.device)
        targets = targets.to(self._runner.device)

        def forward() -> torch.Tensor:
            logits = self._runner.network(**inputs, use_cache=False).logits.float()
            return torch.nn.functional.cross_entropy(
                logits.transpose(1, 2), targets, ignore_index=_NOT_SCORED, reduction="none"
            )

        nats: npt.NDArray[np.float64] = self._runner.run(forward).sum(axis=1, dtype=np.float64)
        return nats
