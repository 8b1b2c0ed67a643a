from __future__ import annotations

from pathlib import Path

import pytest

from freshset.core.errors import DataError
from freshset.replication.collecting.sources.base import Source, matching, named_after, shares
from freshset.replication.spec import ClassSpec


def test_synonyms_have_equal_parts_that_add_up(classes) -> None:
    cat, dog = classes
    assert list(shares(cat, 7)) == [("cat", 4), ("house cat", 3)]
    assert list(shares(dog, 7)) == [("domestic dog", 7)]
    assert list(shares(cat, 1)) == [("cat", 1), ("house cat", 0)]
    twice = ClassSpec(key="x", synonyms=("a", "a", "b"))
    assert list(shares(twice, 4)) == [("a", 2), ("b", 2)]


def test_labels_are_keys_or_names(classes) -> None:
    assert matching("dog", classes, "here").key == "dog"
    assert matching("domestic dog", classes, "here").key == "dog"
    with pytest.raises(DataError, match="here: the spec has no class 'dgo'. Did you mean 'dog'"):
        matching("dgo", classes, "here")


def test_names_tell_places_apart_and_fit_into_their_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (
        named_after("folder", tmp_path / "a/images"),
        named_after("folder", tmp_path / "b/images"),
    )
    assert first != second
    assert first.startswith("folder:images-")
    assert len(named_after("folder", Path("x" * 200))) <= 64
    monkeypatch.chdir(tmp_path)
    assert named_after("folder", Path("a/images")) == first


def test_a_source_says_what_it_lacks(web) -> None:
    with pytest.raises(NotImplementedError):
        _ = Source().name
    with pytest.raises(NotImplementedError):
        next(iter(Source().find((), web(None))))
