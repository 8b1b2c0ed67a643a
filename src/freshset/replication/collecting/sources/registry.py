"""The one list of sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from freshset.core.registry import Entry, Registry
from freshset.engine.study_sections import read_section
from freshset.engine.yaml_text import Document, problems_error
from freshset.replication.collecting.sources.base import Source

_HERE = "freshset.replication.collecting.sources"

SOURCES = Registry(
    "source",
    {
        "folder": Entry(f"{_HERE}.folder:Folder", summary="one folder a class"),
        "table": Entry(
            f"{_HERE}.table:Table", summary="csv, tsv, jsonl or Parquet of URLs or paths"
        ),
        "openverse": Entry(
            f"{_HERE}.openverse:Openverse", "testset", ("httpx",), "search of Openverse"
        ),
        "flickr": Entry(f"{_HERE}.flickr:Flickr", "testset", ("httpx",), "search of Flickr"),
        "huggingface": Entry(
            f"{_HERE}.huggingface:HuggingFace",
            "datasets",
            ("datasets",),
            "Hugging Face datasets, hub or folder",
        ),
    },
    group="freshset.sources",
)


def open_source(name: str, options: Mapping[str, Any]) -> Source:
    """Make a source of its options.

    Raises
    ------
    UsageError
        When there is no such source, or its options are wrong; all that is wrong is said.
    MissingExtraError
        When a package it needs is not installed.
    """
    kind = SOURCES.load(name)
    document = Document(value=dict(options))
    source: Source | None = read_section(kind, document.value, (), document)
    if source is None or document.problems:
        raise problems_error(f"the source {name}", document.problems)
    return source
