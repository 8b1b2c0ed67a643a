from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from freshset.core.registry import Entry
from freshset.datasets import registry
from freshset.datasets.base import TestSetRef
from freshset.engine.study_testsets import TestSets, full_path
from freshset.engine.yaml_text import read_yaml

Read = Callable[[str], tuple[tuple[TestSetRef, ...], list[str]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def call(text: str) -> tuple[tuple[TestSetRef, ...], list[str]]:
        document = read_yaml(text)
        found = TestSets(tmp_path, document).read(document.value["testsets"])
        return found, [f"{p.where}: {p.message} {p.hint}".strip() for p in document.problems]

    return call


def test_a_test_set_of_ones_own(read: Read, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    ((ref,), said) = read(
        "testsets:\n  - id: digits/new\n    adapter: image-folder\n    path: data\n"
        "    mapping: restrict\n    classes: c.txt\n    folders: {0: zero}\n"
    )
    assert said == []
    assert ref == TestSetRef(
        "digits/new", "image-folder", str(tmp_path / "data"),
        {"classes": "c.txt", "folders": {"0": "zero"}}, "restrict", tmp_path,
    )  # fmt: skip


def test_a_test_set_of_the_catalogue(read: Read, tmp_path: Path) -> None:
    (tmp_path / "v2").mkdir()
    ((ref,), said) = read("testsets: [{imagenetv2-b-33: v2}]")
    assert said == []
    assert (ref.id, ref.path) == ("imagenetv2/matched-frequency", str(tmp_path / "v2"))
    assert ref.options["expected_n"] == 10_000
    ((ref,), said) = read(
        "testsets: [{imagenet/val: {data: v2, mapping: restrict, content: true}}]"
    )
    assert said == []
    assert (ref.mapping, ref.options["content"]) == ("restrict", True)


def test_paths(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", "data")
    (tmp_path / "data").mkdir()
    assert full_path("$WHERE/x", tmp_path) == tmp_path / "data" / "x"
    assert full_path("/abs", tmp_path) == Path("/abs")
    assert full_path("~/x", tmp_path) == Path.home() / "x"
    entries = {
        "{id: a, adapter: fake, path: data}": str(tmp_path / "data"),
        "{id: a, adapter: fake, path: hub-name}": "hub-name",
        "{id: a, adapter: webdataset, path: 's3://bucket/{0..9}.tar'}": "s3://bucket/{0..9}.tar",
        "{id: a, adapter: webdataset, path: 'data/{0..9}.tar'}": str(tmp_path / "data/{0..9}.tar"),
    }
    for text, path in entries.items():
        (refs, said) = read(f"testsets: [{text}]")
        assert said == []
        assert refs[0].path == path


def test_everything_that_is_wrong_is_said_at_once(read: Read, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    lines = [
        "imagnet/val: data",
        "imagenet/val: nowhere",
        "imagenet/val",
        "cifar10/test:",
        "{id: mine, adapter: image-folder, path: data}",
        "{id: mine, adapter: fake, path: data}",
        "{id: 'a b', adapter: fake, path: data}",
        "{id: mine@first-10, adapter: fake, path: data}",
        "{id: x, adapter: image-foldr, path: data}",
        "{id: y, adapter: image-foldr, path: data}",
        "{id: z, adapter: text, path: none.csv}",
        "{id: w, path: data}",
        "{imagenet/a: {labels: x}}",
        "7",
    ]
    _, said = read("testsets:\n" + "".join(f"  - {line}\n" for line in lines))
    expected = [
        "line 2, testsets[0]: No built-in test set 'imagnet/val'. Did you mean 'imagenet/val'",
        f"line 3, testsets[1].imagenet/val: There is no file or folder {tmp_path / 'nowhere'}.",
        "line 4, testsets[2]: Nothing says where 'imagenet/val' lies.",
        "line 5, testsets[3].cifar10/test: Nothing says where 'cifar10/test' lies.",
        "line 7, testsets[5]: The test set 'mine' occurs twice, first in line 6.",
        "line 8, testsets[6]: 'a b' is not a test-set id.",
        "line 9, testsets[7]: 'mine@first-10' holds only the first items",
        "line 10, testsets[8]: No test-set adapter 'image-foldr'. Did you mean 'image-folder'",
        f"line 12, testsets[10].path: There is no file or folder {tmp_path / 'none.csv'}.",
        "line 13, testsets[11]: No key 'adapter'.",
        "line 14, testsets[12].imagenet/a: No key 'data'.",
        "line 15, testsets[13]: Not a mapping",
    ]
    assert len(said) == len(expected)
    for line, words in zip(sorted(said), sorted(expected), strict=True):
        assert words in line


def test_an_adapter_that_is_not_installed(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry("nowhere_at_all.module:ADAPTER", "big", ("nowhere_at_all",))
    monkeypatch.setitem(registry.ADAPTERS.builtin, "big", entry)
    _, (said,) = read("testsets: [{id: a, adapter: big, path: x}]")
    assert 'pip install "freshset[big]"' in said


def test_no_test_sets(read: Read) -> None:
    assert read("testsets: []")[1] == ["line 1, testsets: No test sets. List at least one."]
