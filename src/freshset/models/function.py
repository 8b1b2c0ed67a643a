"""Any Python callable: ``py:package.module:factory`` or ``py:./file.py:factory``.

The options of the reference are the keyword arguments of the factory; a parameter ``runtime`` is
given the `Runtime` and is no option.  The factory returns one of

- a callable from a batch to scores, one row an item;
- a pair of such a callable, or of a torch ``nn.Module``, and the transform of one item;
- an object that keeps the port `freshset.models.base.Model`.

What the callable is can be said by attributes of the factory or of what it returns:
``preprocessing`` (a `Preprocessing`, or a transform of one item), ``classes`` (keys in the order of
the outputs), ``outputs``, ``n_outputs``, ``input``, ``task``, ``weights`` (files that it reads,
relative to the folder of its module), and ``head`` (name of the module that classifies, or several;
of a torch module by default the last linear layer).  With an `ImagePreprocessing` a callable is given float32
batches (n, channels, height, width), normalised.

A factory that has an attribute ``preprocessing`` speaks for all that it makes and is not called to
describe it; any other is called once to see what it returns, which is then dropped.

The digest covers the file of the module, that of the factory where it is another, and ``weights``:
not what these import.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import numpy as np

from freshset.core.classes import ClassSpace
from freshset.core.errors import FreshsetError, UsageError, did_you_mean
from freshset.core.records import Task
from freshset.models.base import (
    FeatureModel,
    Input,
    Model,
    ModelInfo,
    Outputs,
    Preprocessing,
    Runtime,
    Start,
    Trainable,
)
from freshset.models.local import class_space, existing_file, no_revision, only_fp32, versions
from freshset.models.local_code import load_file, portable, unwrapped
from freshset.models.preprocessing import (
    ArrayPreprocessing,
    IdPreprocessing,
    ImagePreprocessing,
    QuestionPreprocessing,
    TextPreprocessing,
    TransformPreprocessing,
)
from freshset.models.reference import ModelRef
from freshset.models.weights import files_digest

_PLAIN: dict[Input, type[Any]] = {
    "array": ArrayPreprocessing,
    "text": TextPreprocessing,
    "question": QuestionPreprocessing,
    "id": IdPreprocessing,
}


@dataclass(frozen=True, slots=True)
class _Code:
    """A factory with the module that the reference names."""

    ref: ModelRef
    module: ModuleType
    label: str
    factory: Callable[..., Any]

    def make(self, runtime: Runtime) -> Any:
        """Call the factory with the options."""
        given = dict(self.ref.options)
        if "runtime" in _parameters(self.factory):
            given["runtime"] = runtime
        return self.factory(**given)

    @property
    def files(self) -> list[Path]:
        """Files of the module and of the factory, where they have any."""
        names = [self.module.__file__]
        code = inspect.unwrap(self.factory)
        with suppress(TypeError):  # what is built in has no file
            names.append(inspect.getsourcefile(code))
        return list(dict.fromkeys(Path(name) for name in names if name))


class CallableModel:
    """A callable with what is known of it; a `freshset.models.base.Model`."""

    def __init__(self, info: ModelInfo, call: Callable[[Any], Any]) -> None:
        self.info = info
        self._call = call

    def predict(self, batch: Any) -> Any:
        """Call it; see `Model.predict`."""
        ours = unwrapped(self.info.preprocessing)
        out = self._call(ours.normalise(batch) if isinstance(ours, ImagePreprocessing) else batch)
        if self.info.outputs == "answers":
            return list(out)
        # A tensor that remembers its history, or lies on a GPU, is no array yet.
        out = out.detach().cpu() if hasattr(out, "detach") else out
        if self.info.outputs == "classes":
            return np.asarray(out)
        return np.asarray(out, np.float64 if self.info.outputs == "likelihoods" else np.float32)


class FunctionAdapter:
    """Calls factories; see the module."""

    def expand(self, pattern: str) -> Sequence[str]:  # noqa: ARG002 - the port's signature
        """Callables are not listed."""
        return ()

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        """See `freshset.models.base.Adapter.describe`; may call the factory, once."""
        code = _code(ref, runtime)
        if hasattr(code.factory, "preprocessing"):
            return _info(code, code.factory, None)
        key = (ref, runtime, files_digest(code.files))
        seen = _seen.get(key)
        if seen is None or files_digest(seen[1]) != seen[0].weights:
            seen = _seen[key] = _tried(code, runtime)
        return seen[0]

    def load(self, ref: ModelRef, runtime: Runtime) -> Model:
        """See `freshset.models.base.Adapter.load`."""
        code = _code(ref, runtime)
        return _model(code, code.make(runtime), runtime)

    def trainable(
        self, ref: ModelRef, runtime: Runtime, *, n_outputs: int, start: Start, seed: int
    ) -> Trainable:
        """See `freshset.models.registry.trainable`; of factories of torch modules.

        For a random start the module is made as always, and each of its modules then initialised by
        its own ``reset_parameters``.
        """
        try:
            from freshset.models.function_torch import trainable
            from freshset.models.trainable import seeded
        except ImportError as error:
            raise UsageError(f"{ref}: only torch modules can be trained ({error}).") from error
        code = _code(ref, runtime)
        with seeded(seed):
            call, transform = _made(code, runtime)
            info = _described(code, call, transform, runtime)
            if not _is_torch(call):
                raise UsageError(
                    f"{ref}: the factory returned {type(call).__name__}, which cannot be trained.",
                    "Return a torch nn.Module.",
                )
            return trainable(info, call, _head(code), n_outputs, start)


ADAPTER = FunctionAdapter()


# What factories made that had to be called, with the files of code and weights that decided it.
_seen: dict[tuple[ModelRef, Runtime, str], tuple[ModelInfo, list[Path]]] = {}


def _tried(code: _Code, runtime: Runtime) -> tuple[ModelInfo, list[Path]]:
    """Call a factory to see what it makes."""
    call, transform = _made(code, runtime)
    return _described(code, call, transform, runtime), _files(code, _declares(code, call))


def _made(code: _Code, runtime: Runtime) -> tuple[Any, Any]:
    """Call a factory; a callable and a transform, or nothing, come back."""
    try:
        made = code.make(runtime)
    except (FreshsetError, MemoryError):
        raise
    except Exception as error:
        raise UsageError(f"{code.ref}: the factory failed: {_last_words(error)}.") from error
    return made if _is_pair(made) else (made, None)


def _code(ref: ModelRef, runtime: Runtime) -> _Code:
    no_revision(ref)
    label, colon, name = ref.name.rpartition(":")
    if not colon or not name:
        raise UsageError(f"{ref}: names no factory.", "Write py:package.module:factory.")
    local = label.endswith(".py") or "/" in label
    try:
        module = (
            load_file(existing_file(ref, runtime, label), label) if local else import_module(label)
        )
    except FreshsetError:
        raise
    except Exception as error:
        raise UsageError(
            f"{ref}: {label} cannot be imported: {_last_words(error)}.",
            "A file can import installed packages, but not the files beside it.",
        ) from error
    factory = getattr(module, name, None)
    if not callable(factory):
        raise UsageError(f"{ref}: no callable {name!r} in {label}.", _similar(name, module))
    parameters = _parameters(factory)
    given = {**ref.options, **dict.fromkeys(parameters & {"runtime"})}
    try:
        # Some builtins do not say what they take, which is a ValueError.
        with suppress(ValueError):
            inspect.signature(factory).bind(**given)
    except TypeError as error:
        raise UsageError(
            f"{ref}: {name} cannot be called with these options ({error}).",
            f"Its parameters: {', '.join(sorted(parameters)) or 'none'}.",
        ) from error
    return _Code(ref, module, label, factory)


def _similar(name: str, module: ModuleType) -> str:
    return did_you_mean(name, [n for n, v in vars(module).items() if callable(v) and n[0] != "_"])


def _parameters(factory: Callable[..., Any]) -> set[str]:
    with suppress(ValueError):
        return set(inspect.signature(factory).parameters)
    return set()


def _model(code: _Code, made: Any, runtime: Runtime) -> Model:
    """Wrap what a factory returned."""
    call, transform = made if _is_pair(made) else (made, None)
    info = _described(code, call, transform, runtime)
    if _is_model(call):
        return _Port(info, call)
    if not _is_torch(call):
        return CallableModel(info, call)
    from freshset.models.function_torch import TorchModel

    return TorchModel(info, call, runtime, _head(code))


def _described(code: _Code, call: Any, transform: Any, runtime: Runtime) -> ModelInfo:
    if _is_model(call):
        if "runtime" not in _parameters(code.factory):
            only_fp32(code.ref, runtime, "its factory takes no runtime, so cannot know")
        return _port_info(code, call)
    if not callable(call):
        raise UsageError(
            f"{code.ref}: the factory returned {type(call).__name__}, which is not callable."
        )
    info = _info(code, _declares(code, call), transform)
    if _is_torch(call):
        from freshset.models import torch_runtime

        torch_runtime.check_precision(runtime)
        return replace(info, versions=torch_runtime.versions())
    only_fp32(code.ref, runtime, "a callable computes as it was written to")
    return info


def _declares(code: _Code, call: Any) -> Any:
    """Whose attributes say what a callable is; those of torch modules mean other things."""
    return code.factory if hasattr(code.factory, "preprocessing") or _is_torch(call) else call


def _head(code: _Code) -> tuple[str, ...]:
    """Names of the classifiers of a torch module, where the factory says them."""
    said = getattr(code.factory, "head", ())
    return (said,) if isinstance(said, str) else tuple(said)


def _is_pair(made: Any) -> bool:
    return isinstance(made, tuple) and len(made) == 2


def _is_model(made: Any) -> bool:
    return isinstance(getattr(made, "info", None), ModelInfo) and hasattr(made, "predict")


class _Port:
    """A model of the user's own, under the reference by which it was asked for."""

    def __init__(self, info: ModelInfo, model: Model) -> None:
        self.info = info
        self.predict = model.predict
        if isinstance(model, FeatureModel):
            self.features = model.features


def _port_info(code: _Code, model: Model) -> ModelInfo:
    theirs = model.info
    return replace(
        theirs,
        reference=code.ref,
        adapter="py/1",
        preprocessing=portable(theirs.preprocessing, code.module, code.label),
        weights=files_digest(_files(code, _declares(code, model))),
    )


def _info(code: _Code, declares: Any, transform: Any) -> ModelInfo:
    """What is said by attributes of the factory or of what it made."""

    def said(name: str, default: Any) -> Any:
        return getattr(declares, name, getattr(code.factory, name, default))

    if transform is not None and hasattr(declares, "preprocessing"):
        raise UsageError(
            f"{code.ref}: its preprocessing is said by an attribute and by a pair.",
            "Say it in one of the two ways.",
        )
    classes = _classes(code, said("classes", None))
    digest = files_digest(_files(code, declares))
    input, preprocessing = _preprocessing(
        code, said("input", None), transform or said("preprocessing", None)
    )
    return ModelInfo(
        code.ref,
        "py/1",
        portable(preprocessing, code.module, code.label),
        _word(code, "outputs", said("outputs", "logits"), get_args(Outputs)),
        task=_word(code, "task", said("task", "classification"), get_args(Task)),
        input=input,
        classes=classes,
        n_outputs=said("n_outputs", 0 if classes is None else len(classes)),
        weights=digest,
        network=digest,
        versions=versions(),
    )


def _preprocessing(code: _Code, input: Any, given: Any) -> tuple[Input, Preprocessing]:
    if given is None:
        kind: Input = _word(code, "input", input or "array", get_args(Input))
        if kind == "image":
            raise UsageError(
                f"{code.ref}: nothing says how images are prepared for it.",
                "Give the factory an attribute preprocessing, or return (callable, transform).",
            )
        return kind, _PLAIN[kind]()
    if not isinstance(given, Preprocessing):
        if not callable(given):
            raise UsageError(f"{code.ref}: its preprocessing is {given!r}, which is not callable.")
        given = TransformPreprocessing.of(given)
    default = next((name for name, kind in _PLAIN.items() if isinstance(given, kind)), "image")
    return _word(code, "input", input or default, get_args(Input)), given


def _word(code: _Code, name: str, value: Any, choices: tuple[str, ...]) -> Any:
    if value not in choices:
        raise UsageError(f"{code.ref}: {name} is {value!r}.", f"Use one of: {', '.join(choices)}.")
    return value


def _classes(code: _Code, value: Any) -> ClassSpace | None:
    if value is None or isinstance(value, ClassSpace):
        return value
    return class_space(list(value), f"{code.ref}: classes")


def _files(code: _Code, declares: Any) -> list[Path]:
    """Files of code and weights; the weights must be here."""
    weights = getattr(declares, "weights", getattr(code.factory, "weights", ()))
    listed = [weights] if isinstance(weights, str | Path) else list(weights)
    folder = Path(code.module.__file__ or "").parent
    files = [folder / name for name in listed]
    for file in files:
        if not file.is_file():
            raise UsageError(f"{code.ref}: its weights {file} do not exist.")
    return [*code.files, *files]


def _is_torch(made: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(made, torch.nn.Module)


def _last_words(error: Exception) -> str:
    """Type, text and place of an error in code of the user's."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
