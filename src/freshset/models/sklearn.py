"""scikit-learn classifiers: ``sklearn:FILE.skops``.

Options: ``input`` (``array`` by default, ``image``, ``text``), those of
`freshset.models.image_options` and ``mode`` (``RGB`` or ``L``) for images, and ``method``
(``predict_proba``, ``decision_function`` or ``predict``; by default the first that the estimator
has).  The features of an image are its intensities from 0 to 1, row by row and channels last; an
estimator of the 8 x 8 digits, which range over 0..16, takes
``?input=image&size=8x8&mode=L&std=0.0625``.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import joblib
import numpy as np
import numpy.typing as npt
import sklearn
import skops
import skops.io
from threadpoolctl import threadpool_limits

from freshset.core.classes import ClassSpace
from freshset.core.errors import DataError, UsageError
from freshset.models.base import Input, ModelInfo, Outputs, Preprocessing, Runtime
from freshset.models.image_options import IMAGE_OPTIONS, image_preprocessing
from freshset.models.local import existing_file, no_revision, one_of, only_fp32, versions
from freshset.models.preprocessing import (
    ArrayPreprocessing,
    ImagePreprocessing,
    Mode,
    TextPreprocessing,
)
from freshset.models.reference import ModelRef
from freshset.models.weights import check_digest, check_whole, file_digest, is_trusted

Method = Literal["predict_proba", "decision_function", "predict"]

_OUTPUTS: dict[Method, Outputs] = {
    "predict_proba": "probabilities",
    "decision_function": "scores",
    "predict": "classes",
}
_INPUTS: tuple[Input, ...] = ("array", "image", "text")
_PICKLES = (".pkl", ".pickle", ".joblib")


@dataclass(frozen=True, slots=True)
class _Facts:
    """What only the estimator itself can tell."""

    method: Method
    classes: ClassSpace


class SklearnModel:
    """A fitted classifier; a `freshset.models.base.Model`."""

    def __init__(self, info: ModelInfo, estimator: Any, method: Method, threads: int) -> None:
        self.info = info
        self._estimator = estimator
        self._method = method
        self._threads = threads
        self._ids = {label: i for i, label in enumerate(estimator.classes_.tolist())}

    def predict(self, batch: Any) -> npt.NDArray[Any]:
        """Return probabilities, decision values or class ids; see `Model.predict`."""
        features = self._features(batch)
        with self._limits():
            out = getattr(self._estimator, self._method)(features)
        if self._method == "predict":
            return np.array([self._ids[label] for label in np.asarray(out).tolist()], np.int32)
        scores = np.asarray(out, dtype=np.float32)
        # One column says how far an item is on the side of the second class.
        return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores

    def _features(self, batch: Any) -> Any:
        ours = self.info.preprocessing
        if isinstance(ours, ImagePreprocessing):
            batch = ours.normalise(batch, channels_last=True)
        return batch.reshape(len(batch), -1) if isinstance(batch, np.ndarray) else batch

    def _limits(self) -> AbstractContextManager[Any]:
        return threadpool_limits(self._threads) if self._threads else nullcontext()


class SklearnAdapter:
    """Loads estimators through skops, and pickles only where they are trusted by name.

    Describing a model loads it once, since only the estimator knows its classes and methods; what
    it says is kept by the digest of the file.
    """

    def expand(self, pattern: str) -> Sequence[str]:  # noqa: ARG002 - the port's signature
        """Files are not listed."""
        return ()

    def describe(self, ref: ModelRef, runtime: Runtime) -> ModelInfo:
        """See `freshset.models.base.Adapter.describe`."""
        return self._open(ref, runtime)[0]

    def load(self, ref: ModelRef, runtime: Runtime) -> SklearnModel:
        """See `freshset.models.base.Adapter.load`."""
        info, path, method = self._open(ref, runtime)
        return SklearnModel(
            info, _estimator(path, ref.name, _trusted(ref, path, runtime)), method, runtime.threads
        )

    def _open(self, ref: ModelRef, runtime: Runtime) -> tuple[ModelInfo, Path, Method]:
        ref.check_options(("input", "method", "mode", "sha256", *IMAGE_OPTIONS))
        no_revision(ref)
        only_fp32(ref, runtime, "scikit-learn computes in double precision, on the CPU")
        input, preprocessing = _preprocessing(ref)
        path = existing_file(ref, runtime, ref.name)
        digest = file_digest(path)
        check_digest(ref, digest)
        facts = _facts(path, digest, ref, _trusted(ref, path, runtime))
        info = ModelInfo(
            ref,
            "sklearn/1",
            preprocessing,
            _OUTPUTS[facts.method],
            input=input,
            classes=facts.classes,
            n_outputs=len(facts.classes),
            weights=digest,
            versions=versions(sklearn, skops),
        )
        return info, path, facts.method


ADAPTER = SklearnAdapter()


def _trusted(ref: ModelRef, path: Path, runtime: Runtime) -> bool:
    return is_trusted(runtime, ref.name, str(path))


def _preprocessing(ref: ModelRef) -> tuple[Input, Preprocessing]:
    input = one_of(ref, "input", _INPUTS)
    if input == "image":
        mode: Mode = one_of(ref, "mode", get_args(Mode))
        return input, image_preprocessing(ref.options, mode, str(ref))
    unused = [name for name in ("mode", *IMAGE_OPTIONS) if name in ref.options]
    if unused:
        raise UsageError(
            f"{ref}: {unused[0]} says how images are prepared, but the input is {input}.",
            "Add input=image.",
        )
    return input, TextPreprocessing() if input == "text" else ArrayPreprocessing()


@lru_cache(maxsize=1024)
def _facts(path: Path, digest: str, ref: ModelRef, trusted: bool) -> _Facts:  # noqa: ARG001
    """Load an estimator to see what it is; the digest makes a file that changed another one."""
    estimator = _estimator(path, ref.name, trusted)
    wanted = one_of(ref, "method", ("", *get_args(Method)))
    labels = getattr(estimator, "classes_", None)
    if not isinstance(labels, np.ndarray) or labels.ndim != 1:
        raise DataError(
            f"{path}: {type(estimator).__name__} is no fitted classifier of one class an item.",
            "Save a classifier, or a pipeline that ends in one, after fitting it.",
        )
    methods: list[Method] = [name for name in get_args(Method) if hasattr(estimator, name)]
    if getattr(estimator, "decision_function_shape", "") == "ovo":
        methods.remove("decision_function")  # its columns are pairs of classes
    usable = [name for name in methods if wanted in {"", name}]
    if not usable:
        raise UsageError(
            f"{path}: {type(estimator).__name__} has no usable {wanted}.",
            f"Use one of: {', '.join(methods)}.",
        )
    classes = ClassSpace("", tuple(_key(label) for label in labels.tolist()))
    return _Facts(usable[0], classes)


def _key(label: Any) -> str:
    """A class label as text; labels that are whole numbers in floating point lose the point."""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _estimator(path: Path, name: str, trusted: bool) -> Any:
    """Load a file without running anything that it may bring, unless it is trusted."""
    check_whole(path)
    if path.suffix.lower() in _PICKLES:
        if not trusted:
            raise DataError(
                f"{path}: a pickle can run any program when it is loaded, so it is not.",
                f"Save the estimator with skops.io.dump, or trust it: --trust {name}",
            )
        return joblib.load(path)
    try:
        unknown = skops.io.get_untrusted_types(file=path)
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise DataError(
            f"{path}: not a whole skops file ({error}).", "Write it with skops.io.dump."
        ) from error
    if unknown and not trusted:
        # Trees, neighbours and small networks are among them: skops vouches for few types.
        own = all(name.startswith("sklearn.") for name in unknown)
        raise DataError(
            f"{path}: holds types that skops does not know to be safe: {', '.join(unknown)}.",
            f"{'They are parts of scikit-learn: if' if own else 'Look at them; if'} you know who made "
            f"the file, trust it: --trust {name}",
        )
    return skops.io.load(path, trusted=unknown)
