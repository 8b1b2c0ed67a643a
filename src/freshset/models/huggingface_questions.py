"""Extractive question answering with transformers: the best span over all windows of a text.

Question and text go through the model together, long texts in windows that share ``stride`` tokens,
as in the SQuAD script of transformers.  Of all spans inside the text of at most
``max_answer_length`` tokens, the one with the largest sum of start and end logit is the answer; all
spans are compared, and not only those of the 20 best starts and ends.  With ``no_answer=true``
the answer is empty where the sum of both logits of the first special token (the smallest over the
windows, as in that script) is larger.  Devlin et al. 2019 (arXiv:1810.04805), section 4.2 and 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from freshset.core.errors import DataError
from freshset.models.base import ModelInfo, Runtime
from freshset.models.huggingface_source import Source, load_tokeniser, quiet
from freshset.models.huggingface_text import TextLimits, padded
from freshset.models.torch_runtime import TorchRunner


@dataclass(frozen=True, slots=True)
class _Window:
    """One pass: a question with a part of its text.

    Attributes
    ----------
    question
        Which of the batch.
    spans
        For every token of the text its place in it, (-1, -1) for all other tokens.
    """

    question: int
    inputs: dict[str, list[int]]
    spans: npt.NDArray[np.int64]


class QuestionModel:
    """Answers questions by a span of the text; a `freshset.models.base.Model`."""

    def __init__(
        self, info: ModelInfo, source: Source, network: Any, limits: TextLimits, runtime: Runtime
    ) -> None:
        self._runner = TorchRunner(network, runtime)
        self._tokeniser = load_tokeniser(source)
        if not self._tokeniser.is_fast:
            raise DataError(
                f"{source.ref}: its tokeniser does not say where in the text a token stands.",
                "Save a fast one (tokenizer.json) beside the model.",
            )
        self._limits = limits
        self.info = self._runner.described(info)

    def predict(self, batch: Sequence[Any]) -> list[str]:
        """Return one answer a question, empty where there is none; see `Model.predict`.

        Parameters
        ----------
        batch
            Questions with the attributes ``question`` and ``context``.
        """
        windows = self._windows(batch)
        step = 1 if self._tokeniser.pad_token_id is None else max(len(batch), 1)
        best: list[tuple[float, str]] = [(-np.inf, "")] * len(batch)
        null = np.full(len(batch), np.inf)
        for first in range(0, len(windows), step):
            part = windows[first : first + step]
            for window, (start, end) in zip(part, self._logits(part), strict=True):
                i = window.question
                special = self._special(window)
                null[i] = min(null[i], start[special] + end[special])
                score, place = best_span(start, end, window.spans, self._limits.max_answer_length)
                if score > best[i][0]:
                    best[i] = score, batch[i].context[place[0] : place[1]]
        if not self._limits.no_answer:
            return [text for _, text in best]
        return ["" if null[i] > score else text for i, (score, text) in enumerate(best)]

    def _windows(self, batch: Sequence[Any]) -> list[_Window]:
        # What leading blanks would take of a window is lost for the text.
        questions = [self._shortened(item.question.lstrip()) for item in batch]
        with quiet():
            encoded = self._tokeniser(
                questions,
                [item.context for item in batch],
                truncation="only_second",
                max_length=self._limits.max_length,
                stride=self._limits.stride,
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
            )
        names = [n for n in ("input_ids", "attention_mask", "token_type_ids") if n in encoded]
        windows = []
        for row, question in enumerate(encoded["overflow_to_sample_mapping"]):
            spans = np.full((len(encoded["input_ids"][row]), 2), -1, dtype=np.int64)
            for token, part in enumerate(encoded.sequence_ids(row)):
                if part == 1:
                    spans[token] = encoded["offset_mapping"][row][token]
            inputs = {name: encoded[name][row] for name in names}
            windows.append(_Window(int(question), inputs, spans))
        return windows

    def _shortened(self, question: str) -> str:
        """Cut a question that would leave less than half a window for the text."""
        with quiet():
            offsets = self._tokeniser(
                question, add_special_tokens=False, return_offsets_mapping=True
            )["offset_mapping"]
        most = self._limits.max_length // 2 - 4
        return question if len(offsets) <= most else question[: offsets[max(most, 1) - 1][1]]

    def _logits(
        self, windows: Sequence[_Window]
    ) -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
        inputs = padded(self._tokeniser, [window.inputs for window in windows], self._runner.device)

        def forward() -> torch.Tensor:
            out = self._runner.network(**inputs)
            return torch.stack([out.start_logits, out.end_logits])

        logits = self._runner.run(forward)
        left = self._tokeniser.padding_side == "left"
        out = []
        for row, window in enumerate(windows):
            length = len(window.spans)
            kept = logits[:, row, -length:] if left else logits[:, row, :length]
            out.append((kept[0], kept[1]))
        return out

    def _special(self, window: _Window) -> int:
        ids = window.inputs["input_ids"]
        special = self._tokeniser.cls_token_id
        return ids.index(special) if special in ids else 0


def best_span(
    start: npt.NDArray[np.float32],
    end: npt.NDArray[np.float32],
    spans: npt.NDArray[np.int64],
    longest: int,
) -> tuple[float, tuple[int, int]]:
    """Find the span of the text with the largest sum of start and end logit.

    Parameters
    ----------
    start, end
        Logits, shape (tokens,).
    spans
        Shape (tokens, 2): the place of each token in the text, -1 for tokens outside it.
    longest
        Most tokens of a span.

    Returns
    -------
    score
        The sum; minus infinity when the window holds nothing of the text.
    place
        First character and the one after the last.
    """
    inside = np.flatnonzero(spans[:, 0] >= 0)
    if inside.size == 0:
        return -np.inf, (0, 0)
    sums = start[inside, None].astype(np.float64) + end[None, inside]
    length = inside[None, :] - inside[:, None]
    sums[(length < 0) | (length >= longest)] = -np.inf
    first, last = np.unravel_index(int(sums.argmax()), sums.shape)
    place = int(spans[inside[first], 0]), int(spans[inside[last], 1])
    return float(sums[first, last]), place
