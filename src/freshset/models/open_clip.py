"""open_clip zero-shot classifiers: ``open-clip:ViT-B-32/laion2b_s34b_b79k``, ``open-clip:local-dir:FOLDER``.

An image belongs to the class whose prompts lie closest: the texts of a class are embedded, averaged
and put on the unit sphere, and the logits are their cosines with the image times the model's own
scale (Radford et al. 2021, arXiv:2103.00020, section 3.1).

Options: ``classes`` (a file of class names, see `freshset.models.local.read_classes`; by default the
names of ImageNet's classes that open_clip has), ``templates`` (``plain`` for "a photo of a {}.",
``simple`` and ``imagenet`` for the 7 and 80 of OpenAI, or a file of one template a line, with {} for
the class; by default ``imagenet`` for ImageNet's classes and else ``plain``), ``checkpoint`` (a file
of weights for the named network), ``sha256`` (of the weights, checked).
"""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.transform import PreprocessCfg, merge_preprocess_dict

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.core.files import read_json
from freshset.core.spaces import known_space
from freshset.models.base import ModelInfo, Runtime, Start, Trainable
from freshset.models.hub import HubFile, fetched_hub_file, hub_file, hub_folder
from freshset.models.local import existing_file, read_classes
from freshset.models.preprocessing import ImagePreprocessing, Interpolation
from freshset.models.reference import ModelRef
from freshset.models.torch_runtime import TorchImageModel, TorchRunner, check_precision, versions
from freshset.models.trainable import Called, seeded, untrained_digest
from freshset.models.weights import (
    check_digest,
    check_whole,
    combined_digest,
    does_not_fit,
    file_digest,
    is_trusted,
    load_state_dict,
)

_OPTIONS = ("classes", "templates", "checkpoint", "sha256")
_LOCAL, _HUB = "local-dir:", "hf-hub:"
# The safe format first, then open_clip's own order.
_FILES = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
)
_HUB_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_IMAGENET = "imagenet-1k"
_TEMPLATES: Mapping[str, Sequence[Any]] = {
    "plain": ("a photo of a {}.",),
    "simple": open_clip.SIMPLE_IMAGENET_TEMPLATES,
    "imagenet": open_clip.OPENAI_IMAGENET_TEMPLATES,
}
_UNBUILDABLE = (OSError, ValueError, TypeError, RuntimeError, KeyError, AssertionError)
# Texts that are embedded at once.
_TEXTS = 256


@dataclass(frozen=True, slots=True)
class Prompts:
    """What zero-shot classification is told of its classes.

    Attributes
    ----------
    space
        The classes.
    names
        How they are called in prompts, in the same order.
    templates
        Texts with {} for the name.
    """

    space: ClassSpace
    names: tuple[str, ...]
    templates: tuple[str, ...]

    def texts(self) -> list[str]:
        """All prompts, class after class."""
        return [text.replace("{}", name) for name in self.names for text in self.templates]


@dataclass(frozen=True, slots=True)
class _Source:
    """A network before it is built; the folder is empty for one that open_clip knows by name."""

    name: str
    folder: str
    repository: str
    files: tuple[str, ...]
    network: Mapping[str, Any]
    images: Mapping[str, Any]
    quick_gelu: bool = False


class OpenClipAdapter:
    """Describes models by their configuration, and embeds the prompts when they are loaded."""

    def expand(self, pattern: str) -> Sequence[str]:
        """Names of networks with each of their weights."""
        names = [f"{name}/{tag}" for name, tag in open_clip.list_pretrained()]
        return tuple(fnmatch.filter(names, pattern))

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        """See `freshset.models.base.Adapter.describe`."""
        return _describe(ref, _source(ref, runtime), _prompts(ref, runtime), runtime)

    def load(self, ref: ModelRef, runtime: Runtime) -> TorchImageModel:
        """See `freshset.models.base.Adapter.load`."""
        prompts = _prompts(ref, runtime)
        info, network, tokeniser = _loaded(ref, _source(ref, runtime), prompts, runtime)
        embedded = _embedded(network, tokeniser, prompts, runtime)

        def forward(network: Any, images: torch.Tensor) -> torch.Tensor:
            # A bias, as SigLIP has one, is the same for all classes and changes no order.
            found: torch.Tensor = network.encode_image(images, normalize=True)
            scale: torch.Tensor = network.logit_scale
            return (found.float() @ embedded) * scale.exp()

        return TorchImageModel(info, network, runtime, forward, embedding="visual")

    def trainable(
        self, ref: ModelRef, runtime: Runtime, *, n_outputs: int, start: Start, seed: int
    ) -> Trainable:
        """See `freshset.models.registry.trainable`: a linear layer on the image's embedding."""
        source, prompts = _source(ref, runtime), _prompts(ref, runtime)
        with seeded(seed):
            if start == "random":
                network = _empty(ref, source)
                digest = untrained_digest("CLIP", seed, open_clip)
                info = _info(ref, source, prompts, HubFile(None, digest, 0))
            else:
                info, network, _ = _loaded(ref, source, prompts, runtime)
        with seeded(seed):
            head = torch.nn.Linear(source.network["embed_dim"], n_outputs)
        tower = Called(network.visual, _embedding)
        info = replace(info, classes=None, n_outputs=n_outputs)
        return Trainable(torch.nn.Sequential(tower, head), ("1",), info)


ADAPTER = OpenClipAdapter()


def image_preprocessing(config: Mapping[str, Any]) -> ImagePreprocessing:
    """Turn open_clip's preprocessing configuration into what its ``image_transform`` does with it.

    Parameters
    ----------
    config
        With the fields of ``open_clip.transform.PreprocessCfg``.
    """
    size = config["size"]
    box = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
    # open_clip knows only two filters, and one where a non-square image keeps its aspect.
    filter_: Interpolation = "bilinear" if config["interpolation"] == "bilinear" else "bicubic"
    common: dict[str, Any] = {
        "mean": tuple(float(value) for value in config["mean"]),
        "std": tuple(float(value) for value in config["std"]),
    }
    if config["resize_mode"] == "squash":
        return ImagePreprocessing(box, None, filter_, "squash", **common)
    if config["resize_mode"] == "longest":
        return ImagePreprocessing(box, box, filter_, "fit", fill=config["fill_color"], **common)
    if box[0] == box[1]:
        return ImagePreprocessing(box[0], box, filter_, **common)
    return ImagePreprocessing(box, box, "bicubic", "cover", **common)


def _embedding(tower: Any, images: Any) -> Any:
    """Return what texts are compared with; some towers give their tokens too."""
    found = tower(images)
    return found[0] if isinstance(found, tuple) else found


def _loaded(
    ref: ModelRef, source: _Source, prompts: Prompts, runtime: Runtime
) -> tuple[ModelInfo, Any, Any]:
    """Return what is known of a model, its network and its tokeniser."""
    info = _describe(ref, source, prompts, runtime)
    path = _local_weights(ref, source, runtime) or fetched_hub_file(
        source.repository, source.files, ref.revision, runtime
    )
    digest = file_digest(path)
    check_digest(ref, digest)
    check_whole(path)
    trusted = is_trusted(runtime, ref.name, str(ref.option("checkpoint", "")), str(path))
    if path.suffix != ".safetensors":
        # open_clip reads the file by itself; this says clearly when it must not.
        load_state_dict(path, trusted=trusted)
    network, tokeniser = _network(ref, source, path, trusted)
    info = replace(info, weights=_identified(source, prompts, digest), download=0)
    return info, network, tokeniser


def _describe(ref: ModelRef, source: _Source, prompts: Prompts, runtime: Runtime) -> ModelInfo:
    check_precision(runtime)
    local = _local_weights(ref, source, runtime)
    if local is None:
        found = hub_file(source.repository, source.files, ref.revision, runtime)
    else:
        found = HubFile(local, file_digest(local), 0)
    check_digest(ref, found.digest)
    return _info(ref, source, prompts, found)


def _info(ref: ModelRef, source: _Source, prompts: Prompts, found: HubFile) -> ModelInfo:
    return ModelInfo(
        ref,
        "open-clip/1",
        image_preprocessing(source.images),
        "logits",
        classes=prompts.space,
        n_outputs=len(prompts.space),
        weights=_identified(source, prompts, found.digest),
        network=combined_digest("network", dict(source.network)) if source.folder else "",
        download=found.download,
        versions=versions(open_clip),
    )


def _identified(source: _Source, prompts: Prompts, digest: str) -> str:
    """Digest of weights, prompts, and the network where its name does not say what it is."""
    network = dict(source.network) if source.folder else source.quick_gelu
    return combined_digest(digest, prompts.names, prompts.templates, network)


def _source(ref: ModelRef, runtime: Runtime) -> _Source:
    ref.check_options(_OPTIONS)
    if ref.name.startswith(_HUB):
        repository = ref.name.removeprefix(_HUB)
        config = fetched_hub_file(repository, ["open_clip_config.json"], ref.revision, runtime)
        folder = hub_folder(repository, config, ref.revision, runtime)
        return _from_folder(ref, folder, repository)
    if ref.revision:
        raise UsageError(f"{ref}: only hf-hub: names have revisions.", "Leave out the @.")
    if ref.name.startswith(_LOCAL):
        return _from_folder(ref, Path(runtime.root) / ref.name.removeprefix(_LOCAL), "")
    return _known(ref)


def _from_folder(ref: ModelRef, folder: Path, repository: str) -> _Source:
    path = folder / "open_clip_config.json"
    if not path.is_file():
        raise UsageError(f"{ref}: there is no {path}.", "Name a folder in open_clip's layout.")
    content = read_json(path)
    try:
        network = content["model_cfg"]
        images = merge_preprocess_dict(PreprocessCfg(), content.get("preprocess_cfg", {}))
        images["size"] = network["vision_cfg"]["image_size"]
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: not a configuration of open_clip's ({error}).") from error
    return _Source(f"{_LOCAL}{folder}", str(folder), repository, _HUB_FILES, network, images)


def _known(ref: ModelRef) -> _Source:
    name, slash, tag = ref.name.partition("/")
    network = open_clip.get_model_config(name)
    if network is None:
        raise UsageError(
            f"{ref}: open_clip has no model {name!r}.", did_you_mean(name, open_clip.list_models())
        )
    tags = [known for model, known in open_clip.list_pretrained() if model == name]
    if slash and tag not in tags:
        raise UsageError(
            f"{ref}: open_clip has no weights {tag!r} of {name}.", did_you_mean(tag, tags)
        )
    if not slash and "checkpoint" not in ref.options:
        raise UsageError(f"{ref}: names no weights.", did_you_mean(name, tags))
    config = open_clip.get_pretrained_cfg(name, tag) if slash else {}
    images = merge_preprocess_dict(PreprocessCfg(), config)
    images["size"] = network["vision_cfg"].get("image_size", 224)
    repository, _, file = str(config.get("hf_hub", "")).rpartition("/")
    files = (f"{file.rpartition('.')[0]}.safetensors", file) if file else _HUB_FILES
    # open_clip only warns of weights that were trained with the other activation.
    quick = bool(config.get("quick_gelu")) or bool(network.get("quick_gelu"))
    return _Source(name, "", repository, files, network, images, quick)


def _local_weights(ref: ModelRef, source: _Source, runtime: Runtime) -> Path | None:
    given = ref.option("checkpoint")
    if given is not None:
        return existing_file(ref, runtime, str(given))
    folder = Path(source.folder)
    names = _FILES if source.folder else ()
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None and not source.repository:
        raise UsageError(f"{ref}: has no weights.", "Give a file of them with checkpoint.")
    return found


def _network(ref: ModelRef, source: _Source, path: Path, trusted: bool) -> tuple[Any, Any]:
    """Build network and tokeniser, and fill the network."""
    network = _empty(ref, source)
    try:
        with _silent():
            open_clip.load_checkpoint(network, str(path), weights_only=not trusted)
    except (RuntimeError, KeyError, AssertionError) as error:
        raise does_not_fit(f"{ref}: {path}", error) from error
    try:
        with _silent():
            return network, open_clip.get_tokenizer(source.name)
    except _UNBUILDABLE as error:
        raise _cannot_build(ref, error) from error


def _empty(ref: ModelRef, source: _Source) -> Any:
    """Build the network with random weights."""
    try:
        with _silent():
            return open_clip.create_model(
                source.name,
                load_weights=False,
                pretrained_text=False,
                force_quick_gelu=source.quick_gelu,
            )
    except _UNBUILDABLE as error:
        raise _cannot_build(ref, error) from error


def _cannot_build(ref: ModelRef, error: Exception) -> DataError:
    return DataError(
        f"{ref}: open_clip cannot build the model ({type(error).__name__}: {error}).",
        "Text towers and tokenisers of the hub have to be fetched first.",
    )


def _embedded(network: Any, tokeniser: Any, prompts: Prompts, runtime: Runtime) -> torch.Tensor:
    """Embed the classes: shape (embedding, classes), each column of length 1."""
    runner = TorchRunner(network, runtime)
    texts = prompts.texts()
    parts = []
    for first in range(0, len(texts), _TEXTS):
        tokens = tokeniser(texts[first : first + _TEXTS]).to(runner.device)
        found = runner.run(partial(network.encode_text, tokens, normalize=True))
        parts.append(torch.from_numpy(found))
    each = torch.cat(parts).view(len(prompts.names), len(prompts.templates), -1).mean(dim=1)
    return torch.nn.functional.normalize(each, dim=1).T.contiguous().to(runner.device)


def _prompts(ref: ModelRef, runtime: Runtime) -> Prompts:
    given = ref.option("classes", _IMAGENET)
    if given == _IMAGENET:
        space, names = known_space(_IMAGENET), tuple(open_clip.IMAGENET_CLASSNAMES)
    else:
        space = read_classes(existing_file(ref, runtime, str(given)))
        names = space.labels
    wanted = ref.option("templates", "imagenet" if given == _IMAGENET else "plain")
    if wanted in _TEMPLATES:
        known = _TEMPLATES[wanted]
        templates = tuple(one if isinstance(one, str) else one("{}") for one in known)
    else:
        templates = _read_templates(existing_file(ref, runtime, str(wanted)))
    return Prompts(space, names, templates)


def _read_templates(path: Path) -> tuple[str, ...]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text.", "Save the templates as UTF-8.") from error
    templates = tuple(line for line in lines if line)
    wrong = [line for line in templates if "{}" not in line]
    if wrong or not templates:
        what = f"the template {wrong[0]!r} has no {{}}" if wrong else "no templates"
        raise DataError(f"{path}: {what}.", "Write one a line, with {} for the class.")
    return templates


@contextmanager
def _silent() -> Iterator[None]:
    """Keep open_clip's remarks from setting up logging, which they do where nobody else has."""
    root, handler = logging.getLogger(), logging.NullHandler()
    level = logging.root.manager.disable
    root.addHandler(handler)
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(level)
        root.removeHandler(handler)
