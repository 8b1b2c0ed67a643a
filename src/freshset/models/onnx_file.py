"""What an ONNX file says of itself, read without loading its weights.

Describing a model needs its inputs, outputs and metadata, and the names of the files that hold its
weights.  ONNX Runtime tells the former only by loading everything and the latter not at all, so
this walks the protocol buffer and skips over the tensors.  Field numbers are those of ``onnx.proto``
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), which never change.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from freshset.core.errors import DataError

# Where a tensor can be: field number of a message to that of the messages inside, by kind.
_INSIDE = {
    "model": {7: "graph", 25: "function", 20: "training"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of the graph.

    Attributes
    ----------
    name
        Its name.
    kind
        Element type by its number in ``TensorProto.DataType``; 0 when it is no tensor.
    shape
        Sizes, 0 for those that are not fixed; ``None`` when nothing is said.
    """

    name: str
    kind: int
    shape: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """What a file says of its graph.

    Attributes
    ----------
    inputs, outputs
        Of the graph; inputs that have a value in the file are left out.
    external
        Files with weights, relative to the folder of the model, sorted.
    metadata
        The ``metadata_props``.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    external: tuple[str, ...]
    metadata: dict[str, str] = field(default_factory=dict)


def read_onnx(path: Path) -> OnnxFile:
    """Read the outline of a model.

    Raises
    ------
    DataError
        When it is no ONNX file, is cut short, or keeps weights outside its folder.
    """
    if path.stat().st_size == 0:
        raise DataError(f"{path}: an empty file.", "Copy or export it again.")
    with path.open("rb") as stream:
        # Not closed by hand: the views into it may outlive this function in a traceback.
        data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        return _outline(memoryview(data), path)
    except (ValueError, IndexError) as error:
        raise DataError(
            f"{path}: not an ONNX file, or one that is cut short.", "Copy or export it again."
        ) from error


def _outline(view: memoryview, path: Path) -> OnnxFile:
    graphs = [value for number, value in _messages(view) if number == 7]
    if len(graphs) != 1:
        raise ValueError("no graph")
    inputs, outputs, valued = [], [], set()
    for number, value in _messages(graphs[0]):
        if number == 11:
            inputs.append(_port(value))
        elif number == 12:
            outputs.append(_port(value))
        elif number == 5:
            valued.add(_text(value, 8))
    if not outputs:
        raise ValueError("no outputs")
    metadata = [value for number, value in _messages(view) if number == 14]
    external = sorted({_inside(name, path) for name in _external(view, "model")})
    return OnnxFile(
        tuple(one for one in inputs if one.name not in valued),
        tuple(outputs),
        tuple(external),
        {_text(entry, 1): _text(entry, 2) for entry in metadata},
    )


def _inside(name: str, path: Path) -> str:
    """Refuse names by which a model could read any file of its user."""
    for kind in (PurePosixPath(name), PureWindowsPath(name)):
        if kind.is_absolute() or kind.drive or ".." in kind.parts or not kind.name:
            raise DataError(
                f"{path}: keeps weights in {name!r}, which is outside its folder.",
                "Save the model again with its weights beside it.",
            )
    return name


def _external(view: memoryview, kind: str) -> Iterator[str]:
    if kind == "tensor":
        for number, value in _messages(view):
            if number == 13 and _text(value, 1) == "location":
                yield _text(value, 2)
        return
    inside = _INSIDE[kind]
    for number, value in _messages(view):
        if number in inside:
            yield from _external(value, inside[number])


def _port(view: memoryview) -> Port:
    name = _text(view, 1)
    for _, kind in _those(view, 2):
        for _, tensor in _those(kind, 1):
            element = next((v for n, v in _fields(tensor) if n == 1 and isinstance(v, int)), 0)
            shapes = [value for _, value in _those(tensor, 2)]
            shape = tuple(_size(size) for _, size in _those(shapes[0], 1)) if shapes else None
            return Port(name, element, shape)
    return Port(name, 0, None)


def _size(view: memoryview) -> int:
    return next((v for n, v in _fields(view) if n == 1 and isinstance(v, int)), 0)


def _text(view: memoryview, wanted: int) -> str:
    return next((bytes(value).decode() for _, value in _those(view, wanted)), "")


def _those(view: memoryview, wanted: int) -> Iterator[tuple[int, memoryview]]:
    return ((number, value) for number, value in _messages(view) if number == wanted)


def _messages(view: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Fields that hold bytes: messages, texts and packed numbers."""
    for number, value in _fields(view):
        if isinstance(value, memoryview):
            yield number, value


def _fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    at = 0
    while at < len(view):
        key, at = _varint(view, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(view, at)
            yield number, value
            continue
        size = {1: 8, 5: 4}.get(wire)
        if wire == 2:
            size, at = _varint(view, at)
        if size is None or at + size > len(view):
            raise ValueError("not a protocol buffer")
        yield number, view[at : at + size]
        at += size


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("not a protocol buffer")
