"""Class spaces: what the class ids of a test set or of a model's outputs stand for."""

from __future__ import annotations

from dataclasses import dataclass, field

from freshset.core.errors import DataError
from freshset.core.files import canonical_json, sha256_bytes


@dataclass(frozen=True, slots=True)
class ClassSpace:
    """The classes in the order of their class ids.

    Attributes
    ----------
    name
        How people call it, for example ``imagenet-1k``; empty for a space of one's own.
    keys
        One stable, unique key a class, such as a wnid (``n01440764``); class id i is ``keys[i]``.
    names
        Readable names in the same order; empty where the keys are the names.

    Raises
    ------
    DataError
        When a key occurs twice, or names and keys differ in number.
    """

    name: str
    keys: tuple[str, ...]
    names: tuple[str, ...] = ()
    _ids: dict[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)
    _digest: list[str] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        self._ids.update({key: i for i, key in enumerate(self.keys)})
        if len(self._ids) != len(self.keys):
            twice = next(key for i, key in enumerate(self.keys) if self._ids[key] != i)
            raise DataError(f"The class {twice!r} occurs twice in {self.name or 'the classes'}.")
        if self.names and len(self.names) != len(self.keys):
            raise DataError(
                f"{self.name or 'The classes'}: {len(self.names)} names for {len(self.keys)} keys."
            )

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, key: str) -> bool:
        return key in self._ids

    def id_of(self, key: str) -> int:
        """Class id of a key; raises KeyError."""
        return self._ids[key]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names where there are any, else keys."""
        return self.names or self.keys

    @property
    def digest(self) -> str:
        """Digest of the keys in order: two spaces with one digest mean the same by every id."""
        if not self._digest:
            self._digest.append(sha256_bytes(canonical_json(list(self.keys))))
        return self._digest[0]
