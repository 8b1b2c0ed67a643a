from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.class_folders import make_folder, picture_bytes

from freshset.cli.testset.collect import settings
from freshset.core.errors import UsageError
from freshset.core.files import sha256_bytes
from freshset.replication.project import Project

SPEC = """\
name: animals/fresh
original: animals/test
per_class: 2
classes:
  - {key: cat, confused_with: dog}
  - {key: dog}
"""


def item(number: int) -> str:
    return sha256_bytes(picture_bytes(number))


@pytest.fixture
def project(tmp_path: Path, call, monkeypatch: pytest.MonkeyPatch) -> Project:
    with Project.create(tmp_path / "project", SPEC, who="ada", why="begin") as project:
        monkeypatch.setenv("FRESHSET_PROJECT", str(project.folder))
        monkeypatch.setenv("FRESHSET_WHO", "bob")
        yield project


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "in", {"cat": [1, 2], "dog": [2, 3]})


def test_candidates_are_collected_and_again(project: Project, pictures: Path, call) -> None:
    (pictures / "dog" / "broken.png").write_bytes(b"")
    given = ("testset", "collect", "folder", str(pictures), "--why", "first")
    told = call(*given, "--set", "licence=CC0")
    assert told.code == 0
    assert "5 found, 3 new, 0 known before, 1 of a file that was there." in told.out
    assert "  1 x Image: the file is empty." in told.out
    assert "Next: freshset testset status --failures" in told.out
    failed = call("testset", "status", "--failures").out
    assert "dog/broken.png  Image: the file is empty." in failed
    body = json.loads(call("testset", "status", "--failures", "--json").out)
    assert [one["key"] for one in body["failures"]] == ["dog/broken.png"]
    assert "Warning: Images that are in several classes now: 1, such as " in told.err
    body = json.loads(call(*given, "--json").out)
    assert (body["schema"], body["known"], body["new"]) == ("freshset.collection/1", 5, 0)
    (pictures / "dog" / "broken.png").write_bytes(picture_bytes(4))
    body = json.loads(call(*given, "--json", "--retry").out)
    assert (body["known"], body["new"]) == (4, 1)
    assert {entry.who for entry in project.entries(action="candidates")} == {"bob"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("folde", "x"), "No source 'folde'. \nNext: Did you mean 'folder'?"),
        (("folder",), "No key 'path'"),
        (("folder", "x", "--set", "licens=CC0"), "Did you mean 'licence'"),
        (("folder", "x", "--set", "licence"), "is not KEY=VALUE"),
        (("folder", "nowhere"), "not a folder"),
        (("folder", "x", "--max-bytes", "much"), "is not a size"),
        (("openverse", "--set", "max_per_class=none"), "max_per_class"),
    ],
)
def test_slips_are_explained(project: Project, call, given, message: str) -> None:
    told = call("testset", "collect", *given, "--why", "x")
    assert told.code == 2
    assert message.replace(" \n", "\n") in told.err


def test_flickr_without_a_key(project: Project, call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLICKR_API_KEY", raising=False)
    told = call("testset", "collect", "flickr", "--why", "x")
    assert told.code == 2
    assert "FLICKR_API_KEY" in told.err


def test_the_original_is_added_by_any_adapter(
    project: Project, pictures: Path, tmp_path: Path, call
) -> None:
    told = call("testset", "original", str(pictures), "--why", "the test set")
    assert told.code == 0
    assert "original:test: 4 found, 3 new" in told.out
    (tmp_path / "train.csv").write_text(
        "path,label,breed\nin/cat/001.png,cat,tabby\n", encoding="utf-8"
    )
    given = ("testset", "original", str(tmp_path / "train.csv"), "--pool", "train", "--why", "x")
    told = call(*given, "--adapter", "manifest", "--keyword", "breed", "--name", "part1")
    assert told.code == 0
    assert "original:train:part1: 1 found, 0 new" in told.out
    assert call("testset", "original", str(pictures), "--pool", "val", "--why", "x").code == 2
    told = call("testset", "original", str(pictures), "--set", "clases=x", "--why", "x")
    assert told.code == 2
    assert "Did you mean 'classes'" in told.err


def test_a_blacklist_by_ids_and_by_file(project, pictures: Path, tmp_path: Path, call) -> None:
    call("testset", "collect", "folder", str(pictures), "--why", "x")
    told = call("testset", "blacklist", item(1)[:10], "--why", "a drawing")
    assert told.out == "New on the blacklist: 1.\n"
    listed = tmp_path / "list.txt"
    listed.write_text(f"# reviewed\n{item(2)}\tblurred\n\n{item(1)} # again\n", encoding="utf-8")
    listed.write_text(f"{item(2)}\tblurred\n\n{item(1)} # again\n", encoding="utf-8")
    told = call("testset", "blacklist", "--from", str(listed), "--why", "reviewed")
    assert told.out == "New on the blacklist: 1. So before: 1.\n"
    told = call("testset", "blacklist", item(1), "--undo", "--why", "it is fine", "--json")
    assert json.loads(told.out)["changed"] == [item(1)]
    assert call("testset", "blacklist", "--why", "x").code == 2
    assert "No image 'nonsense'" in call("testset", "blacklist", "nonsense", "--why", "x").err


def test_a_takedown_wants_to_be_meant(project: Project, pictures: Path, call) -> None:
    call("testset", "collect", "folder", str(pictures), "--why", "x")
    told = call("testset", "takedown", item(1), "--why", "its author asked")
    assert (told.code, "Add --yes." in told.err) == (2, True)
    told = call("testset", "takedown", item(1), "--yes", "--why", "its author asked")
    assert told.out == "Taken down: 1. Files removed: 3.\n"
    assert not list(project.folder.rglob(f"{item(1)}*"))
    told = call("testset", "log", "--subject", item(1))
    assert "bob  image.takedown" in told.out


def test_values_are_read_as_yaml_reads_them() -> None:
    texts = [
        "n=3",
        "day=2012-07-11",
        "list=[a, b]",
        "text=a: b: c",
        "none=",
        "gone=null",
        "a=b=c",
        "on=true",
    ]
    assert settings(texts) == {
        "n": 3,
        "day": "2012-07-11",
        "list": ["a", "b"],
        "text": "a: b: c",
        "none": "",
        "gone": None,
        "a": "b=c",
        "on": True,
    }
    for wrong in (["x"], ["=3"], ["a=1", "a=2"]):
        with pytest.raises(UsageError):
            settings(wrong)
