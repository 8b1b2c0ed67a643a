"""What a transformers reference stands for: folder, configuration, classes, weights and network."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import transformers
from transformers.utils import logging as transformers_logging

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError
from freshset.core.files import canonical_json, read_json, sha256_bytes, sha256_file
from freshset.core.spaces import known_space
from freshset.models.base import Runtime
from freshset.models.hub import HubFile, fetched_hub_file, hub_file, hub_folder
from freshset.models.reference import ModelRef
from freshset.models.weights import (
    check_whole,
    combined_digest,
    files_digest,
    is_trusted,
    load_state_dict,
)

Kind = Literal["image", "text", "question", "language"]

_ENDINGS: tuple[tuple[str, Kind, str], ...] = (
    ("ForImageClassification*", "image", "AutoModelForImageClassification"),
    ("ForSequenceClassification", "text", "AutoModelForSequenceClassification"),
    ("ForQuestionAnswering", "question", "AutoModelForQuestionAnswering"),
    ("ForCausalLM", "language", "AutoModelForCausalLM"),
    ("LMHeadModel", "language", "AutoModelForCausalLM"),
)
_SAFE, _UNSAFE = "model.safetensors", "pytorch_model.bin"
_INDEX = ".index.json"
_TOKENISER = ("tokenizer*", "special_tokens_map.json", "vocab.*", "merges.txt", "*.model")
_NOT_THE_NETWORK = (
    "_name_or_path", "transformers_version", "id2label", "label2id", "dtype", "torch_dtype",
    "finetuning_task",
)  # fmt: skip
# Share of ImageNet's readable names that a model's labels must agree with, in order, to be them.
_ALIKE = 0.9


@dataclass(frozen=True, slots=True)
class Source:
    """A model of transformers before its weights are loaded.

    Attributes
    ----------
    folder
        With everything but perhaps the weights.
    repository
        Of the hub; empty for a folder of one's own.
    kind
        What its head does.
    loader
        The class of transformers that loads it.
    config
        Its configuration.
    """

    ref: ModelRef
    folder: Path
    repository: str
    kind: Kind
    loader: str
    config: Any


def source_of(ref: ModelRef, runtime: Runtime) -> Source:
    """Find the folder of a reference, fetching small files from the hub, and read its config.json.

    Raises
    ------
    UsageError
        For names that do not exist and models that do nothing that can be scored.
    DataError
        For a folder that transformers cannot read, and a hub that does not answer.
    """
    folder = Path(runtime.root) / ref.name
    repository = ""
    if not folder.is_dir():
        repository = ref.name
        try:
            config = fetched_hub_file(repository, ["config.json"], ref.revision, runtime)
        except UsageError as error:
            raise UsageError(f"{ref}: no folder {folder}. {error.message}", error.hint) from error
        folder = hub_folder(repository, config, ref.revision, runtime)
    elif ref.revision:
        raise UsageError(f"{ref}: only models of the hub have revisions.", "Leave out the @.")
    if not (folder / "config.json").is_file():
        raise UsageError(
            f"{ref}: {folder} has no config.json.", "Name a folder that save_pretrained wrote."
        )
    content = read_json(folder / "config.json")
    kind, loader = _kind(ref, content)
    try:
        with quiet():
            config = transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True)
    except (ValueError, OSError, KeyError) as error:
        raise DataError(
            f"{ref}: transformers cannot read {folder / 'config.json'} ({_first_line(error)}).",
            "Models that bring their own program are not run.",
        ) from error
    return Source(ref, folder, repository, kind, loader, config)


def find_weights(source: Source, runtime: Runtime) -> HubFile:
    """Say what the digest of the weights is, without loading them.

    Raises
    ------
    UsageError
        When there are none, or they are not here and the hub must not be asked.
    """
    try:
        return HubFile(None, files_digest(weight_files(source)), 0)
    except UsageError:
        if not source.repository:
            raise
    index = source.folder / f"{_SAFE}{_INDEX}"
    if not index.is_file():
        return hub_file(source.repository, [_SAFE, _UNSAFE], source.ref.revision, runtime)
    found = [
        hub_file(source.repository, [name], source.ref.revision, runtime) for name in _shards(index)
    ]
    digests = [file.digest for file in found]
    sizes = [file.download for file in found]
    return HubFile(
        None,
        sha256_bytes(canonical_json(digests)) if all(digests) else "",
        -1 if -1 in sizes else sum(sizes),
    )


def weight_files(source: Source) -> list[Path]:
    """Return the files of weights that are on this machine, in the order of their names.

    Raises
    ------
    UsageError
        When there are none, or some of several are missing.
    """
    for name in (_SAFE, _UNSAFE):
        single, index = source.folder / name, source.folder / f"{name}{_INDEX}"
        if single.is_file():
            return [single]
        if index.is_file():
            parts = [source.folder / part for part in _shards(index)]
            missing = [part.name for part in parts if not part.is_file()]
            if not missing:
                return parts
            raise UsageError(f"{source.ref}: {source.folder} lacks {missing[0]}.", "Copy it again.")
    raise UsageError(
        f"{source.ref}: {source.folder} has no weights.", f"Looked for {_SAFE} and {_UNSAFE}."
    )


def fetch_weights(source: Source, runtime: Runtime) -> list[Path]:
    """Return the files of weights, fetching them where they are not here; see `weight_files`."""
    if source.repository:
        revision = source.ref.revision
        index = source.folder / f"{_SAFE}{_INDEX}"
        if index.is_file():
            for name in _shards(index):
                fetched_hub_file(source.repository, [name], revision, runtime)
        else:
            fetched_hub_file(source.repository, [_SAFE, _UNSAFE], revision, runtime)
    return weight_files(source)


def load_network(source: Source, files: list[Path], runtime: Runtime) -> Any:
    """Load the network with all its weights, in float32.

    Raises
    ------
    DataError
        For weights that need to be unpickled, do not fit or are not all there.
    """
    for path in files:
        check_whole(path)
    trusted = is_trusted(runtime, source.ref.name, str(source.folder), *map(str, files))
    loader = getattr(transformers, source.loader)
    arguments: dict[str, Any] = {"output_loading_info": True, "local_files_only": True}
    if files[0].suffix == ".safetensors":
        arguments |= {"pretrained_model_name_or_path": str(source.folder), "use_safetensors": True}
    else:
        # Read here, where nothing is unpickled that is not trusted; transformers gets tensors.
        state: dict[str, Any] = {}
        for path in files:
            state |= load_state_dict(path, trusted=trusted)
        loader = getattr(transformers, source.config.architectures[0], loader)
        arguments |= {"pretrained_model_name_or_path": None, "config": source.config}
        arguments["state_dict"] = state
    try:
        with quiet():
            network, report = loader.from_pretrained(**arguments)
    except Exception as error:
        raise DataError(
            f"{source.ref}: transformers cannot load the weights ({_first_line(error)}).",
            "Check that the files belong together and were copied whole.",
        ) from error
    missing = sorted(report["missing_keys"]) + [str(key) for key in report["mismatched_keys"]]
    if missing:
        raise DataError(
            f"{source.ref}: the weights lack {len(missing)} parts of the model, which would be "
            f"random (first {missing[0]}).",
            "Name a model that was trained with this head.",
        )
    return network.float()


def empty_network(source: Source, n_outputs: int) -> Any:
    """Build the network with random weights, in float32, for a number of classes of one's own.

    Raises
    ------
    DataError
        When transformers cannot.
    """
    config = copy.deepcopy(source.config)
    config.num_labels = n_outputs
    config.dtype = None  # in which the weights were saved
    try:
        with quiet():
            return getattr(transformers, source.loader).from_config(config).float()
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{source.ref}: transformers cannot build the network ({_first_line(error)})."
        ) from error


def identified(source: Source, digest: str) -> str:
    """Digest of weights and configuration: a name does not say what network the weights are put in.

    What the configuration says of labels and of how it was saved changes no number.
    """
    content = read_json(source.folder / "config.json")
    told = {key: value for key, value in content.items() if key not in _NOT_THE_NETWORK}
    return combined_digest(digest, told)


def classes_of(config: Any) -> ClassSpace | None:
    """Return what the outputs stand for; ``None`` when their labels are only numbers or not unique.

    ImageNet's classes, with or without a background class before them, are known by their readable
    names, so that test sets that name them by wnid find them.
    """
    labels = [str(config.id2label[i]) for i in sorted(config.id2label)]
    imagenet = known_space("imagenet-1k")
    if len(labels) == len(imagenet) and _alike(labels, imagenet):
        return imagenet
    if len(labels) == len(imagenet) + 1 and _alike(labels[1:], imagenet):
        return ClassSpace("", (labels[0], *imagenet.keys), (labels[0], *imagenet.names))
    if labels == [f"LABEL_{i}" for i in range(len(labels))] or len(set(labels)) != len(labels):
        return None
    return ClassSpace("", tuple(labels))


def tokeniser_digest(source: Source) -> str:
    """Digest of the files that say how text becomes tokens."""
    files = sorted(
        path
        for path in source.folder.iterdir()
        if any(fnmatch.fnmatch(path.name, pattern) for pattern in _TOKENISER) and path.is_file()
    )
    if not files:
        raise UsageError(
            f"{source.ref}: {source.folder} has no tokeniser.", "Save it beside the model."
        )
    return sha256_bytes(canonical_json([[path.name, sha256_file(path)] for path in files]))[:16]


def load_tokeniser(source: Source) -> Any:
    """Load the tokeniser.

    Raises
    ------
    DataError
        When transformers cannot.
    """
    try:
        with quiet():
            return transformers.AutoTokenizer.from_pretrained(
                str(source.folder), local_files_only=True
            )
    except Exception as error:
        raise DataError(
            f"{source.ref}: transformers cannot load the tokeniser ({_first_line(error)})."
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from writing to the terminal, and put its settings back."""
    level = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()


def _kind(ref: ModelRef, content: Mapping[str, Any]) -> tuple[Kind, str]:
    names = content.get("architectures") or []
    for name in names:
        for ending, kind, loader in _ENDINGS:
            if fnmatch.fnmatch(name, f"*{ending}"):
                return kind, loader
    if "architecture" in content:
        raise UsageError(f"{ref}: a model of timm's.", f"Write timm:hf-hub:{ref.name}")
    raise UsageError(
        f"{ref}: its head ({', '.join(names) or 'none named'}) gives nothing that can be scored.",
        "Use models for image or text classification, extractive answers, or causal language.",
    )


def _shards(index: Path) -> list[str]:
    content = read_json(index)
    table = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(table, dict) or not table:
        raise DataError(f"{index}: no list of weight files.", "Copy the model again.")
    names = sorted(set(map(str, table.values())))
    if any(Path(name).name != name for name in names):
        raise DataError(f"{index}: names weights outside its folder.")
    return names


def _alike(labels: list[str], space: ClassSpace) -> bool:
    same = sum(
        name.lower() in [part.strip().lower() for part in label.split(",")]
        for label, name in zip(labels, space.names, strict=True)
    )
    return same >= _ALIKE * len(labels)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
