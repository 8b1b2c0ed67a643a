"""A data set to transfer to, as it is declared and as it is when it is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from freshset.core.files import canonical_json, sha256_bytes
from freshset.datasets.base import Reader, TestSetRef
from freshset.transfer.probe.scores import Metric

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Division:
    """How one set of items is divided where nobody has divided it into training and test set.

    Attributes
    ----------
    per_class
        Training images drawn of each class; the test set is the rest.  0 to go by ``share``.
    share
        Of the items that are held out as test set, of every class alike.
    seed
        Of the draw.  It belongs to the data set and not to the seeds of a study, whose results are
        all of one test set.
    """

    per_class: int = 0
    share: float = 0.2
    seed: int = 0

    @property
    def text(self) -> str:
        """What was done, in a few words."""
        drawn = f"drawn with seed {self.seed}"
        if self.per_class:
            return (
                f"training set: {self.per_class} images of each class, {drawn}; test set: the rest"
            )
        return f"test set: {self.share:.0%} of all images, {drawn}"


@dataclass(frozen=True, slots=True)
class TransferDataset:
    """A data set as a study names it; nothing is open yet.

    Attributes
    ----------
    id, title
        Canonical name, such as ``dtd``, and name as people write it.
    metric
        ``top1``, ``mean-per-class`` or ``map11``.
    train, test
        Where their items are.
    validation
        Official validation set; ``None`` where one is held out of the training set.
    expected
        Items that ``train``, ``validation`` and ``test`` must have, and ``classes``; what nobody says
        is left out.
    note
        What one should know before using it.
    division
        Where ``train`` and ``test`` are one set: how it is divided.
    allow_sizes
        Whether other sizes than those expected are a note and no error.
    """

    id: str
    title: str
    metric: Metric
    train: TestSetRef
    test: TestSetRef
    validation: TestSetRef | None = None
    expected: Mapping[str, int] = field(default_factory=dict)
    note: str = ""
    division: Division | None = None
    allow_sizes: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a set of items, with what is to be learned of them.

    Attributes
    ----------
    reader
        Where items are read; of all rows of its set.
    rows
        The rows that belong to the part, shape (n,).
    targets
        Class ids, shape (n,), int64; or which classes each item shows, shape (n, classes), bool.
    ignored
        Decisions that do not count, shape (n, classes), such as objects that VOC calls difficult;
        ``None`` where all count.
    """

    reader: Reader
    rows: IntArray
    targets: npt.NDArray[np.int64] | BoolArray
    ignored: BoolArray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: IntArray) -> Part:
        """The part at some of its places."""
        ignored = None if self.ignored is None else self.ignored[places]
        return Part(self.reader, self.rows[places], self.targets[places], ignored)

    @property
    def fingerprint(self) -> str:
        """Digest of everything that can change a number: items, how they are read, and targets."""
        testset = self.reader.testset
        head = {"id": testset.id, "items": testset.fingerprint, "reading": self.reader.reading}
        arrays = [self.rows.astype("<i8"), self.targets, self.ignored]
        if self.targets.ndim == 1:
            arrays[1] = self.targets.astype("<i8")
        shapes = [None if one is None else list(one.shape) for one in arrays]
        parts = [canonical_json(head | {"shapes": shapes, "version": 1})]
        parts += [one.tobytes() for one in arrays if one is not None]
        return sha256_bytes(b"\0".join(parts))


@dataclass(frozen=True, slots=True)
class OpenDataset:
    """A data set that is open.

    Attributes
    ----------
    declared
        As the study names it.
    train, validation, test
        Without an item in two of them.  ``train`` and ``validation`` together are what the final fit
        learns from.
    class_names
        In the order of the class ids.
    official
        Whether the validation set is an official one.
    notes
        What goes with its results, such as sizes that are not the published ones.
    """

    declared: TransferDataset
    train: Part
    validation: Part
    test: Part
    class_names: tuple[str, ...]
    official: bool
    notes: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        """Size of the class space."""
        return len(self.class_names)

    @property
    def multilabel(self) -> bool:
        """Whether an item can show several classes."""
        return self.test.targets.ndim == 2
