"""The options of a test set, as a study file gives them: checked, typed, and relative to its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.core.files import sha256_file
from freshset.datasets.base import Origin, TestSetRef

COMMON = ("licence", "source", "citation", "expected_n")
"""Options that every adapter takes: what its owners say of a test set."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one test set.

    Attributes
    ----------
    ref
        The test set.
    known
        Names that its adapter takes, beyond `COMMON`.

    Raises
    ------
    UsageError
        For an option that the adapter does not take; getters raise it for a value of another type.
    """

    ref: TestSetRef
    known: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = {*COMMON, *self.known}
        for name in self.ref.options:
            if name not in names:
                raise UsageError(
                    f"{self.ref.id}: the adapter {self.ref.adapter!r} has no option {name!r}.",
                    did_you_mean(name, names),
                )

    def __contains__(self, name: str) -> bool:
        return self.ref.options.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Value of an option that is a text; a number is taken as it is written."""
        value = self.ref.options.get(name)
        if value is None:
            return default
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return str(value)
        raise self._wrong(name, value, "a text")

    def choice(self, name: str, among: tuple[str, ...]) -> str:
        """Value of an option that is one of some words; the first when it is not given."""
        value = self.text(name, among[0])
        if value not in among:
            raise self._wrong(name, value, " or ".join(map(repr, among)))
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Value of an option that is a text or a list of texts."""
        value = self.ref.options.get(name)
        if isinstance(value, (list, tuple)):
            if not all(isinstance(one, (str, int)) for one in value):
                raise self._wrong(name, value, "a list of texts")
            return tuple(map(str, value))
        return (self.text(name),) if value is not None else ()

    def flag(self, name: str) -> bool:
        """Value of an option that is true or false; false when it is not given."""
        value = self.ref.options.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self._wrong(name, value, "true or false")

    def number(self, name: str, default: int = 0) -> int:
        """Value of an option that is a whole number."""
        value = self.ref.options.get(name)
        if value is None:
            return default
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise self._wrong(name, value, "a whole number")

    def table(self, name: str) -> dict[str, Any]:
        """Value of an option that is a mapping."""
        value = self.ref.options.get(name)
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return {str(key): one for key, one in value.items()}
        raise self._wrong(name, value, "a mapping")

    def file(self, name: str) -> Path | None:
        """Value of an option that names a file, which must exist."""
        if name not in self:
            return None
        path = self.ref.root / self.text(name)
        if not path.exists():
            raise UsageError(f"{self.ref.id}: {name}: there is no file {path}.")
        return path

    def origin(self, n: int) -> Origin:
        """Where the test set comes from.

        Parameters
        ----------
        n
            Items that it has.

        Raises
        ------
        DataError
            When that is not ``expected_n``.
        """
        expected = self.number("expected_n")
        if expected and n != expected:
            raise DataError(
                f"{self.ref.id}: {n:,} items, not the {expected:,} of expected_n.",
                "Complete the data, or give expected_n as what is meant to be there.",
            )
        return Origin(self.text("licence"), self.text("source"), self.text("citation"), expected)

    def path(self) -> Path:
        """Path of the data, which must exist."""
        path = Path(self.ref.path)
        if not self.ref.path or not path.exists():
            raise UsageError(
                f"{self.ref.id}: there is no file or folder {self.ref.path!r}.",
                "Paths are relative to the folder of the study file.",
            )
        return path

    def digest(self, path: Path) -> str:
        """SHA-256 of a file of the data.

        Raises
        ------
        DataError
            When the option ``sha256`` is another one.
        """
        if not path.is_file():
            raise UsageError(f"{self.ref.id}: {path} is a folder, not a file.")
        found, wanted = sha256_file(path), self.text("sha256").lower()
        if wanted and wanted != found:
            raise DataError(
                f"{path}: the SHA-256 is {found}, not {wanted}.",
                "The file is damaged or another version; get it again.",
            )
        return found

    def _wrong(self, name: str, value: Any, what: str) -> UsageError:
        return UsageError(f"{self.ref.id}: {name} is {value!r}, not {what}.")
