"""Language modelling: texts whose likelihood a model gives; the document is the item.

The data are one of

- a folder: every ``.txt`` file in it is a document, whose id is its path below the folder;
- a text file and the option ``separator``: the documents are what lies between lines that hold the
  separator and nothing else (an empty separator stands for empty lines), without the line breaks at
  either end; where there is nothing between two such lines there is no document;
- a table (csv, tsv, jsonl or Parquet), with the options ``text``, ``ids`` and ``strata``.

Texts are UTF-8 and are given to the model as they are, but for a byte-order mark.  ``sha256`` checks
a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.core.errors import DataError, UsageError
from freshset.core.records import TestSet
from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.opened import Opened, check_unique, row_ids
from freshset.datasets.options import Options
from freshset.datasets.rows import Rows
from freshset.datasets.text import COLUMNS, read_table

_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Folder:
    """Documents that are files of a folder."""

    root: Path
    ids: tuple[str, ...]

    def text(self, row: int) -> str:
        """Text of a document."""
        path = self.root / self.ids[row]
        try:
            return decoded(path.read_bytes().removeprefix(_MARK), str(path))
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}).") from error


@dataclass(frozen=True, slots=True)
class Parts:
    """Documents that are parts of a file.

    Attributes
    ----------
    size
        Bytes of the file when it was opened.
    bounds
        Shape (documents, 2), int64: first byte, and first byte after.
    """

    path: Path
    size: int
    bounds: npt.NDArray[np.int64]

    def text(self, row: int) -> str:
        """Text of a document."""
        start, stop = map(int, self.bounds[row])
        try:
            if self.path.stat().st_size != self.size:
                raise DataError(f"{self.path}: has changed since it was opened.", "Start again.")
            with self.path.open("rb") as stream:
                stream.seek(start)
                return decoded(stream.read(stop - start), f"{self.path}: document {row}")
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read ({error.strerror}).") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReader(Opened):
    """Reads documents; see `freshset.datasets.base.Reader`."""

    documents: Folder | Parts | Rows

    def read(self, index: int) -> str:
        """Read document ``index``."""
        if not 0 <= index < self.testset.n:
            raise IndexError(f"{self.testset.id}: no document {index} of {self.testset.n}.")
        return self.documents.text(index)


@dataclass(frozen=True, slots=True)
class Documents:
    """The adapter ``documents``; see `freshset.datasets.base.DatasetAdapter`."""

    def open(self, ref: TestSetRef) -> Reader:
        """Open a folder, a file or a table of documents.

        Raises
        ------
        UsageError
            For an option or file that does not exist.
        DataError
            For a document that is empty or not UTF-8, or an id that occurs twice.
        """
        path = Path(ref.path)
        if path.is_dir():
            return _folder(Options(ref))
        # Whatever is no table is plain text, whatever it is called (wiki.test.raw, corpus.en).
        if path.suffix.lower() in {".csv", ".tsv", ".jsonl", ".parquet"}:
            return _table(Options(ref, COLUMNS))
        return _parts(Options(ref, ("separator", "sha256")))


ADAPTER = Documents()


def _folder(options: Options) -> Reader:
    root = options.path()
    ids = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*.txt")
        if path.is_file() and not path.name.startswith(".")
    )
    if not ids:
        raise DataError(f"{root}: no .txt files.", "Give a folder of texts, or a file.")
    documents = Folder(root, tuple(ids))
    return _reader(options, documents, ids, f"files={len(ids)}")


def _parts(options: Options) -> Reader:
    path = options.path()
    digest = options.digest(path)
    if "separator" not in options:
        raise UsageError(
            f"{options.ref.id}: nothing says where in {path.name} a document ends.",
            "Add separator: the line that stands between documents.",
        )
    separator = options.text("separator")
    documents = Parts(path, path.stat().st_size, _bounds(path, separator.encode()))
    n = len(documents.bounds)
    return _reader(options, documents, row_ids(n), f"separator={separator!r} sha256={digest}")


def _table(options: Options) -> Reader:
    path = options.path()
    digest = options.digest(path)
    table = read_table(options, path)
    how = f"column={table.rows.column} sha256={digest}"
    return _reader(options, table.rows, table.ids, how, table.ids_given, table.strata)


def _bounds(path: Path, separator: bytes) -> npt.NDArray[np.int64]:
    """Where the documents of a file are."""
    bounds: list[tuple[int, int]] = []
    start, stop, position, found = -1, -1, 0, False
    with path.open("rb") as stream:
        for line in stream:
            content = line.rstrip(b"\r\n")
            if position == 0:
                content = content.removeprefix(_MARK)
            begin, position = position, position + len(line)
            if content == separator:
                found = True
                if start >= 0:
                    bounds.append((start, stop))
                start = -1
            elif content.strip() or start >= 0:
                if start < 0:
                    start = begin + (len(_MARK) if begin == 0 and line.startswith(_MARK) else 0)
                # Empty lines at the end belong to no document; those within do.
                stop = begin + len(line.rstrip(b"\r\n")) if content.strip() else stop
    if start >= 0:
        bounds.append((start, stop))
    if not bounds:
        raise DataError(f"{path}: no documents.")
    if not found:
        raise DataError(
            f"{path}: no line is {separator.decode()!r}, so all would be one document.",
            "Give the separator as the whole line that it is; a file that is one document goes into "
            "a folder.",
        )
    return np.array(bounds, dtype=np.int64)


def _reader(
    options: Options,
    documents: Folder | Parts | Rows,
    ids: list[str],
    how: str,
    ids_given: bool | None = None,
    strata: Mapping[str, npt.NDArray[Any]] | None = None,
) -> Reader:
    check_unique(ids, options.ref.path)
    gold = _digest(documents.text(row) for row in range(len(ids)))
    testset = TestSet(
        options.ref.id,
        len(ids),
        item_ids=np.array(ids, dtype=object),
        ids_given=isinstance(documents, Folder) if ids_given is None else ids_given,
        task="language-modelling",
        gold=gold,
        strata=dict(strata or {}),
    )
    return DocumentReader(
        testset=testset,
        classes=None,
        item="text",
        reading=f"documents/1 {how} texts={gold}",
        origin=options.origin(testset.n),
        documents=documents,
    )


def _digest(texts: Iterable[str]) -> str:
    whole = hashlib.sha256()
    for text in texts:
        whole.update(hashlib.sha256(text.encode()).digest())
    return whole.hexdigest()


def decoded(data: bytes, where: str) -> str:
    """Decode a document; raises `DataError` when it is not UTF-8 or there is nothing in it."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{where}: not UTF-8 text (byte {error.start}).", "Save it as UTF-8."
        ) from error
    if not text.strip():
        raise DataError(f"{where}: nothing but white space.", "Remove the document.")
    return text
