"""The records that everything is made of: test sets, cells, and matrices of cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.core.files import canonical_json, sha256_bytes

IDENTITY_VERSION = 1

ItemIds = npt.NDArray[np.object_]
Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class TestSet:
    """A test set: its items in their canonical order, and its class space.

    Attributes
    ----------
    id
        Canonical name, for example ``imagenetv2/matched-frequency``.
    n
        Number of items.
    n_classes
        Size of the class space; class ids are 0 .. n_classes - 1.  0 when only counts are known.
    item_ids
        Shape (n,), strings, unique; ``None`` when only counts are known.
    labels
        Shape (n,), int32; ``None`` when only counts are known.
    ids_given
        Whether the ids came with the data.  Ids made up from row numbers say nothing about whether
        two test sets share an item.
    class_names
        Names in the order of the class ids; empty when there are none.
    """

    __test__ = False  # not a test case, whatever pytest thinks of its name

    id: str
    n: int
    n_classes: int = 0
    item_ids: ItemIds | None = None
    labels: Labels | None = None
    ids_given: bool = False
    class_names: tuple[str, ...] = ()

    @property
    def has_items(self) -> bool:
        """Whether the items themselves are known, and not only how many there are."""
        return self.item_ids is not None

    @property
    def ids(self) -> ItemIds:
        """The item ids; raises `DataError` when only counts are known."""
        if self.item_ids is None:
            raise DataError(f"{self.id}: the items are not known, only how many there are.")
        return self.item_ids

    @property
    def known_labels(self) -> Labels:
        """The labels; raises `DataError` when only counts are known."""
        if self.labels is None:
            raise DataError(f"{self.id}: the labels are not known, only how many items there are.")
        return self.labels

    @property
    def fingerprint(self) -> str:
        """Digest of what can change a score: item ids, labels and class space, in order."""
        head = canonical_json({"n": self.n, "n_classes": self.n_classes, "version": 1})
        if self.item_ids is None or self.labels is None:
            return sha256_bytes(head)
        ids = "\0".join(self.item_ids.tolist()).encode()
        return sha256_bytes(head + b"\0" + ids + b"\0" + self.labels.astype("<i4").tobytes())

    def check(self, where: str) -> None:
        """Raise `DataError` unless ids are unique and labels lie in the class space."""
        if self.item_ids is None or self.labels is None:
            return
        if self.n == 0:
            raise DataError(f"{where}: no items.", "Give a labels file with at least one row.")
        if len(self.item_ids) != self.n or len(self.labels) != self.n:
            raise DataError(f"{where}: {len(self.item_ids)} ids but {len(self.labels)} labels.")
        unique, first = np.unique(self.item_ids.astype(str), return_index=True)
        if len(unique) != self.n:
            row = int(np.setdiff1d(np.arange(self.n), first)[0])
            raise DataError(
                f"{where}: row {row}: the id {self.item_ids[row]!r} occurs twice.",
                "Remove the duplicate rows; an item may count only once.",
            )
        bad = np.flatnonzero((self.labels < 0) | (self.labels >= self.n_classes))
        if bad.size:
            raise DataError(
                f"{where}: row {bad[0]}: label {self.labels[bad[0]]} is outside the class space "
                f"0..{self.n_classes - 1}.",
                "Give the right number of classes with --classes.",
            )


@dataclass(frozen=True, slots=True)
class CellSpec:
    """What a cell is: every field here can change its numbers, so all of them are hashed.

    Attributes
    ----------
    model, testset
        Canonical names.
    fingerprint
        Of the test set's items.
    content
        SHA-256 of the predictions (int32, row order of the test set) or of the counts.
    repair
        The correction that was applied on import, or ``none``.
    """

    model: str
    testset: str
    fingerprint: str
    content: str
    repair: str = "none"

    @property
    def identity(self) -> str:
        """Versioned hash of the spec; the same spec has the same identity everywhere."""
        return sha256_bytes(canonical_json(asdict(self) | {"version": IDENTITY_VERSION}))


@dataclass(frozen=True, slots=True)
class Source:
    """Where a cell came from; changes no number and is not hashed.

    Attributes
    ----------
    importer
        Name of the import format.
    file
        Path inside the imported folder, or file name.
    sha256
        Of the file as it was read.
    alias
        Model name in the source where it differs from the canonical one.
    """

    importer: str
    file: str = ""
    sha256: str = ""
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One model on one test set: the summary that ``cell.json`` holds.

    Attributes
    ----------
    kind
        ``examples`` when per-example predictions are stored, ``counts`` when only totals are known.
    n
        Items scored.
    k
        Predictions stored per item (1 or more); 0 for counts.
    correct
        Number right by metric name.  Fractional only where ``approximate``.
    approximate
        True when the counts were derived from rounded percentages.
    replaces
        Identities of cells that this one supersedes.
    bytes, sha256
        Size and digest of the Parquet file; 0 and empty for counts.
    """

    spec: CellSpec
    kind: Literal["examples", "counts"]
    n: int
    k: int
    correct: Mapping[str, float]
    approximate: bool = False
    source: Source = field(default_factory=lambda: Source("unknown"))
    replaces: tuple[str, ...] = ()
    bytes: int = 0
    sha256: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``cell.json``."""
        body = asdict(self) | {"correct": dict(self.correct), "replaces": list(self.replaces)}
        head = {"schema": "freshset.cell/1", "identity": self.spec.identity}
        return head | {"identity_version": IDENTITY_VERSION} | body

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Cell:
        """Inverse of `to_dict`; raises KeyError or TypeError where a field is missing."""
        names = {f.name for f in fields(cls)}
        body = {name: value for name, value in data.items() if name in names}
        if not isinstance(data["correct"]["top1"], (int, float)):
            raise TypeError("the number right is no number")
        body |= {"spec": CellSpec(**data["spec"]), "source": Source(**data["source"])}
        return cls(**(body | {"replaces": tuple(data["replaces"])}))


@dataclass(frozen=True, slots=True)
class Matrix:
    """Models on one test set, aligned item by item.

    Attributes
    ----------
    testset
        Test-set id.
    models
        Model names, one a row.
    label_rank
        Shape (models, items), int16: 1 when the first prediction is right, j when the j-th is, 0
        when the label is not among the stored ones.
    k
        Predictions stored per item, one a model.
    """

    testset: str
    models: tuple[str, ...]
    label_rank: npt.NDArray[np.int16]
    k: tuple[int, ...]

    def correct(self, metric: str) -> npt.NDArray[np.bool_]:
        """Whether each model is right on each item, shape (models, items)."""
        if metric == "top1":
            return np.asarray(self.label_rank == 1)
        return np.asarray((self.label_rank >= 1) & (self.label_rank <= 5))


def label_ranks(topk: npt.NDArray[np.int32], labels: Labels) -> npt.NDArray[np.int16]:
    """Position (from 1) of the label among ordered predictions, 0 where it is absent.

    Parameters
    ----------
    topk
        Class ids, best first, shape (items, k).
    labels
        Shape (items,).
    """
    hit = topk == labels[:, None]
    return np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, 0).astype(np.int16)
