"""Python modules that are files, and what of them travels to other processes."""

from __future__ import annotations

import pickle
import sys
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from freshset.core.errors import DataError, UsageError
from freshset.core.files import sha256_bytes
from freshset.models.base import Preprocessing

_PREFIX = "freshset_file_"


def load_file(path: Path, label: str) -> ModuleType:
    """Import a file that is part of no package.

    Parameters
    ----------
    path
        The file.
    label
        What the reference calls it.  The module is named by this and the file's content, so that
        two files of one name are two modules, on every machine under the same names.

    Raises
    ------
    UsageError
        When it cannot be imported.
    """
    path = path.resolve()
    digest = sha256_bytes(label.encode() + b"\0" + path.read_bytes())
    name = f"{_PREFIX}{path.stem}_{digest[:12]}"
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(path):
        return known
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: not a Python file.", "Name a .py file, or an installed module.")
    module = module_from_spec(spec)
    # Before it runs, as the import system does: dataclasses and pickle look modules up by name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@dataclass(frozen=True, slots=True)
class LocalPreprocessing:
    """Preprocessing whose code is in a file, which other processes must load before they unpickle it.

    Attributes
    ----------
    inner
        The preprocessing itself.
    path, label
        Of the file, as `load_file` takes them.
    """

    inner: Preprocessing
    path: str
    label: str

    @property
    def key(self) -> str:
        """As the preprocessing itself says."""
        return self.inner.key

    @property
    def shared(self) -> str:
        """As the preprocessing itself says."""
        return self.inner.shared

    def prepare(self, item: Any) -> Any:
        """As the preprocessing itself does."""
        return self.inner.prepare(item)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.path, self.label, pickle.dumps(self.inner))


def portable(preprocessing: Preprocessing, module: ModuleType, label: str) -> Preprocessing:
    """Make sure that a preprocessing can be unpickled in other processes.

    Raises
    ------
    UsageError
        When it cannot be pickled.
    """
    try:
        state = pickle.dumps(preprocessing)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UsageError(
            f"The preprocessing of {label} cannot be pickled ({error}).",
            "Define its parts at the top level of the module, without lambdas.",
        ) from error
    if module.__name__.startswith(_PREFIX) and module.__name__.encode() in state:
        return LocalPreprocessing(preprocessing, str(module.__file__), label)
    return preprocessing


def unwrapped(preprocessing: Preprocessing) -> Preprocessing:
    """Inverse of `portable`."""
    return preprocessing.inner if isinstance(preprocessing, LocalPreprocessing) else preprocessing


def _restore(path: str, label: str, state: bytes) -> LocalPreprocessing:
    load_file(Path(path), label)
    try:
        inner = pickle.loads(state)  # noqa: S301 - made by __reduce__, and the module is run anyway
    except (ImportError, AttributeError) as error:
        raise DataError(
            f"{path}: changed while it was in use.", "Run the command again."
        ) from error
    return LocalPreprocessing(inner, path, label)
