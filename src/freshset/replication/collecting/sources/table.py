"""Candidates that a table lists: a URL or the path of a file in each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from freshset.core.errors import DataError, UsageError, did_you_mean
from freshset.datasets.files import inside
from freshset.datasets.rows import columns_of, scan
from freshset.replication.collecting.sources.base import Found, Source, matching, named_after
from freshset.replication.collecting.sources.web import Web
from freshset.replication.spec_sections import ClassSpec

_USUAL = {
    "images": ("url", "image_url", "path", "file", "file_name", "filename", "image"),
    "classes": ("class_key", "class", "label", "wnid"),
    "keyword": ("keyword", "search_key"),
    "ids": ("id", "key"),
    "page": ("page", "foreign_landing_url"),
    "author": ("author", "creator", "uploader"),
    "licence": ("licence", "license"),
    "taken_at": ("taken_at", "date_taken"),
    "uploaded_at": ("uploaded_at", "date_uploaded"),
}


class Table(Source):
    """Rows of a csv, tsv, jsonl or Parquet file; all options but ``path`` are names of columns.

    Attributes
    ----------
    path
        The table.
    images
        URLs, or paths of files relative to the table's folder, which they may not leave.
    classes
        Keys or names of classes.
    ids
        The source's own key for each image; by default its URL or path.
    keyword, page, author, licence, taken_at, uploaded_at
        What else is known; by default columns of usual names, where there are any.
    """

    path: Path
    images: str = ""
    classes: str = ""
    ids: str = ""
    keyword: str = ""
    page: str = ""
    author: str = ""
    licence: str = ""
    taken_at: str = ""
    uploaded_at: str = ""

    @property
    def name(self) -> str:
        """What the origins of images are recorded under."""
        return named_after("table", self.path)

    def find(self, classes: Sequence[ClassSpec], web: Web) -> Iterator[Found]:
        """Find the images of all rows; see `freshset.replication.collecting.sources.base.Source`."""
        del web
        if not self.path.is_file():
            raise UsageError(f"There is no file {self.path}.")
        columns = self._columns(columns_of(self.path))
        _, values = scan(self.path, columns["images"], tuple(columns.values()))
        rows: dict[str, list[tuple[int, dict[str, str]]]] = {one.key: [] for one in classes}
        for number, cells in enumerate(zip(*(values[c] for c in columns.values()), strict=True)):
            row = {option: _text(cell) for option, cell in zip(columns, cells, strict=True)}
            where = f"{self.path}: row {number}"
            rows[matching(row["classes"], classes, where).key].append((number, row))
        for key, of_class in rows.items():
            for number, row in of_class:
                yield self._found(key, row, f"{self.path}: row {number}")

    def _columns(self, there: Sequence[str]) -> dict[str, str]:
        out = {}
        for option, usual in _USUAL.items():
            asked = getattr(self, option)
            if asked and asked not in there:
                hint = did_you_mean(asked, there)
                raise UsageError(f"{self.path} has no column {asked!r}.", hint)
            chosen = asked or next((name for name in usual if name in there), "")
            if chosen:
                out[option] = chosen
            elif option in {"images", "classes"}:
                raise UsageError(
                    f"{self.path}: which column holds the {option}? There are {', '.join(there)}.",
                    f"Add {option}=COLUMN.",
                )
        return out

    def _found(self, class_key: str, row: dict[str, str], where: str) -> Found:
        text = row["images"]
        known: dict[str, Any] = {
            name: row.get(name, "")
            for name in ("keyword", "page", "author", "licence", "taken_at", "uploaded_at")
        }
        if text.startswith(("http://", "https://")):
            return Found(row.get("ids") or text, class_key, url=text, **known)
        if "://" in text:
            raise DataError(f"{where}: {text!r} is neither http(s) nor a path.")
        path = inside(self.path.parent, text, where, "Files lie in the table's own folder.")
        return Found(row.get("ids") or text, class_key, path=path, **known)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
