"""What can be validated: scikit-learn estimators, and functions that train and predict."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, UsageError
from freshset.models.local_code import load_file
from freshset.protocols.folds.identity import identity_of


@dataclass(frozen=True, slots=True)
class Learner:
    """Something that trains and predicts.

    Attributes
    ----------
    source
        A scikit-learn estimator, which is cloned for every fold, or a function of ``train_x``,
        ``train_y`` and ``test_x`` that returns predictions for ``test_x``.  A function with a
        parameter ``seed`` gets a whole number that is another one in every fold.
    name
        What to call it.
    identity
        What changes when its predictions can change, as far as that can be told; empty when it
        cannot.
    """

    source: Any
    name: str
    identity: str

    @property
    def is_estimator(self) -> bool:
        """Whether it has ``fit`` and ``predict``."""
        return hasattr(self.source, "fit") and hasattr(self.source, "predict")

    @property
    def unseeded(self) -> bool:
        """Whether an estimator draws from a stream that another run would not repeat."""
        if not self.is_estimator or not hasattr(self.source, "get_params"):
            return False
        names = self.source.get_params().items()
        return any(name.split("__")[-1] == "random_state" and v is None for name, v in names)

    def predict(self, x: Any, y: npt.NDArray[Any], test_x: Any, seed: int) -> npt.NDArray[Any]:
        """Train anew on ``x`` and ``y``, and predict ``test_x``, shape (test examples,).

        Raises
        ------
        DataError
            When there is not one prediction an example.
        """
        if self.is_estimator:
            from sklearn.base import clone

            out = clone(self.source, safe=False).fit(x, y).predict(test_x)
        elif "seed" in _parameters(self.source):
            out = self.source(x, y, test_x, seed=seed)
        else:
            out = self.source(x, y, test_x)
        predictions = np.asarray(out)
        if predictions.dtype.kind == "O":
            predictions = np.array([str(one) for one in predictions])
        n = test_x.shape[0] if hasattr(test_x, "shape") else len(test_x)
        if predictions.shape != (n,):
            raise DataError(
                f"{self.name} gave predictions of shape {predictions.shape} for {n:,} examples.",
                "Return one prediction an example.",
            )
        return predictions


def as_learner(source: Any, name: str = "") -> Learner:
    """Return a learner for an estimator or a function.

    Raises
    ------
    UsageError
        For anything else.
    """
    if isinstance(source, Learner):
        return source
    if hasattr(source, "fit") and hasattr(source, "predict"):
        return Learner(source, name or " ".join(repr(source).split()), identity_of(source))
    if callable(source):
        title = name or getattr(source, "__name__", type(source).__name__)
        return Learner(source, title, identity_of(source))
    raise UsageError(
        f"{source!r} neither fits nor is called.", "Give an estimator, or a function of three."
    )


def load_learner(reference: str, params: Mapping[str, Any] | None = None) -> Learner:
    """Load a learner by its name.

    Parameters
    ----------
    reference
        ``MODULE:NAME`` of something installed (``sklearn.svm:SVC``), or ``FILE.py:NAME``.  NAME is an
        estimator, a class or function without arguments that makes one, or a function that trains
        and predicts.
    params
        Settings of the class or function that makes the estimator.

    Raises
    ------
    UsageError
        When there is no such thing.
    """
    place, colon, name = reference.rpartition(":")
    if not colon or not place or not name:
        raise UsageError(
            f"{reference!r} is not MODULE:NAME.", "Such as sklearn.svm:SVC or learners.py:mine."
        )
    try:
        is_file = place.endswith(".py")
        module = load_file(Path(place), place) if is_file else import_module(place)
        found = getattr(module, name)
    except (ImportError, AttributeError, FileNotFoundError) as error:
        raise UsageError(f"{reference}: {error}.", "Check module and name.") from error
    if inspect.isclass(found) or (callable(found) and not _required(found)):
        try:
            found = found(**(params or {}))
        except (TypeError, ValueError) as error:
            raise UsageError(f"{reference}: {error}.", "Check --param.") from error
    elif params:
        raise UsageError(f"{reference} takes no settings.", "Leave --param out.")
    return as_learner(found, "" if hasattr(found, "fit") else name)


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def _required(function: Callable[..., Any]) -> bool:
    """Whether a function needs arguments."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(
        p.kind in positional and p.default is p.empty for p in _parameters(function).values()
    )
