"""torchvision image classifiers: ``torchvision:resnet50/IMAGENET1K_V1``, ``torchvision:resnet50/DEFAULT``.

Options: ``checkpoint_path`` (a state dict of the named network), ``num_classes`` (of its head) and
``sha256`` (of the weights, checked).  Images are prepared as the named weights say, by those that
torchvision calls the default where a checkpoint comes without a name.
"""

from __future__ import annotations

import fnmatch
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torchvision
from torchvision.models import get_model, get_model_weights, list_models
from torchvision.transforms._presets import ImageClassification

from freshset.core.classes import ClassSpace
from freshset.core.errors import UsageError, did_you_mean
from freshset.core.spaces import known_space
from freshset.models.base import ModelInfo, Preprocessing, Runtime, Start, Trainable
from freshset.models.hub import HubFile, fetched_url_file, url_file
from freshset.models.local import existing_file, no_revision
from freshset.models.preprocessing import ImagePreprocessing, TransformPreprocessing
from freshset.models.reference import ModelRef
from freshset.models.torch_runtime import TorchImageModel, check_precision, versions
from freshset.models.trainable import grafted, head_of, seeded, untrained_digest
from freshset.models.weights import (
    check_digest,
    file_digest,
    fill,
    is_trusted,
    load_state_dict,
)

_OPTIONS = ("checkpoint_path", "num_classes", "sha256")


class TorchvisionAdapter:
    """Describes models by the metadata of their weights, and builds them when they are loaded."""

    def expand(self, pattern: str) -> Sequence[str]:
        """Names of classifiers with each of their weights."""
        names = [
            f"{name}/{weights.name}"
            for name in list_models(module=torchvision.models)
            for weights in get_model_weights(name)
            if weights.meta.get("categories")
        ]
        return tuple(fnmatch.filter(names, pattern))

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        """See `freshset.models.base.Adapter.describe`."""
        return _describe(ref, _named(ref), runtime)

    def load(self, ref: ModelRef, runtime: Runtime) -> TorchImageModel:
        """See `freshset.models.base.Adapter.load`."""
        return TorchImageModel(*_loaded(ref, _named(ref), runtime), runtime)

    def trainable(
        self, ref: ModelRef, runtime: Runtime, *, n_outputs: int, start: Start, seed: int
    ) -> Trainable:
        """See `freshset.models.registry.trainable`; auxiliary classifiers are left out."""
        named = _named(ref)
        with seeded(seed):
            network = _without_auxiliaries(_empty(named, n_outputs))
        if hasattr(network, "transform_input"):
            # As torchvision sets it where it loads weights of its own.
            network.transform_input = "checkpoint_path" not in ref.options
        head = head_of(network, n_outputs, str(ref))
        if start == "random":
            digest = untrained_digest(named.architecture, seed, torchvision)
            info = _info(ref, named, HubFile(None, digest, 0))
        else:
            with seeded(seed):
                info, trained = _loaded(ref, named, runtime)
            grafted(network, _without_auxiliaries(trained), head, str(ref))
        return Trainable(network, head, replace(info, classes=None, n_outputs=n_outputs))


ADAPTER = TorchvisionAdapter()


@dataclass(frozen=True, slots=True)
class _Named:
    architecture: str
    weights: Any
    explicit: bool


def _named(ref: ModelRef) -> _Named:
    """Look up network and weights; raises `UsageError` for those that torchvision has not."""
    ref.check_options(_OPTIONS)
    no_revision(ref)
    architecture, slash, name = ref.name.partition("/")
    known = list_models(module=torchvision.models)
    if architecture not in known:
        raise UsageError(
            f"{ref}: torchvision has no classifier {architecture!r}.",
            did_you_mean(architecture, known),
        )
    if not slash and "checkpoint_path" not in ref.options:
        raise UsageError(
            f"{ref}: names no weights.", f"Write torchvision:{architecture}/DEFAULT, or a version."
        )
    choices = get_model_weights(architecture).__members__
    name = name if slash else "DEFAULT"
    if name not in choices:
        raise UsageError(
            f"{ref}: torchvision has no weights {name!r} of {architecture}.",
            did_you_mean(name, choices),
        )
    weights = choices[name]
    if not weights.meta.get("categories"):
        raise UsageError(f"{ref}: these weights have no classifier.", "Name others of this model.")
    return _Named(architecture, weights, bool(slash))


def _loaded(ref: ModelRef, named: _Named, runtime: Runtime) -> tuple[ModelInfo, Any]:
    info = _describe(ref, named, runtime)
    given = _checkpoint(ref, runtime)
    path = given or fetched_url_file(named.weights.url, runtime)
    digest = file_digest(path)
    check_digest(ref, digest)
    names = (ref.name, str(ref.option("checkpoint_path", "")), str(path))
    # Also of weights that torchvision then reads by itself: what passes here is no program.
    state = load_state_dict(path, trusted=is_trusted(runtime, *names))
    if given is None:
        network = get_model(named.architecture, weights=named.weights, progress=False)
    else:
        network = _empty(named, info.n_outputs)
        fill(network, state, f"{ref}: {path}")
    return replace(info, weights=digest, download=0), network


def _describe(ref: ModelRef, named: _Named, runtime: Runtime) -> ModelInfo:
    check_precision(runtime)
    checkpoint = _checkpoint(ref, runtime)
    if checkpoint is None:
        if "num_classes" in ref.options:
            raise UsageError(
                f"{ref}: the number of classes of these weights is fixed.",
                "Give your own with checkpoint_path.",
            )
        found = _released(named, runtime)
    else:
        found = HubFile(checkpoint, file_digest(checkpoint), 0)
    check_digest(ref, found.digest)
    return _info(ref, named, found)


def _info(ref: ModelRef, named: _Named, found: HubFile) -> ModelInfo:
    outputs = ref.option("num_classes", len(named.weights.meta["categories"]))
    if type(outputs) is not int or outputs < 1:
        raise UsageError(f"{ref}: num_classes is {outputs!r}.", "Use a whole number.")
    own = "checkpoint_path" in ref.options
    believed = not own or (named.explicit and "num_classes" not in ref.options)
    return ModelInfo(
        ref,
        "torchvision/1",
        preset_preprocessing(named.weights.transforms()),
        "logits",
        classes=_classes(named.weights) if believed else None,
        n_outputs=outputs,
        weights=found.digest,
        download=found.download,
        versions=versions(torchvision),
    )


def preset_preprocessing(preset: Any) -> Preprocessing:
    """Turn the transforms of weights into the same as numbers; anything unknown is kept whole.

    Parameters
    ----------
    preset
        What ``weights.transforms()`` returns.
    """
    if type(preset) is not ImageClassification:
        return TransformPreprocessing.of(preset)
    crop = int(preset.crop_size[0])
    return ImagePreprocessing(
        resize=int(preset.resize_size[0]),
        crop=(crop, crop),
        interpolation=preset.interpolation.value,
        mean=tuple(float(value) for value in preset.mean),
        std=tuple(float(value) for value in preset.std),
    )


def _released(named: _Named, runtime: Runtime) -> HubFile:
    found = url_file(named.weights.url)
    if found.path is not None:
        return found
    if runtime.offline:
        raise UsageError(
            f"{named.weights} is not on this machine, and the run is offline.",
            "Run it once without --offline.",
        )
    size = named.weights.meta.get("_file_size")
    return replace(found, download=int(size * 2**20) if size else -1)


def _classes(weights: Any) -> ClassSpace | None:
    categories = tuple(map(str, weights.meta["categories"]))
    imagenet = known_space("imagenet-1k")
    if weights.name.startswith("IMAGENET1K") and len(categories) == len(imagenet):
        return imagenet
    return ClassSpace("", categories) if len(set(categories)) == len(categories) else None


def _checkpoint(ref: ModelRef, runtime: Runtime) -> Path | None:
    given = ref.option("checkpoint_path")
    return None if given is None else existing_file(ref, runtime, str(given))


def _empty(named: _Named, outputs: int) -> Any:
    """Build the network with a head of its own size."""
    arguments: dict[str, Any] = {"num_classes": outputs}
    if named.architecture.startswith("vit_"):
        arguments["image_size"] = named.weights.meta["min_size"][0]
    with warnings.catch_warnings():
        # Two old networks warn of how they initialise weights, which are replaced at once.
        warnings.simplefilter("ignore", FutureWarning)
        return get_model(named.architecture, weights=None, **arguments)


def _without_auxiliaries(network: Any) -> Any:
    """Take away classifiers that help in training; the two Inception networks have some."""
    for name in ("AuxLogits", "aux1", "aux2"):
        if hasattr(network, name):
            setattr(network, name, None)
            network.aux_logits = False
    return network
