"""Candidates in a Hugging Face data set, from the hub or a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from freshset.datasets.base import TestSetRef
from freshset.datasets.registry import open_testset
from freshset.replication.collecting.sources.base import Found, Source, named_after
from freshset.replication.collecting.sources.testset import items_of
from freshset.replication.collecting.sources.web import Web
from freshset.replication.spec_sections import ClassSpec


class HuggingFace(Source):
    """Rows of one split; labels are keys or names of classes.

    Attributes
    ----------
    path
        Folder or file, or ``owner/name`` on the hub, with ``@REVISION`` if you like.
    split, config
        Which part.
    images, labels, ids
        Columns; by default those of usual names and types.  Without ids, file names or row numbers
        are the keys.
    keyword
        A column with keywords.
    offline
        Never ask the hub; also when HF_HUB_OFFLINE is set.
    """

    path: str
    split: str = ""
    config: str = ""
    images: str = ""
    labels: str = ""
    ids: str = ""
    keyword: str = ""
    offline: bool = False

    @property
    def name(self) -> str:
        """What the origins of images are recorded under."""
        place = Path(self.path) if Path(self.path).exists() else self.path
        return named_after("huggingface", place)

    def find(self, classes: Sequence[ClassSpec], web: Web) -> Iterator[Found]:
        """Find the images of all rows; see `freshset.replication.collecting.sources.base.Source`."""
        del web
        options = {
            name: getattr(self, name)
            for name in ("split", "config", "images", "labels", "ids")
            if getattr(self, name)
        }
        if self.keyword:
            options["strata"] = [self.keyword]
        path = Path(self.path)
        offline = self.offline or os.environ.get("HF_HUB_OFFLINE", "") not in {"", "0"}
        ref = TestSetRef(
            "candidates",
            "hf-datasets",
            str(path.absolute()) if path.exists() else self.path,
            options,
            root=Path.cwd(),
            offline=offline,
        )
        yield from items_of(open_testset(ref), classes, keyword=self.keyword)
