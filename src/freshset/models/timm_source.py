"""What a timm reference stands for: architecture, configuration, classes, and where weights are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import timm
from timm.data import ImageNetInfo, infer_imagenet_subset

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.core.files import read_json
from freshset.core.spaces import known_space
from freshset.models.base import Runtime
from freshset.models.hub import (
    HubFile,
    fetched_hub_file,
    fetched_url_file,
    hub_file,
    url_file,
)
from freshset.models.local import existing_file
from freshset.models.reference import ModelRef
from freshset.models.trainable import untrained_digest
from freshset.models.weights import combined_digest, file_digest

OPTIONS = ("checkpoint_path", "pretrained", "seed", "img_size", "num_classes", "in_chans", "sha256")

_LOCAL, _HUB = "local-dir:", "hf-hub:"
# timm's own order; the safe format comes first.
_FILES = ("model.safetensors", "pytorch_model.bin", "pytorch_model.pth", "model.pth")
_HUB_FILES = _FILES[:2]
# Tags say on what data weights were trained: 'a1_in1k', 'augreg_in21k_ft_in1k', 'ms_in22k'.
_IMAGENET_TAG = re.compile(r"(?:^|[._])in(?:1k|12k|21k|22k)(?:[._]|$)")
_LOCATIONS = ("url", "file", "state_dict", "hf_hub_id", "hf_hub_filename", "source", "custom_load")


@dataclass(frozen=True, slots=True)
class Source:
    """A timm model before it is built.

    Attributes
    ----------
    architecture
        Name of timm's that makes the network.
    config
        timm's ``pretrained_cfg``, without where its weights are.
    arguments
        Further arguments of the network.
    folder, repository, address
        Where weights come from; at most one is not empty.
    tagged
        Whether the reference itself says which weights, so that their classes can be believed even
        of a checkpoint that is given beside it.
    configured
        Whether a config.json says what network it is, and not the reference.
    """

    architecture: str
    config: Mapping[str, Any]
    arguments: Mapping[str, Any]
    folder: str = ""
    repository: str = ""
    address: str = ""
    tagged: bool = False
    configured: bool = False


def source_of(ref: ModelRef, runtime: Runtime) -> Source:
    """Look up what a reference names, with its options applied.

    Raises
    ------
    UsageError
        For names and options that do not exist or do not go together.
    DataError
        For a config.json that is none, and a hub that does not answer.
    """
    ref.check_options(OPTIONS)
    if ref.name.startswith(_LOCAL):
        folder = Path(runtime.root) / ref.name.removeprefix(_LOCAL)
        if not (folder / "config.json").is_file():
            raise UsageError(
                f"{ref}: there is no {folder / 'config.json'}.",
                "A local-dir: is a folder with config.json and model.safetensors, as timm saves it.",
            )
        source = replace(_configured(folder / "config.json"), folder=str(folder))
    elif ref.name.startswith(_HUB):
        repository = ref.name.removeprefix(_HUB)
        config = fetched_hub_file(repository, ["config.json"], ref.revision, runtime)
        source = replace(_configured(config), repository=repository)
    else:
        source = _registered(ref)
    if ref.revision and (_own_weights(ref) or not source.repository):
        raise UsageError(f"{ref}: only weights of the hub have revisions.", "Leave out the @.")
    return _with_options(ref, source)


def find_weights(ref: ModelRef, source: Source, runtime: Runtime) -> HubFile:
    """Say where the weights are, and what their digest is, without loading them.

    Raises
    ------
    UsageError, DataError
        When there are none; as `freshset.models.hub.hub_file`.
    """
    if is_random(ref):
        return HubFile(None, untrained_digest(source.architecture, seed(ref), timm), 0)
    local = _local_weights(ref, source, runtime)
    if local is not None:
        return HubFile(local, file_digest(local), 0)
    if source.repository:
        return hub_file(source.repository, _HUB_FILES, ref.revision, runtime)
    return url_file(source.address)


def identified(source: Source, digest: str) -> str:
    """Digest of the weights, and of the network where only a config.json says which it is."""
    if not source.configured:
        return digest
    return combined_digest(digest, source.architecture, dict(source.arguments))


def fetch_weights(ref: ModelRef, source: Source, runtime: Runtime) -> Path:
    """Return the path of the file of weights, fetching it where it is not here.

    Raises
    ------
    UsageError, DataError
        As `find_weights`, and when the file cannot be fetched.
    """
    local = _local_weights(ref, source, runtime)
    if local is not None:
        return local
    if source.repository:
        return fetched_hub_file(source.repository, _HUB_FILES, ref.revision, runtime)
    return fetched_url_file(source.address, runtime)


def is_random(ref: ModelRef) -> bool:
    """Whether the network is to keep its random weights."""
    return ref.option("pretrained", default=True) is False


def seed(ref: ModelRef) -> int:
    """Return the seed of random weights; 0 unless the reference says another."""
    value = ref.option("seed", 0)
    if not is_random(ref) and "seed" in ref.options:
        raise UsageError(f"{ref}: a seed is for random weights.", "Add pretrained=false.")
    if type(value) is not int or value < 0:
        raise UsageError(f"{ref}: seed is {value!r}.", "Use a whole number.")
    return value


def classes_of(ref: ModelRef, source: Source) -> ClassSpace | None:
    """Return what the outputs stand for, as far as the configuration says.

    Raises
    ------
    DataError
        For class names that are no list of different names.
    """
    labels = source.config.get("label_names")
    if labels:
        return _labelled(ref, source, labels)
    if "checkpoint_path" in ref.options and not source.tagged:
        return None
    subset = infer_imagenet_subset(dict(source.config))
    if subset is None or not _IMAGENET_TAG.search(str(source.config.get("tag") or "")):
        return None
    if subset == "imagenet-1k":
        return known_space(subset)
    return _imagenet(subset)


@cache
def _imagenet(subset: str) -> ClassSpace:
    info = ImageNetInfo(subset)
    return ClassSpace(subset, tuple(info.label_names()), tuple(info.label_descriptions()))


def _labelled(ref: ModelRef, source: Source, labels: Any) -> ClassSpace:
    if isinstance(labels, dict):
        order = sorted(labels, key=int)
        if [int(key) for key in order] != list(range(len(labels))):
            raise DataError(f"{ref}: label_names does not name the outputs 0 to {len(labels) - 1}.")
        labels = [labels[key] for key in order]
    keys = tuple(map(str, labels))
    texts = source.config.get("label_descriptions")
    names = tuple(str(texts.get(key, key)) for key in keys) if isinstance(texts, dict) else ()
    try:
        space = ClassSpace("", keys, names)
    except DataError as error:
        raise DataError(f"{ref}: {error.message}", error.hint) from error
    imagenet = known_space("imagenet-1k")
    return imagenet if space.digest == imagenet.digest else space


def _configured(path: Path) -> Source:
    """Read timm's config.json; old files have everything on one level."""
    content = read_json(path)
    if not isinstance(content, dict) or "architecture" not in content:
        raise DataError(
            f"{path}: names no architecture, so it is not timm's.",
            "Use hf: for models of transformers.",
        )
    inner = content.get("pretrained_cfg")
    config = dict(inner if isinstance(inner, dict) else content)
    if "labels" in config:
        config["label_names"] = config.pop("labels")
    for key in ("num_classes", "label_names", "label_descriptions"):
        if key in content:
            config[key] = content[key]
    arguments = content.get("model_args") or {}
    fields = timm.models.PretrainedCfg.__dataclass_fields__
    kept = {key: value for key, value in config.items() if key in fields}
    return Source(
        str(content["architecture"]), _unplaced(kept), dict(arguments), tagged=True, configured=True
    )


def _registered(ref: ModelRef) -> Source:
    architecture, _, tag = ref.name.partition(".")
    if not timm.is_model(architecture):
        raise UsageError(
            f"{ref}: timm has no model {architecture!r}.",
            did_you_mean(architecture, timm.list_models()),
        )
    try:
        config = timm.models.get_pretrained_cfg(ref.name)
    except RuntimeError as error:
        tags = [n for n in timm.list_models(f"{architecture}.*", include_tags=True) if "." in n]
        raise UsageError(
            f"{ref}: timm has no weights {tag!r} of {architecture}.", did_you_mean(ref.name, tags)
        ) from error
    found = (config or timm.models.PretrainedCfg()).to_dict()
    plain = bool(found.get("custom_load"))
    return Source(
        architecture,
        _unplaced(found),
        {},
        repository=found.get("hf_hub_id") or "",
        # Weights in the format of another library; the hub has them converted.
        address="" if plain or found.get("hf_hub_id") else str(found.get("url") or ""),
        tagged=bool(tag),
    )


def _unplaced(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in _LOCATIONS}


def _own_weights(ref: ModelRef) -> bool:
    """Whether the weights that timm knows are replaced by others."""
    return "checkpoint_path" in ref.options or is_random(ref)


def _with_options(ref: ModelRef, source: Source) -> Source:
    config, arguments = dict(source.config), dict(source.arguments)
    _set_outputs(ref, config, arguments)
    size = tuple(config.get("input_size") or (3, 224, 224))
    channels = ref.option("in_chans", arguments.get("in_chans", size[0]))
    if channels not in {1, 3}:
        raise UsageError(f"{ref}: images have 1 or 3 channels, not {channels!r}.")
    arguments["in_chans"] = channels
    if _own_weights(ref):
        config["input_size"] = (channels, *size[1:])
    pixels = ref.option("img_size")
    if pixels is not None:
        if type(pixels) is not int or pixels < 1:
            raise UsageError(f"{ref}: img_size is {pixels!r}.", "Give one side of the square.")
        if config.get("fixed_input_size"):
            arguments["img_size"] = pixels
    return replace(source, config=config, arguments=arguments)


def _set_outputs(ref: ModelRef, config: dict[str, Any], arguments: dict[str, Any]) -> None:
    given, trained = ref.option("num_classes"), config.get("num_classes")
    if given is None and not trained:
        raise UsageError(
            f"{ref}: these weights have no classifier.", "Name ones that were trained with classes."
        )
    if given in {None, trained}:
        return
    if type(given) is not int or given < 1:
        raise UsageError(f"{ref}: num_classes is {given!r}.", "Use a whole number.")
    if not _own_weights(ref):
        raise UsageError(
            f"{ref}: these weights have {trained} outputs; a head of {given} would be random.",
            "Give a checkpoint that has it with checkpoint_path.",
        )
    config.pop("label_names", None)
    config["num_classes"] = arguments["num_classes"] = given


def _local_weights(ref: ModelRef, source: Source, runtime: Runtime) -> Path | None:
    given = ref.option("checkpoint_path")
    if given is not None:
        return existing_file(ref, runtime, str(given))
    if source.folder:
        folder = Path(source.folder)
        found = next((folder / name for name in _FILES if (folder / name).is_file()), None)
        if found is None:
            raise UsageError(
                f"{ref}: {folder} has no weights.", f"Looked for: {', '.join(_FILES)}."
            )
        return found
    if not source.repository and not source.address:
        raise UsageError(
            f"{ref}: timm has no weights of {source.architecture}.",
            "Give your own with checkpoint_path, or take random ones with pretrained=false.",
        )
    return None
