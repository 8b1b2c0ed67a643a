"""The data sets of torchvision, from where torchvision keeps them.

The path is the folder that torchvision calls root.  Options: ``name`` (of the class: ``CIFAR10``),
``split`` (``test`` by default; the value of the class's ``split`` or ``what``, or ``train`` or ``test``
where it has a flag), ``arguments`` (anything else that the class takes, as a mapping), ``download``
(fetch what is missing), ``classes`` (a known space, a number, a list or file).

Items are what the class gives, converted to RGB.  Ids are the paths of the images, else row numbers.
The digest is of the pixels where the class holds them in memory, of ids and file sizes where it says
its files, and of all decoded images otherwise, which takes a while.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from torchvision import datasets

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, FreshsetError, UsageError, did_you_mean
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.files import size_of, sizes_digest
from freshset.datasets.images import to_rgb
from freshset.datasets.labels import declared_classes, in_declared, to_labels
from freshset.datasets.opened import Opened, classification, row_ids
from freshset.datasets.options import Options

_OWN = {"self", "root", "transform", "target_transform", "transforms", "loader", "download"}
_TARGETS = ("targets", "labels", "_labels", "y")
_SAMPLES = ("samples", "_samples", "imgs")
_FILES = ("_image_files", "_images", "images")


@dataclass(frozen=True, slots=True)
class Call:
    """How a data set is made.

    Attributes
    ----------
    name
        Of the class.
    arguments
        Names and values, in alphabetical order.
    """

    name: str
    arguments: tuple[tuple[str, Any], ...]

    def make(self, **more: Any) -> datasets.VisionDataset:
        """Make the data set."""
        made = getattr(datasets, self.name)(**dict(self.arguments), **more)
        if not isinstance(made, datasets.VisionDataset):
            raise UsageError(f"torchvision's {self.name} is no data set of images.")
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchvisionReader(Opened):
    """Reads the items of a torchvision data set; see `freshset.datasets.base.Reader`."""

    call: Call

    def read(self, index: int) -> Image.Image:
        """Read item ``index`` as an RGB image."""
        where = f"{self.testset.id}: {self.testset.ids[index]}"
        return _item(_dataset(self.call, self.reading), index, where)


@dataclass(frozen=True, slots=True)
class Torchvision:
    """The adapter ``torchvision``; see `freshset.datasets.base.DatasetAdapter`."""

    def open(self, ref: TestSetRef) -> Reader:
        """Open a data set of torchvision.

        Raises
        ------
        UsageError
            For a class, option or folder that does not exist, or data that are not there.
        DataError
            For data that are damaged, or that are not images with one class each.
        """
        options = Options(ref, ("name", "split", "arguments", "download", "classes"))
        call = _call(options)
        data = _made(options, call)
        targets = _targets(data, ref.id)
        labels, own = to_labels(targets, _space(data), ref.id)
        labels, space = in_declared(labels, own, declared_classes(options), ref.id)
        files = _files(data)
        ids = _file_ids(files, Path(ref.path)) if files else row_ids(len(labels))
        testset = classification(options, ids, labels, space, ids_given=bool(files))
        said = " ".join(f"{key}={value}" for key, value in call.arguments if key != "root")
        return TorchvisionReader(
            testset=testset,
            classes=space,
            item="image",
            reading=f"torchvision/1 {call.name} {said} bytes={_digest(data, ids, files)}",
            origin=options.origin(testset.n),
            call=call,
        )


ADAPTER = Torchvision()


@lru_cache(maxsize=2)
def _dataset(call: Call, reading: str) -> datasets.VisionDataset:  # noqa: ARG001
    """One data set a process and content: its digest is in the key, lest older data be taken."""
    return call.make()


def _item(data: datasets.VisionDataset, index: int, where: str) -> Image.Image:
    try:
        image = data[index][0]
    except (MemoryError, IndexError):
        raise
    except Exception as error:  # decoders raise many kinds for damaged files
        raise DataError(f"{where}: cannot be decoded ({error}).", "Get the data again.") from error
    if not isinstance(image, Image.Image):
        raise DataError(f"{where}: a {type(image).__name__}, not an image.")
    return to_rgb(image, where)


def _call(options: Options) -> Call:
    ref, name = options.ref, options.text("name")
    known = sorted(datasets.__all__)
    if name not in known:
        raise UsageError(
            f"{ref.id}: torchvision has no data set {name!r}.",
            did_you_mean(name, known) if name else "Say which with the option 'name'.",
        )
    takes = _parameters(getattr(datasets, name))
    arguments = options.table("arguments")
    for argument in arguments:
        if argument not in takes - _OWN:
            raise UsageError(
                f"{ref.id}: torchvision's {name} takes no {argument!r}.",
                did_you_mean(argument, takes - _OWN),
            )
    arguments = {key: tuple(v) if isinstance(v, list) else v for key, v in arguments.items()}
    if "root" in takes:
        arguments["root"] = ref.path
    split = options.text("split", "test")
    way = next((way for way in ("what", "train", "split") if way in takes), "")
    if way == "train":
        if split not in {"train", "test"}:
            raise UsageError(f"{ref.id}: split is {split!r}.", f"{name} has 'train' and 'test'.")
        arguments.setdefault("train", split == "train")
    elif way:
        arguments.setdefault(way, split)
    elif "split" in options:
        raise UsageError(f"{ref.id}: torchvision's {name} has no splits.")
    return Call(name, tuple(sorted(arguments.items())))


def _parameters(kind: type) -> set[str]:
    """Names that a class takes, also those that it passes on to the class that it extends."""
    names: set[str] = set()
    for one in kind.__mro__:
        if "__init__" not in vars(one):
            continue
        parameters = inspect.signature(vars(one)["__init__"]).parameters.values()
        names |= {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            break
    return names


def _made(options: Options, call: Call) -> datasets.VisionDataset:
    ref, more = options.ref, {}
    if options.flag("download") and not ref.offline:
        if "download" not in _parameters(getattr(datasets, call.name)):
            raise UsageError(f"{ref.id}: torchvision cannot download {call.name}.")
        more = {"download": True}
    else:
        options.path()
    try:
        return call.make(**more)
    except FreshsetError:
        raise
    except (ValueError, TypeError, ModuleNotFoundError) as error:
        raise UsageError(f"{ref.id}: {error}") from error
    except Exception as error:  # the classes raise many kinds for data that are not there
        raise UsageError(
            f"{ref.id}: torchvision finds no {call.name} in {ref.path} ({error}).",
            "Put the data there" + (", or set download: true." if not more else "."),
        ) from error


def _targets(data: datasets.VisionDataset, where: str) -> npt.NDArray[Any]:
    """Class ids without decoding, where the data set has a list of them that agrees with its items."""
    found: list[Any] = [getattr(data, name, None) for name in _TARGETS]
    found.append([target for _, target in _pairs(data)])
    for candidate in found:
        if candidate is None or len(candidate) != len(data) or not len(data):
            continue
        values = np.asarray(candidate)
        if values.ndim == 1 and all(_agree(data, end, values[end]) for end in (0, len(data) - 1)):
            return values
    try:
        return np.array([int(data[index][1]) for index in range(len(data))])
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{where}: the targets of the data set are no class ids ({error})."
        ) from error


def _agree(data: datasets.VisionDataset, index: int, label: Any) -> bool:
    try:
        return int(data[index][1]) == int(label)
    except (TypeError, ValueError):
        return False
    except Exception:  # an image that cannot be decoded says nothing here, and is named when read
        return True


def _pairs(data: datasets.VisionDataset) -> list[tuple[Any, Any]]:
    """Files and targets of the items, where the data set says them together."""
    for name in _SAMPLES:
        found = getattr(data, name, None)
        if not isinstance(found, Sequence) or not found or len(found) != len(data):
            continue
        if isinstance(found[0], (tuple, list)):
            return [(one[0], one[1]) for one in found]
    return []


def _space(data: datasets.VisionDataset) -> ClassSpace | None:
    classes, wnids = getattr(data, "classes", None), getattr(data, "wnids", None)
    if not classes or not isinstance(classes, (list, tuple)):
        return None
    names = tuple(", ".join(one) if isinstance(one, tuple) else str(one) for one in classes)
    return ClassSpace("", tuple(wnids), names) if wnids else ClassSpace("", names)


def _files(data: datasets.VisionDataset) -> list[Path]:
    """Files of the items, where the data set says them."""
    if pairs := _pairs(data):
        return [Path(file) for file, _ in pairs]
    for name in _FILES:
        files = getattr(data, name, None)
        if isinstance(files, (list, tuple)) and files and len(files) == len(data):
            if not isinstance(files[0], (str, Path)):
                return []
            # Parsing a path again takes as long as looking at the file.
            return [file if isinstance(file, Path) else Path(file) for file in files]
    return []


def _file_ids(files: Sequence[Path], root: Path) -> list[str]:
    try:
        return [file.relative_to(root).as_posix() for file in files]
    except ValueError:  # some lie elsewhere
        return [file.as_posix() for file in files]


def _digest(data: datasets.VisionDataset, ids: Sequence[str], files: Sequence[Path]) -> str:
    if files:
        return sizes_digest(ids, (size_of(file, str(file)) for file in files))
    held: Any = getattr(data, "data", None)
    pixels = held.numpy() if hasattr(held, "numpy") else held
    if isinstance(pixels, np.ndarray) and len(pixels) == len(data):
        head = f"{pixels.dtype.str} {pixels.shape}\n".encode()
        return f"pixels:{hashlib.sha256(head + np.ascontiguousarray(pixels).tobytes()).hexdigest()}"
    digest = hashlib.sha256()
    for index, id in enumerate(ids):
        image = _item(data, index, id)
        digest.update(f"{image.size}\n".encode() + image.tobytes())
    return f"pixels:{digest.hexdigest()}"
