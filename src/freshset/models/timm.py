"""timm image classifiers: ``timm:resnet50.a1_in1k``, ``timm:local-dir:FOLDER``, ``timm:hf-hub:NAME``.

Options: ``checkpoint_path`` (a file of weights for the named architecture), ``sha256`` (of the
weights, checked), ``num_classes``, ``in_chans`` (1 or 3), ``img_size`` (one side), and
``pretrained=false`` with ``seed`` for random weights.

Images are prepared as timm's ``validate.py`` does by default: the weights' own configuration, with
the input size and crop that it names for testing where it does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import timm
from timm.data import resolve_data_config

from freshset.core.errors import DataError, UsageError
from freshset.models.base import ModelInfo, Runtime, Start, Trainable
from freshset.models.hub import HubFile
from freshset.models.preprocessing import ImagePreprocessing
from freshset.models.reference import ModelRef
from freshset.models.timm_source import (
    Source,
    classes_of,
    fetch_weights,
    find_weights,
    identified,
    is_random,
    seed,
    source_of,
)
from freshset.models.torch_runtime import TorchImageModel, check_precision, versions
from freshset.models.trainable import grafted, head_of, seeded, untrained_digest
from freshset.models.weights import (
    check_digest,
    does_not_fit,
    file_digest,
    is_trusted,
    load_state_dict,
)


class TimmAdapter:
    """Describes models by their configuration alone, and builds them when they are loaded."""

    def expand(self, pattern: str) -> Sequence[str]:
        """Names of models with pretrained weights, tags included."""
        return tuple(timm.list_models(pattern, pretrained=True))

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        """See `freshset.models.base.Adapter.describe`."""
        return _describe(ref, source_of(ref, runtime), runtime)

    def load(self, ref: ModelRef, runtime: Runtime) -> TorchImageModel:
        """See `freshset.models.base.Adapter.load`."""
        return TorchImageModel(*_loaded(ref, source_of(ref, runtime), runtime), runtime)

    def trainable(
        self, ref: ModelRef, runtime: Runtime, *, n_outputs: int, start: Start, seed: int
    ) -> Trainable:
        """See `freshset.models.registry.trainable`."""
        source = source_of(ref, runtime)
        wide = {"num_classes": n_outputs}
        empty = replace(
            source, config={**source.config, **wide}, arguments={**source.arguments, **wide}
        )
        network = _random(empty, seed)
        head = head_of(network, n_outputs, str(ref))
        if start == "random":
            digest = untrained_digest(source.architecture, seed, timm)
            info = _info(ref, source, HubFile(None, digest, 0))
        else:
            with seeded(seed):
                info, trained = _loaded(ref, source, runtime)
            named = source.config.get("classifier") or ()
            more = (named,) if isinstance(named, str) else tuple(named)
            grafted(network, trained, head + more, str(ref))
        return Trainable(network, head, replace(info, classes=None, n_outputs=n_outputs))


ADAPTER = TimmAdapter()


def _loaded(ref: ModelRef, source: Source, runtime: Runtime) -> tuple[ModelInfo, Any]:
    info = _describe(ref, source, runtime)
    if is_random(ref):
        return info, _random(source, seed(ref))
    path = fetch_weights(ref, source, runtime)
    digest = file_digest(path)
    check_digest(ref, digest)
    names = (ref.name, str(ref.option("checkpoint_path", "")), str(path))
    state = load_state_dict(path, trusted=is_trusted(runtime, *names))
    try:
        network = timm.create_model(
            source.architecture,
            pretrained=True,
            pretrained_cfg={**source.config, "state_dict": state},
            **source.arguments,
        )
    except (RuntimeError, KeyError) as error:
        raise does_not_fit(f"{ref}: {path}", error) from error
    return replace(info, weights=identified(source, digest), download=0), network


def _describe(ref: ModelRef, source: Source, runtime: Runtime) -> ModelInfo:
    check_precision(runtime)
    seed(ref)
    found = find_weights(ref, source, runtime)
    check_digest(ref, found.digest)
    return _info(ref, source, found)


def _info(ref: ModelRef, source: Source, found: HubFile) -> ModelInfo:
    return ModelInfo(
        ref,
        "timm/1",
        _preprocessing(ref, source),
        "logits",
        classes=classes_of(ref, source),
        n_outputs=int(source.config["num_classes"]),
        weights=identified(source, found.digest),
        network=identified(source, "network") if source.configured else "",
        download=found.download,
        versions=versions(timm),
    )


def _random(source: Source, seed: int) -> Any:
    with seeded(seed):
        return timm.create_model(
            source.architecture,
            pretrained=False,
            pretrained_cfg=dict(source.config),
            **source.arguments,
        )


def _preprocessing(ref: ModelRef, source: Source) -> ImagePreprocessing:
    wanted = {} if ref.option("img_size") is None else {"img_size": ref.option("img_size")}
    config = resolve_data_config(
        args=wanted, pretrained_cfg=dict(source.config), use_test_size=True
    )
    try:
        return from_data_config(config, int(source.arguments["in_chans"]))
    except UsageError as error:
        raise DataError(f"{ref}: {error.message}", error.hint) from error


def from_data_config(config: Mapping[str, Any], channels: int = 3) -> ImagePreprocessing:
    """Turn timm's data configuration into what its ``create_transform`` does with it.

    Parameters
    ----------
    config
        As ``timm.data.resolve_data_config`` returns it.
    channels
        1 converts to grey; the mean and std of three channels are then averaged.
    """
    height, width = config["input_size"][-2:]
    # timm falls back to 0.875 for anything that is false.
    scale = config.get("crop_pct") or 0.875
    box = (math.floor(height / scale), math.floor(width / scale))
    mean, std = (_per_channel(config[name], channels) for name in ("mean", "std"))
    common: dict[str, Any] = {
        "crop": (height, width),
        "interpolation": config["interpolation"],
        "mode": "RGB" if channels == 3 else "L",
        "mean": mean,
        "std": std,
    }
    if config["crop_mode"] == "squash":
        return ImagePreprocessing(resize=box, resizing="squash", **common)
    if config["crop_mode"] == "border":
        fill = tuple(round(255 * value) for value in mean)
        return ImagePreprocessing(resize=box, resizing="fit", fill=fill, **common)
    if box[0] == box[1]:
        return ImagePreprocessing(resize=box[0], **common)
    return ImagePreprocessing(resize=box, resizing="cover", **common)


def _per_channel(values: Sequence[float], channels: int) -> tuple[float, ...]:
    numbers = tuple(float(value) for value in values)
    if len(numbers) == channels:
        return numbers
    return (sum(numbers) / len(numbers),) * channels
