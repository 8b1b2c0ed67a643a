"""Images or vectors in an npz file, or in npy files.

Options: ``images``, ``labels``, ``ids`` (keys of the npz file, or files beside an npy file; ids may
be left out), ``strata`` (keys or files), ``classes``, ``layout`` (``NHWC``, ``NCHW`` or ``NHW``, where
the shape leaves it open), ``item`` (``array`` for vectors and fields that are no images),
``sha256`` of the file.

Unsigned bytes of three or four dimensions are images, all else are arrays.  An npy file is
memory-mapped; an npz file is read into the memory of each process, so large data are better npy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.datasets.base import Item, Reader, TestSetRef
from freshset.datasets.labels import declared_classes, to_labels
from freshset.datasets.opened import Opened, classification, row_ids
from freshset.datasets.options import Options

Layout = Literal["", "NHWC", "NCHW", "NHW"]

_NAMES = {
    "images": ("images", "image", "x", "data", "features", "x_test", "test_images"),
    "labels": ("labels", "label", "y", "targets", "target", "y_test", "test_labels"),
    "ids": ("ids", "id", "item_id", "image_id", "filenames", "names"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayReader(Opened):
    """Reads rows of an array; see `freshset.datasets.base.Reader`."""

    path: Path
    key: str
    modified: int
    layout: Layout

    def read(self, index: int) -> Any:
        """Read item ``index``: an RGB image, or a copy of the row."""
        row = _array(self.path, self.key, self.modified)[index]
        if self.item == "array":
            return np.array(row)
        if self.layout == "NCHW":
            row = row.transpose(1, 2, 0)
        if row.ndim == 3 and row.shape[2] == 1:
            row = row[:, :, 0]
        image = Image.fromarray(np.ascontiguousarray(row))
        return image if image.mode == "RGB" else image.convert("RGB")


@dataclass(frozen=True, slots=True)
class Arrays:
    """The adapter ``arrays``; see `freshset.datasets.base.DatasetAdapter`."""

    def open(self, ref: TestSetRef) -> Reader:
        """Open an npz file, or an npy file and its labels.

        Raises
        ------
        UsageError
            For an option, key or file that does not exist.
        DataError
            For arrays that hold pickled objects, differ in length, or have another checksum.
        """
        options = Options(
            ref, ("images", "labels", "ids", "strata", "classes", "layout", "item", "sha256")
        )
        path = options.path()
        digest = options.digest(path)
        source = _Source.of(options, path)
        _, key = source.find("images")
        modified = path.stat().st_mtime_ns
        images = _array(path, key, modified)
        layout, item = _kind(options, images)
        labels, space = to_labels(
            source.get("labels"), declared_classes(options), f"{ref.id}: labels"
        )
        ids = source.ids()
        strata = {name: source.get(name) for name in options.texts("strata")}
        for name, values in {"ids": ids, "labels": labels, **strata}.items():
            if values is not None and len(values) != len(images):
                raise DataError(f"{path}: {len(images)} items, but {len(values)} {name}.")
        return ArrayReader(
            testset=classification(
                options,
                ids or row_ids(len(images)),
                labels,
                space,
                ids_given=ids is not None,
                strata=strata,
            ),
            classes=space,
            item=item,
            reading=f"array/1 item={item} layout={layout} key={key} bytes=sha256:{digest}",
            origin=options.origin(len(images)),
            path=path,
            key=key,
            modified=modified,
            layout=layout,
        )


ADAPTER = Arrays()


@lru_cache(maxsize=8)
def _array(path: Path, key: str, modified: int) -> npt.NDArray[Any]:
    """Open an array once a process; what was opened must not change underneath."""
    if path.stat().st_mtime_ns != modified:
        raise DataError(f"{path}: the file changed since it was opened.", "Run again.")
    return _load(path, key)


def _load(path: Path, key: str) -> npt.NDArray[Any]:
    """Read an array, but never unpickle."""
    try:
        if not key:
            return np.lib.format.open_memmap(path, mode="r")
        # numpy leaves a damaged file open that it has opened itself.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return np.asarray(archive[key])
    except ValueError as error:
        pickled = "pickle" in str(error) or "Python objects" in str(error)
        what = "holds pickled objects" if pickled else f"is damaged ({error})"
        raise DataError(
            f"{path}: the array {key!r} {what}." if key else f"{path}: the file {what}.",
            "Save plain numbers or texts, for example labels.astype(int)." if pickled else "",
        ) from error
    except Exception as error:  # zipfile, zlib and numpy raise many kinds for damaged files
        raise DataError(f"{path}: not a whole npy or npz file ({error}).", "Copy it again.") from (
            error
        )


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the arrays of a test set are: keys of an npz file, or npy files."""

    options: Options
    path: Path
    keys: tuple[str, ...]

    @classmethod
    def of(cls, options: Options, path: Path) -> _Source:
        if path.suffix.lower() != ".npz":
            return cls(options, path, ())
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                return cls(options, path, tuple(archive.files))
        except Exception as error:  # zipfile and numpy raise many kinds for damaged archives
            raise DataError(f"{path}: not a whole npz file ({error}).", "Copy it again.") from error

    def find(self, name: str) -> tuple[Path, str]:
        """File and key of the array for an option, or of an array by its own name."""
        asked = self.options.text(name) if name in _NAMES else name
        if self.path.suffix.lower() == ".npz":
            key = asked or next((key for key in _NAMES[name] if key in self.keys), "")
            if not key or key not in self.keys:
                raise UsageError(
                    f"{self.path}: no array {asked or name!r}.",
                    did_you_mean(key, self.keys) + f" Say which with the option {name!r}.",
                )
            return self.path, key
        if name == "images":
            return self.path, ""
        if not asked:
            raise UsageError(f"{self.options.ref.id}: no {name}.", f"Add {name}: FILE.npy.")
        file = self.options.ref.root / asked
        if not file.is_file():
            raise UsageError(f"{self.options.ref.id}: {name}: there is no file {file}.")
        return file, ""

    def get(self, name: str) -> npt.NDArray[Any]:
        return _load(*self.find(name))

    def ids(self) -> list[str] | None:
        if "ids" not in self.options and not set(_NAMES["ids"]) & set(self.keys):
            return None
        return [one.decode() if isinstance(one, bytes) else str(one) for one in self.get("ids")]


def _kind(options: Options, images: npt.NDArray[Any]) -> tuple[Layout, Item]:
    """Layout and kind of the items, from option, type and shape."""
    path, shape = options.ref.path, images.shape
    if images.dtype.kind not in "biuf" or images.ndim < 2:
        raise DataError(
            f"{path}: items of shape {shape[1:]} and type {images.dtype} are no images or vectors."
        )
    item: Item = "image" if options.choice("item", ("image", "array")) == "image" else "array"
    if "item" not in options:
        item = "image" if images.dtype == np.uint8 and images.ndim in {3, 4} else "array"
    if item == "array":
        return "", "array"
    fits: list[Layout] = []
    if images.dtype == np.uint8:
        if images.ndim == 3:
            fits.append("NHW")
        if images.ndim == 4 and shape[3] in {1, 3}:
            fits.append("NHWC")
        if images.ndim == 4 and shape[1] in {1, 3}:
            fits.append("NCHW")
    layout = options.choice("layout", ("", "NHWC", "NCHW", "NHW"))
    fits = [one for one in fits if layout in {"", one}]
    if len(fits) != 1:
        raise DataError(
            f"{path}: an array of {images.dtype} and shape {shape} "
            + ("can be read in two ways." if fits else f"is not {layout or 'images'}."),
            "Add layout: NHWC or NCHW." if fits else "Images are uint8 with 1 or 3 channels.",
        )
    return fits[0], "image"
