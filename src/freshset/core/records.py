"""The records that everything is made of: test sets, cells, and matrices of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError
from freshset.core.files import canonical_json, sha256_bytes
from freshset.core.identity import IDENTITY_VERSION, CellSpec

ItemIds = npt.NDArray[np.object_]
Labels = npt.NDArray[np.int32]

Task = Literal["classification", "question-answering", "language-modelling"]


@dataclass(frozen=True, slots=True)
class AcceptSets:
    """For every item the classes that count as right, where that may be several or none.

    Attributes
    ----------
    classes
        All accepted class ids, item after item, int32.
    offsets
        Shape (n + 1,), int64: item i accepts ``classes[offsets[i]:offsets[i + 1]]``.
    """

    classes: Labels
    offsets: npt.NDArray[np.int64]

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]]) -> AcceptSets:
        """Make the sets from one list an item."""
        sizes = np.array([0, *map(len, lists)], dtype=np.int64)
        flat = np.array([c for one in lists for c in sorted(set(one))], dtype=np.int32)
        if len(flat) != sizes.sum():
            raise DataError("An item accepts one class twice.", "List every class once an item.")
        return cls(flat, sizes.cumsum())

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, rows: slice) -> AcceptSets:
        start, stop, _ = rows.indices(len(self))
        offsets = self.offsets[start : stop + 1]
        return AcceptSets(self.classes[offsets[0] : offsets[-1]], offsets - offsets[0])

    def contains(self, topk: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Whether item i accepts ``topk[i, j]``, shape (items, k)."""
        width = int(max(topk.max(initial=0), self.classes.max(initial=0))) + 1
        row = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        keys = row * width + self.classes
        return np.isin(np.arange(len(self))[:, None] * width + topk, keys)


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
    class_keys
        Stable keys in the same order, such as wnids; empty where the names are all there is.
    task
        What is asked of a model; all but ``classification`` have no labels.
    accepted
        Classes that count as right, where that is not exactly the label.
    gold
        Digest of the reference answers, where the task has no labels; else empty.
    strata
        Columns by which scores can be cut, each of shape (n,); they change no score.
    touched
        Why it is adaptively touched: how it was changed after predictions on it may have been seen.
        Empty when it was not; changes no score.
    """

    __test__ = False  # not a test case, whatever pytest thinks of its name

    id: str
    n: int
    n_classes: int = 0
    item_ids: ItemIds | None = None
    labels: Labels | None = None
    ids_given: bool = False
    class_names: tuple[str, ...] = ()
    class_keys: tuple[str, ...] = ()
    task: Task = "classification"
    accepted: AcceptSets | None = None
    gold: str = ""
    strata: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    touched: str = ""

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
        head: dict[str, Any] = {"n": self.n, "n_classes": self.n_classes, "version": 1}
        if self.gold:
            head["gold"] = self.gold
        parts = [canonical_json(head)]
        if self.item_ids is not None:
            parts.append("\0".join(self.item_ids.tolist()).encode())
        if self.labels is not None:
            parts.append(self.labels.astype("<i4").tobytes())
        if self.accepted is not None:
            parts.append(self.accepted.offsets.astype("<i8").tobytes())
            parts.append(self.accepted.classes.astype("<i4").tobytes())
        return sha256_bytes(b"\0".join(parts))

    def check(self, where: str) -> None:
        """Raise `DataError` unless ids are unique and labels lie in the class space."""
        if self.item_ids is None:
            return
        if self.n == 0:
            raise DataError(f"{where}: no items.", "Give a labels file with at least one row.")
        if len(self.item_ids) != self.n:
            raise DataError(f"{where}: {len(self.item_ids)} ids for {self.n} items.")
        if self.labels is not None and len(self.labels) != self.n:
            raise DataError(f"{where}: {len(self.item_ids)} ids but {len(self.labels)} labels.")
        unique, first = np.unique(self.item_ids.astype(str), return_index=True)
        if len(unique) != self.n:
            row = int(np.setdiff1d(np.arange(self.n), first)[0])
            raise DataError(
                f"{where}: row {row}: the id {self.item_ids[row]!r} occurs twice.",
                "Remove the duplicate rows; an item may count only once.",
            )
        if self.labels is None:
            return
        bad = np.flatnonzero((self.labels < 0) | (self.labels >= self.n_classes))
        if bad.size:
            raise DataError(
                f"{where}: row {bad[0]}: label {self.labels[bad[0]]} is outside the class space "
                f"0..{self.n_classes - 1}.",
                "Give the right number of classes with --classes.",
            )


_RUN_ONLY = {"values", "runtime", "scores_sha256"}


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
        Number right by metric name (``top1``, ``top5``, ``exact-match``); empty where nothing is
        right or wrong.  Fractional only where ``approximate``.
    values
        Other metrics of the whole cell, such as ``f1`` or ``perplexity``.
    runtime
        What made the predictions and is believed to change none: library versions, device.
    scores_sha256
        Digest of the file of full scores; empty when there is none.
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
    values: Mapping[str, float] = field(default_factory=dict)
    runtime: Mapping[str, str] = field(default_factory=dict)
    scores_sha256: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``cell.json``."""
        body = asdict(self) | {"spec": self.spec.to_dict(), "replaces": list(self.replaces)}
        # Imported cells have none of these; leaving them out keeps their files as they were.
        body = {k: v for k, v in body.items() if v or k not in _RUN_ONLY}
        head = {"schema": "freshset.cell/1", "identity": self.spec.identity}
        return head | {"identity_version": IDENTITY_VERSION} | body

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Cell:
        """Inverse of `to_dict`; raises KeyError or TypeError where a field is missing."""
        names = {f.name for f in fields(cls)}
        body = {name: value for name, value in data.items() if name in names}
        imported = {"top1": data["correct"]["top1"]} if "run" not in data["spec"] else {}
        if not all(isinstance(n, (int, float)) for n in (data["correct"] | imported).values()):
            raise TypeError("the number right is no number")
        body |= {"spec": CellSpec.from_dict(data["spec"]), "source": Source(**data["source"])}
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
        if metric != "top5":
            return np.asarray(self.label_rank == 1)
        return np.asarray((self.label_rank >= 1) & (self.label_rank <= 5))


def label_ranks(
    topk: npt.NDArray[np.int32], labels: Labels, accepted: AcceptSets | None = None
) -> npt.NDArray[np.int16]:
    """Position (from 1) of the first right answer among ordered predictions, 0 where none is.

    Parameters
    ----------
    topk
        Class ids, best first, shape (items, k).
    labels
        Shape (items,).
    accepted
        The classes that count as right; by default exactly the label.
    """
    hit = topk == labels[:, None] if accepted is None else accepted.contains(topk)
    return np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, 0).astype(np.int16)
