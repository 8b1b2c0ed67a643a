"""Candidates in a folder: one folder a class, and in it, if you like, one a keyword."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from freshset.core.errors import UsageError
from freshset.replication.collecting.sources.base import Found, Source, matching, named_after
from freshset.replication.collecting.sources.web import Web
from freshset.replication.spec_sections import ClassSpec


class Folder(Source):
    """Files below ``path/CLASS/`` or ``path/CLASS/KEYWORD/``; hidden ones are passed over.

    Attributes
    ----------
    path
        Folder of the class folders, which are called by the keys or names of the classes.
    licence, author
        Of all images in it.
    """

    path: Path
    licence: str = ""
    author: str = ""

    @property
    def name(self) -> str:
        """What the origins of images are recorded under."""
        return named_after("folder", self.path)

    def find(self, classes: Sequence[ClassSpec], web: Web) -> Iterator[Found]:
        """Find all files, sorted by name; see `freshset.replication.collecting.sources.base.Source`."""
        del web
        if not self.path.is_dir():
            raise UsageError(f"{self.path}: not a folder.", "Give the folder of the class folders.")
        folders = {
            matching(entry.name, classes, str(self.path)).key: Path(entry.path)
            for entry in sorted(os.scandir(self.path), key=lambda entry: entry.name)
            if entry.is_dir() and not entry.name.startswith(".")
        }
        if not folders:
            raise UsageError(f"{self.path}: no class folders.", "Make one folder a class.")
        for one in classes:
            if one.key in folders:
                yield from self._of_class(folders[one.key], one.key)

    def _of_class(self, folder: Path, class_key: str) -> Iterator[Found]:
        for place, folders, files in os.walk(folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            below = Path(place).relative_to(folder).parts
            for name in sorted(files):
                if not name.startswith("."):
                    path = Path(place, name)
                    yield Found(
                        path.relative_to(self.path).as_posix(),
                        class_key,
                        below[0] if below else "",
                        path=path,
                        licence=self.licence,
                        author=self.author,
                    )
