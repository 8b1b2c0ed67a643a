"""The port: what a run asks of a test set whose items can be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from freshset.core.classes import ClassSpace
from freshset.core.records import AcceptSets, TestSet

Item = Literal["image", "text", "question", "array"]


@dataclass(frozen=True, slots=True)
class Question:
    """An item of extractive question answering.

    Attributes
    ----------
    context
        The text that holds the answer.
    question
        What is asked.
    answers
        Reference answers; empty when the question has none in the text.
    """

    context: str
    question: str
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a test set comes from; changes no number.

    Attributes
    ----------
    licence, source, citation
        As its owners state them; empty when unknown.
    expected_n
        Items it must have; 0 when nobody says.
    """

    licence: str = ""
    source: str = ""
    citation: str = ""
    expected_n: int = 0


@dataclass(frozen=True, slots=True)
class TestSetRef:
    """A test set as a study names it.

    Attributes
    ----------
    id
        Canonical id, for example ``imagenetv2/matched-frequency``.
    adapter
        What reads it, for example ``image-folder``.
    path
        Absolute path of file or folder, or a URL where the adapter takes one.
    options
        Those of the adapter (``labels``, ``classes``, ``split``, ``columns``, ...), as plain values;
        file names in them are relative to ``root``.
    mapping
        Name of the mapping from the models' classes to those of the test set; empty to find one by
        the class spaces.
    root
        Folder of the study file.
    offline
        Never ask a hub.
    """

    __test__ = False

    id: str
    adapter: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)
    mapping: str = ""
    root: Path = Path()
    offline: bool = False

    def option(self, name: str, default: Any = None) -> Any:
        """Value of an option."""
        return self.options.get(name, default)


class Reader(Protocol):
    """A test set that is open: everything about its items but their content is known.

    A reader is pickled once for each worker process, so it holds paths and offsets, not open files
    or decoded items.
    """

    @property
    def testset(self) -> TestSet:
        """Ids, labels, classes and strata."""

    @property
    def classes(self) -> ClassSpace | None:
        """The class space; ``None`` for tasks without classes."""

    @property
    def item(self) -> Item:
        """What `read` returns: an RGB `PIL.Image.Image`, a `str`, a `Question`, or an array."""

    @property
    def reading(self) -> str:
        """Canonical text of how items are decoded, with a digest of the bytes they come from."""

    @property
    def origin(self) -> Origin:
        """Licence, source and expected size."""

    def read(self, index: int) -> Any:
        """Read item ``index`` (row of the test set).

        Raises
        ------
        DataError
            When it cannot be decoded; names the file.
        """


@runtime_checkable
class ShowsSeveral(Protocol):
    """What a reader can also be: one of items that show several classes each, such as VOC's.

    The classes of its items are what its test set accepts, so that a model that names any of them is
    right.
    """

    @property
    def ignored(self) -> AcceptSets:
        """Classes by item of which it does not count whether the item shows them."""


class DatasetAdapter(Protocol):
    """Opens test sets.  Adapters are modules or objects without state."""

    def open(self, ref: TestSetRef) -> Reader:
        """Open a test set.

        Raises
        ------
        UsageError
            For an option or file that does not exist.
        DataError
            For data that are not what they should be.
        """
