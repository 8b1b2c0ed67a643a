"""Models of Hugging Face transformers: ``hf:FOLDER``, ``hf:owner/name``, ``hf:owner/name@revision``.

What a model does is told by the head that its ``config.json`` names: image classification, text
classification, extractive question answering, or causal language modelling.

Options: ``sha256`` (of the weights, checked); of text models ``max_length`` (most tokens of one
pass), of those for answers and language also ``stride``, and of those for answers
``max_answer_length`` and ``no_answer`` (see `freshset.models.huggingface_text`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import transformers

from freshset.core.errors import UsageError
from freshset.models.base import Model, ModelInfo, Preprocessing, Runtime, Start, Trainable
from freshset.models.hub import HubFile
from freshset.models.huggingface_images import image_preprocessing
from freshset.models.huggingface_language import LanguageModel
from freshset.models.huggingface_questions import QuestionModel
from freshset.models.huggingface_source import (
    Kind,
    Source,
    classes_of,
    empty_network,
    fetch_weights,
    find_weights,
    identified,
    load_network,
    source_of,
    tokeniser_digest,
)
from freshset.models.huggingface_text import TextLimits, TextModel, limits_of
from freshset.models.preprocessing import QuestionPreprocessing, TextPreprocessing
from freshset.models.reference import ModelRef
from freshset.models.torch_runtime import TorchImageModel, check_precision, versions
from freshset.models.trainable import Called, grafted, head_of, seeded, untrained_digest
from freshset.models.weights import check_digest, files_digest

_OPTIONS: dict[Kind, tuple[str, ...]] = {
    "image": ("sha256",),
    "text": ("sha256", "max_length"),
    "question": ("sha256", "max_length", "stride", "max_answer_length", "no_answer"),
    "language": ("sha256", "max_length", "stride"),
}


class HuggingFaceAdapter:
    """Describes models by their small files, and loads the weights when it has to."""

    def expand(self, pattern: str) -> Sequence[str]:  # noqa: ARG002 - the port's signature
        """The hub is not listed."""
        return ()

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        """See `freshset.models.base.Adapter.describe`."""
        return _describe(source_of(ref, runtime), runtime)[0]

    def load(self, ref: ModelRef, runtime: Runtime) -> Model:
        """See `freshset.models.base.Adapter.load`."""
        source = source_of(ref, runtime)
        info, limits = _describe(source, runtime)
        info, network = _loaded(source, info, runtime)
        if limits is None:
            return TorchImageModel(info, network, runtime, _logits)
        models: dict[Kind, Any] = {
            "text": TextModel,
            "question": QuestionModel,
            "language": LanguageModel,
        }
        made: Model = models[source.kind](info, source, network, limits, runtime)
        return made

    def trainable(
        self, ref: ModelRef, runtime: Runtime, *, n_outputs: int, start: Start, seed: int
    ) -> Trainable:
        """See `freshset.models.registry.trainable`; of models for images only."""
        source = source_of(ref, runtime)
        if source.kind != "image":
            raise UsageError(
                f"{ref}: only models for images can be trained, and this one is for {source.kind}.",
                "Leave it out of the study.",
            )
        with seeded(seed):
            network = empty_network(source, n_outputs)
        head = head_of(network, n_outputs, str(ref))
        if start == "random":
            digest = untrained_digest(source.config.model_type, seed, transformers)
            info = _info(source, None, HubFile(None, digest, 0))
        else:
            with seeded(seed):
                info, trained = _loaded(source, _describe(source, runtime)[0], runtime)
            grafted(network, trained, head, str(ref))
        info = replace(info, classes=None, n_outputs=n_outputs)
        return Trainable(Called(network, _logits), tuple(f"network.{name}" for name in head), info)


ADAPTER = HuggingFaceAdapter()


def _logits(network: Any, images: Any) -> Any:
    return network(pixel_values=images).logits


def _loaded(source: Source, info: ModelInfo, runtime: Runtime) -> tuple[ModelInfo, Any]:
    files = fetch_weights(source, runtime)
    digest = files_digest(files)
    check_digest(source.ref, digest)
    info = replace(info, weights=identified(source, digest), download=0)
    return info, load_network(source, files, runtime)


def _describe(source: Source, runtime: Runtime) -> tuple[ModelInfo, TextLimits | None]:
    source.ref.check_options(_OPTIONS[source.kind])
    check_precision(runtime)
    found = find_weights(source, runtime)
    check_digest(source.ref, found.digest)
    limits = None if source.kind == "image" else limits_of(source)
    return _info(source, limits, found), limits


def _info(source: Source, limits: TextLimits | None, found: HubFile) -> ModelInfo:
    info = ModelInfo(
        source.ref,
        "hf/1",
        _preprocessing(source, limits),
        "logits",
        weights=identified(source, found.digest),
        network=identified(source, "network"),
        download=found.download,
        versions=versions(transformers),
    )
    if source.kind == "question":
        return replace(info, task="question-answering", input="question", outputs="answers")
    if source.kind == "language":
        return replace(info, task="language-modelling", input="text", outputs="likelihoods")
    return replace(
        info,
        input="image" if source.kind == "image" else "text",
        classes=classes_of(source.config),
        n_outputs=int(source.config.num_labels),
    )


def _preprocessing(source: Source, limits: TextLimits | None) -> Preprocessing:
    if limits is None:
        return image_preprocessing(source)
    detail = f"tokeniser={tokeniser_digest(source)} {limits.text}"
    if source.kind == "question":
        return QuestionPreprocessing(detail)
    return TextPreprocessing(detail)
