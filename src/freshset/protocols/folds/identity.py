"""What a learner is, as text: the same for the same learner in any process, another for another."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from freshset.core.files import sha256_bytes


def identity_of(source: Any) -> str:
    """Describe an estimator or a function by all that its predictions depend on.

    Classes, settings, source code and what a function holds on to (defaults, closures, attributes)
    are part of it.  The code of other functions that it calls is so only where all are in one file
    that was named as ``FILE.py:NAME``.

    Returns
    -------
    str
        A digest; empty when something has neither source nor a value that can be told from others.
    """
    try:
        return sha256_bytes(_described(source).encode())
    except (_UntoldError, RecursionError):
        return ""


class _UntoldError(Exception):
    """Something that cannot be told from others."""


def _described(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return repr(value)
    for kind, describe in _KINDS:
        if kind(value):
            return describe(value)
    return _object(value)


def _all(values: Any) -> str:
    return ", ".join(_described(one) for one in values)


def _function(function: Any) -> str:
    # A function that calls itself by name holds on to itself.
    cells = (cell.cell_contents for cell in function.__closure__ or ())
    held = [one for one in cells if one is not function]
    name, code = f"{function.__module__}.{function.__qualname__}", function.__code__
    if function.__name__ == "<lambda>":  # the source is the whole line, which may have several
        name += f" {code.co_code.hex()} {code.co_names} {_all(map(repr, code.co_consts))}"
    parts = (function.__defaults__, function.__kwdefaults__, held)
    return f"{name} {_source(function)} {_all(parts)}"


def _object(value: Any) -> str:
    """What it is when it is pickled, else its attributes."""
    import joblib

    kind = _described(type(value))
    try:
        return f"{kind} {joblib.hash(value)}"
    except Exception as error:  # pickling raises whatever an object likes
        if not hasattr(value, "__dict__"):
            raise _UntoldError from error
        return f"{kind} {_described(vars(value))}"


def _source(thing: Any) -> str:
    """Digest of the source; compiled code has none, and is known by its name."""
    try:
        return sha256_bytes(inspect.getsource(thing).encode())[:16]
    except (OSError, TypeError) as error:
        if thing.__module__ == "__main__":
            raise _UntoldError from error  # typed into a shell
        return ""


def _estimator(value: Any) -> str:
    return f"{_described(type(value))} {_described(value.get_params(deep=False))}"


# The first that fits says how something is described; anything else is an object.
_KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Any], str]], ...] = (
    (lambda v: isinstance(v, Mapping), lambda v: f"{{{_all(sorted(v.items(), key=repr))}}}"),
    (lambda v: isinstance(v, list | tuple), lambda v: f"{type(v).__name__}({_all(v)})"),
    (inspect.isclass, lambda v: f"{v.__module__}.{v.__qualname__} {_source(v)}"),
    (lambda v: hasattr(v, "get_params"), _estimator),
    (lambda v: isinstance(v, partial), lambda v: f"partial({_all((v.func, v.args, v.keywords))})"),
    (inspect.ismethod, lambda v: f"method({_all((v.__func__, v.__self__))})"),
    (inspect.isfunction, _function),
    (inspect.isbuiltin, lambda v: f"{v.__module__}.{v.__qualname__}"),
)
