"""ONNX files through ONNX Runtime: ``onnx:FILE.onnx``.

Options: ``input`` (``image`` or ``array``; by default an input of four axes is an image), those of
`freshset.models.image_options`, ``layout`` (``nchw`` or ``nhwc``) and ``mode`` (``RGB`` or ``L``)
where the shape of the input leaves them open, ``output`` where the file has several, ``kind`` of the
outputs (``logits`` by default, ``probabilities``, ``scores``, ``classes``), and ``classes``, a file
of class keys.

What belongs to the model is better kept with it: ``model.json`` beside ``model.onnx``, or the
metadata entry ``freshset`` in the file, is a JSON object of the same keys (all but ``layout`` and
``output``; ``classes`` is then the list itself).  Options win over the file beside it, and that over
the metadata.  There is no default preprocessing, since every wrong one gives a number too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnxruntime

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.core.files import read_json
from freshset.models.base import Input, ModelInfo, Outputs, Preprocessing, Runtime
from freshset.models.image_options import IMAGE_OPTIONS, image_preprocessing
from freshset.models.local import (
    class_space,
    existing_file,
    no_revision,
    only_fp32,
    read_classes,
    versions,
)
from freshset.models.onnx_file import OnnxFile, Port, read_onnx
from freshset.models.preprocessing import ArrayPreprocessing, ImagePreprocessing, Mode
from freshset.models.reference import ModelRef
from freshset.models.weights import check_digest, check_whole, files_digest

# Element types by their number in TensorProto.DataType.
_DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype(np.float32), 2: np.dtype(np.uint8), 3: np.dtype(np.int8), 6: np.dtype(np.int32),
    7: np.dtype(np.int64), 10: np.dtype(np.float16), 11: np.dtype(np.float64),
}  # fmt: skip
_CHANNELS: dict[int, Mode] = {1: "L", 3: "RGB"}
_BESIDE = ("input", "kind", "classes", "mode", *IMAGE_OPTIONS)
_OPTIONS = (*_BESIDE, "layout", "output", "sha256")
_INPUTS: tuple[Input, ...] = ("image", "array")
_KINDS: tuple[Outputs, ...] = ("logits", "probabilities", "scores", "classes")


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a file is run, all of it known before its weights are loaded.

    Attributes
    ----------
    batch
        Items that the graph takes at once; 0 for any number.
    """

    path: Path
    input: str
    dtype: np.dtype[Any]
    layout: Literal["nchw", "nhwc", ""]
    batch: int
    output: str


class OnnxModel:
    """A session of ONNX Runtime; a `freshset.models.base.Model`."""

    def __init__(self, info: ModelInfo, plan: _Plan, session: onnxruntime.InferenceSession) -> None:
        self.info = info
        self._plan = plan
        self._session = session

    def predict(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the chosen output; see `Model.predict`."""
        inputs = self._inputs(batch)
        size = self._plan.batch or len(inputs)
        parts = [self._run(inputs[at : at + size], size) for at in range(0, len(inputs), size)]
        out = np.concatenate(parts)
        if self.info.outputs == "classes":
            return out if out.dtype.kind in "iu" else out.astype(np.float32)
        return out.astype(np.float32, copy=False)

    def _inputs(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        ours, dtype = self.info.preprocessing, self._plan.dtype
        if not isinstance(ours, ImagePreprocessing):
            if not np.can_cast(batch.dtype, dtype, "same_kind"):
                raise DataError(
                    f"{self._plan.path.name}: takes {dtype}, but the items are {batch.dtype}."
                )
            return batch.astype(dtype, copy=False)
        if dtype == np.uint8:
            return batch if self._plan.layout == "nhwc" else batch.transpose(0, 3, 1, 2)
        ready = ours.normalise(batch, channels_last=self._plan.layout == "nhwc")
        return ready.astype(dtype, copy=False)

    def _run(self, inputs: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
        missing = size - len(inputs)
        if missing:
            # The graph takes whole batches only; what is added here is taken away below.
            inputs = np.concatenate([inputs, np.repeat(inputs[-1:], missing, axis=0)])
        feed = {self._plan.input: np.ascontiguousarray(inputs)}
        try:
            (out,) = self._session.run([self._plan.output], feed)
        except Exception as error:
            # Its own exceptions derive from none that says so.
            if "allocate memory" in str(error):
                raise MemoryError(str(error)) from error
            raise
        kept = size - missing
        if not isinstance(out, np.ndarray) or out.ndim == 0 or len(out) != size:
            shape = getattr(out, "shape", type(out).__name__)
            raise DataError(
                f"{self._plan.path.name}: the output {self._plan.output!r} is {shape} for "
                f"{size} items.",
                "Name an output with one row an item, ?output=NAME.",
            )
        return out[:kept]


class OnnxAdapter:
    """Reads the outline of a file to describe it, and makes a session only to load it."""

    def expand(self, pattern: str) -> Sequence[str]:  # noqa: ARG002 - the port's signature
        """Files are not listed."""
        return ()

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        """See `freshset.models.base.Adapter.describe`."""
        return _describe(ref, runtime)[0]

    def load(self, ref: ModelRef, runtime: Runtime) -> OnnxModel:
        """See `freshset.models.base.Adapter.load`."""
        info, plan = _describe(ref, runtime)
        session = _session(plan.path, runtime)
        provider = session.get_providers()[0]
        width = info.n_outputs or _width_of(session, plan.output)
        info = replace(info, n_outputs=width, versions={**info.versions, "provider": provider})
        return OnnxModel(info, plan, session)


ADAPTER = OnnxAdapter()


def _describe(ref: ModelRef, runtime: Runtime) -> tuple[ModelInfo, _Plan]:
    ref.check_options(_OPTIONS)
    no_revision(ref)
    only_fp32(ref, runtime, "the precision of an ONNX file is part of the file")
    path = existing_file(ref, runtime, ref.name)
    check_whole(path)
    file = read_onnx(path)
    settings = _settings(ref, path, file)
    port, output = _input(ref, file), _output(ref, file)
    input: Input = _choice(settings, "input", _default_input(port), _INPUTS, ref)
    outputs: Outputs = _choice(settings, "kind", "logits", _KINDS, ref)
    layout, preprocessing = _preprocessing(ref, port, settings, input)
    classes = _classes(ref, runtime, settings, path)
    width = 0 if outputs == "classes" else _last(output.shape)
    if classes is not None and width and len(classes) != width:
        raise DataError(
            f"{path}: {width} outputs, but {len(classes)} classes are named.",
            "Name one class an output, in their order.",
        )
    digest = files_digest([path, *_external(path, file)])
    check_digest(ref, digest)
    info = ModelInfo(
        ref,
        "onnx/1",
        preprocessing,
        outputs,
        input=input,
        classes=classes,
        n_outputs=width or (len(classes) if classes else 0),
        weights=digest,
        versions=versions(onnxruntime),
    )
    batch = port.shape[0] if port.shape else 0
    return info, _Plan(path, port.name, _DTYPES[port.kind], layout, batch, output.name)


def _settings(ref: ModelRef, path: Path, file: OnnxFile) -> Mapping[str, Any]:
    """Options, over the file beside the model, over its metadata."""
    settings: dict[str, Any] = {}
    inside = file.metadata.get("freshset")
    if inside is not None:
        try:
            settings |= _known(json.loads(inside), f"{path}: metadata 'freshset'")
        except json.JSONDecodeError as error:
            raise DataError(f"{path}: its metadata entry 'freshset' is not JSON.") from error
    beside = path.with_suffix(".json")
    if beside.is_file():
        settings |= _known(read_json(beside), str(beside))
    given = {name: value for name, value in ref.options.items() if name != "classes"}
    if "size" in given or "resize" in given or "crop" in given:
        # Another way to get to a size replaces the whole of the one before.
        for name in ("size", "resize", "crop", "resizing"):
            settings.pop(name, None)
    return settings | given


def _known(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{where}: not a JSON object.", f"Keys: {', '.join(_BESIDE)}.")
    for name in value:
        if name not in _BESIDE:
            raise DataError(f"{where}: unknown key {name!r}.", did_you_mean(name, _BESIDE))
    return dict(value)


def _input(ref: ModelRef, file: OnnxFile) -> Port:
    if len(file.inputs) != 1:
        names = ", ".join(repr(port.name) for port in file.inputs) or "none"
        raise UsageError(
            f"{ref}: a model of one input is needed; its inputs are: {names}.",
            "Export it with one input.",
        )
    (port,) = file.inputs
    if port.kind not in _DTYPES or not port.shape:
        raise UsageError(
            f"{ref}: the input {port.name!r} is no array of numbers with a batch axis.",
            "Export it with an input of numbers whose first axis is the batch.",
        )
    return port


def _output(ref: ModelRef, file: OnnxFile) -> Port:
    names = [port.name for port in file.outputs]
    wanted = ref.option("output")
    if wanted is None and len(names) == 1:
        return file.outputs[0]
    if wanted is None:
        raise UsageError(
            f"{ref}: the file has several outputs: {', '.join(names)}.",
            f"Choose one: ?output={names[0]}.",
        )
    if str(wanted) not in names:
        raise UsageError(f"{ref}: no output {wanted!r}.", did_you_mean(str(wanted), names))
    return file.outputs[names.index(str(wanted))]


def _default_input(port: Port) -> Input:
    return "image" if port.shape is not None and len(port.shape) == 4 else "array"


def _choice(
    settings: Mapping[str, Any], name: str, default: Any, choices: tuple[Any, ...], ref: ModelRef
) -> Any:
    value = settings.get(name, default)
    if value not in choices:
        raise UsageError(f"{ref}: {name} is {value!r}.", f"Use one of: {', '.join(choices)}.")
    return value


def _preprocessing(
    ref: ModelRef, port: Port, settings: Mapping[str, Any], input: Input
) -> tuple[Literal["nchw", "nhwc", ""], Preprocessing]:
    used = [name for name in ("mode", *IMAGE_OPTIONS) if name in settings]
    if input == "array":
        if used or ref.option("layout"):
            raise UsageError(
                f"{ref}: {(*used, 'layout')[0]} says how images are prepared, but the input is no "
                "image.",
            )
        return "", ArrayPreprocessing()
    layout, mode, size = _layout(ref, port, settings)
    norm = [name for name in ("mean", "std") if name in settings]
    if _DTYPES[port.kind] == np.uint8 and norm:
        raise UsageError(f"{ref}: takes bytes, so {norm[0]} has nothing to work on.")
    if _DTYPES[port.kind].kind == "f" and len(norm) < 2:
        raise UsageError(
            f"{ref}: nothing says how images are prepared for it.",
            "Add ?resize=256&crop=224&mean=0.485,0.456,0.406&std=0.229,0.224,0.225 with its own "
            f"values, or write them to {Path(ref.name).with_suffix('.json').name} beside it.",
        )
    made = image_preprocessing(settings, mode, str(ref))
    shape = made.shape or (0, 0, 0)
    if any(fixed not in {0, given} for fixed, given in zip(size, shape, strict=False)):
        raise UsageError(
            f"{ref}: takes images of {size[0]}x{size[1]}, not {shape[0]}x{shape[1]}.",
            "Give the size of the model.",
        )
    return layout, made


def _layout(
    ref: ModelRef, port: Port, settings: Mapping[str, Any]
) -> tuple[Literal["nchw", "nhwc"], Mode, tuple[int, int]]:
    """Order of the axes, channels and (height, width), 0 where these are not fixed."""
    shape = port.shape or ()
    if len(shape) != 4 or _DTYPES[port.kind].kind not in "fu":
        raise UsageError(f"{ref}: an input of shape {shape} is no batch of images.")
    layouts: list[Literal["nchw", "nhwc"]] = ["nchw", "nhwc"]
    places = {"nchw": 1, "nhwc": 3}
    fitting = [one for one in layouts if shape[places[one]] in _CHANNELS]
    wanted = ref.option("layout")
    if wanted is not None:
        fitting = [one for one in layouts if one == wanted and shape[places[one]] in {0, 1, 3}]
    if len(fitting) != 1:
        raise UsageError(
            f"{ref}: whether channels come first or last in {shape} is not clear.",
            "Say ?layout=nchw or ?layout=nhwc.",
        )
    channels = shape[places[fitting[0]]]
    mode = settings.get("mode", _CHANNELS.get(channels))
    if mode not in _CHANNELS.values() or (channels and _CHANNELS[channels] != mode):
        raise UsageError(
            f"{ref}: mode is {mode!r} for {channels or 'any number of'} channels.",
            "Say ?mode=RGB or ?mode=L.",
        )
    size = shape[2:] if fitting[0] == "nchw" else shape[1:3]
    return fitting[0], mode, (size[0], size[1])


def _classes(
    ref: ModelRef, runtime: Runtime, settings: Mapping[str, Any], path: Path
) -> ClassSpace | None:
    wanted = ref.option("classes")
    if wanted is not None:
        return read_classes(existing_file(ref, runtime, str(wanted)))
    listed = settings.get("classes")
    return None if listed is None else class_space(listed, f"{path.with_suffix('.json')}: classes")


def _external(path: Path, file: OnnxFile) -> list[Path]:
    files = [path.parent / name for name in file.external]
    for one in files:
        if not one.is_file():
            raise DataError(
                f"{path}: its weights are in {one.name}, which is not beside it.",
                "Copy all files of the model.",
            )
    return files


def _last(shape: tuple[int, ...] | None) -> int:
    return shape[-1] if shape is not None and len(shape) == 2 else 0


def _width_of(session: onnxruntime.InferenceSession, name: str) -> int:
    shape = next(port.shape for port in session.get_outputs() if port.name == name)
    return shape[1] if len(shape) == 2 and isinstance(shape[1], int) else 0


def _session(path: Path, runtime: Runtime) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = runtime.threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    provider = _provider(path, runtime.device)
    try:
        session = onnxruntime.InferenceSession(str(path), options, [provider])
    except Exception as error:
        raise DataError(f"{path}: ONNX Runtime cannot load it ({error}).") from error
    if runtime.device.startswith("cuda") and session.get_providers()[0] != provider[0]:
        raise UsageError(
            f"{path}: ONNX Runtime cannot use {runtime.device}.",
            "Install the CUDA libraries that it wants, or use --device cpu.",
        )
    return session


def _provider(path: Path, device: str) -> tuple[str, dict[str, Any]]:
    cuda = "CUDAExecutionProvider"
    has_cuda = cuda in onnxruntime.get_available_providers()
    kind, _, index = device.partition(":")
    if kind not in {"auto", "cpu", "cuda"}:
        raise UsageError(f"{path}: no device {device!r}.", "Use auto, cpu, cuda or cuda:1.")
    if kind == "cpu" or (kind == "auto" and not has_cuda):
        return "CPUExecutionProvider", {}
    if not has_cuda:
        raise UsageError(
            f"{path}: this ONNX Runtime has no CUDA.",
            "pip install onnxruntime-gpu, or use --device cpu.",
        )
    # By default it computes in TF32, and tries out convolutions, of which another may win next time.
    options = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC", "device_id": index or "0"}
    return cuda, options
