"""Text classification from a table: csv, tsv, jsonl or Parquet.

Options: ``text``, ``labels`` and ``ids`` (names of the columns; ids may be absent, and then ids are
row numbers), ``classes`` (a known space, a number, a list or file), ``strata`` (columns by which
scores can be cut), ``sha256`` of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.labels import declared_classes, to_labels
from freshset.datasets.opened import Opened, classification, given_ids, row_ids, stratum
from freshset.datasets.options import Options
from freshset.datasets.rows import SUFFIXES, Rows, columns_of, scan

COLUMNS = ("text", "ids", "strata", "sha256")
"""Options of every adapter that reads a table of texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReader(Opened):
    """Reads the texts of a table; see `freshset.datasets.base.Reader`."""

    rows: Rows

    def read(self, index: int) -> str:
        """Read the text of item ``index``."""
        return self.rows.text(index)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts that was gone through.

    Attributes
    ----------
    ids
        As the file gives them, else row numbers.
    columns
        The other columns that were asked for.
    """

    rows: Rows
    ids: list[str]
    ids_given: bool
    columns: Mapping[str, list[Any]]
    strata: Mapping[str, npt.NDArray[Any]]


def read_table(options: Options, path: Path, *others: str) -> Table:
    """Go through a table by the options ``text``, ``ids`` and ``strata``.

    Raises
    ------
    UsageError
        For another kind of file.
    DataError
        For a text, id or column that is missing; names the row.
    """
    id, strata = options.text("ids", "id"), options.texts("strata")
    has_ids = "ids" in options or (path.is_file() and _has(path, id))
    wanted = dict.fromkeys((*others, *strata, *([id] if has_ids else [])))
    rows, values = scan(path, options.text("text", "text"), tuple(wanted))
    ids = given_ids(values[id], str(path)) if has_ids else row_ids(len(rows))
    cuts = {name: stratum(values[name], name, str(path)) for name in strata}
    return Table(rows, ids, has_ids, {name: values[name] for name in others}, cuts)


def _has(path: Path, column: str) -> bool:
    return path.suffix.lower() in SUFFIXES and column in columns_of(path)


@dataclass(frozen=True, slots=True)
class Text:
    """The adapter ``text``; see `freshset.datasets.base.DatasetAdapter`."""

    def open(self, ref: TestSetRef) -> Reader:
        """Open a table of texts and labels.

        Raises
        ------
        UsageError
            For an option or file that does not exist.
        DataError
            For a text or label that is missing, an id that occurs twice, or a label that is no
            class; names the row.
        """
        options = Options(ref, (*COLUMNS, "labels", "classes"))
        path = options.path()
        digest = options.digest(path)
        label = options.text("labels", "label")
        table = read_table(options, path, label)
        values = np.array(table.columns[label], dtype=object)
        labels, space = to_labels(values, declared_classes(options), str(path))
        testset = classification(
            options,
            table.ids,
            labels,
            space,
            ids_given=table.ids_given,
            strata=table.strata,
        )
        return TextReader(
            testset=testset,
            classes=space,
            item="text",
            reading=f"text/1 column={table.rows.column} sha256={digest}",
            origin=options.origin(testset.n),
            rows=table.rows,
        )


ADAPTER = Text()
