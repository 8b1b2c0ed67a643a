from __future__ import annotations

import sys
from pathlib import Path

import pytest

from freshset.core.errors import MissingExtraError, UsageError
from freshset.core.registry import Entry, Registry
from freshset.replication.collecting.sources import registry
from freshset.replication.collecting.sources.base import Found, Source
from freshset.replication.collecting.sources.registry import SOURCES, open_source

GIVEN = {
    "folder": {"path": "x"},
    "table": {"path": "x"},
    "openverse": {},
    "flickr": {},
    "huggingface": {"path": "x"},
}


class Drawer(Source):
    """A source of somebody else's."""

    drawer: int = 1

    @property
    def name(self) -> str:
        return "drawer"

    def find(self, classes, web):
        yield Found("only", classes[0].key, read=lambda: b"")


@pytest.mark.parametrize("name", sorted(SOURCES.builtin))
def test_every_source_is_made_of_its_options(name: str) -> None:
    source = open_source(name, GIVEN[name])
    assert isinstance(source, Source)
    assert 0 < len(source.name) <= 64
    assert type(source).__doc__


def test_all_that_is_wrong_is_said() -> None:
    with pytest.raises(UsageError, match="No source 'flikr'. Did you mean 'flickr'"):
        open_source("flikr", {})
    with pytest.raises(UsageError) as caught:
        open_source("folder", {"path": "x", "licens": "CC0", "author": []})
    said = str(caught.value)
    assert "the source folder: 2 problems" in said
    for text in ("Did you mean 'licence'", "author: []"):
        assert text in said
    with pytest.raises(UsageError, match="the source folder: No key 'path'"):
        open_source("folder", {})


def test_sources_of_other_packages(monkeypatch: pytest.MonkeyPatch, classes) -> None:
    own = Registry("source", {"drawer": Entry(f"{__name__}:Drawer")}, "freshset.sources")
    monkeypatch.setattr(registry, "SOURCES", own)
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Drawer.__module__])
    source = open_source("drawer", {"drawer": 2})
    assert [one.key for one in source.find(classes, None)] == ["only"]
    assert SOURCES.group == "freshset.sources"


def test_a_missing_library_has_its_install_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.delitem(
        sys.modules, "freshset.replication.collecting.sources.huggingface", raising=False
    )
    monkeypatch.delitem(sys.modules, "freshset.datasets.huggingface", raising=False)
    monkeypatch.delitem(sys.modules, "freshset.datasets.hub", raising=False)
    with pytest.raises(MissingExtraError, match=r'pip install "freshset\[datasets\]"'):
        list(open_source("huggingface", {"path": str(tmp_path)}).find((), None))
