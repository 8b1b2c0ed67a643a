from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from fakes.frozen import WHO

from freshset.replication.package import write_package
from freshset.replication.package.huggingface import COLUMNS
from freshset.replication.project import Project

# rdflib and pandas under mlcroissant, not freshset.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def package(project: Project, tmp_path: Path) -> Path:
    write_package(project, "r1", tmp_path / "out", **WHO)
    return tmp_path / "out"


def test_the_reference_implementation_finds_nothing_wrong(package: Path) -> None:
    croissant = pytest.importorskip("mlcroissant")
    dataset = croissant.Dataset(jsonld=str(package / "croissant.json"))
    issues = dataset.metadata.ctx.issues
    assert (issues.errors, issues.warnings) == (set(), set())


def test_the_words_mean_what_the_reference_implementation_says(package: Path) -> None:
    croissant = pytest.importorskip("mlcroissant")
    theirs = croissant.Metadata(name="x", url="https://example.org").to_json()["@context"]
    ours = json.loads((package / "croissant.json").read_text(encoding="utf-8"))["@context"]
    assert ours == theirs


def test_records_are_the_images_with_their_classes(package: Path) -> None:
    croissant = pytest.importorskip("mlcroissant")
    dataset = croissant.Dataset(jsonld=str(package / "croissant.json"))
    classes = {row["classes/id"]: row["classes/key"] for row in dataset.records("classes")}
    assert classes == {0: b"cat", 1: b"dog", 2: b"10", 3: b"2"}
    rows = list(dataset.records("images"))
    assert len(rows) == 8
    for row in rows:
        assert row["images/image"].size == (10, 12)
        assert row["images/file_sha256"] == row["images/sha256"]
        assert classes[row["images/label"]] == row["images/class_key"]
        assert set(row) == {f"images/{c}" for c in (*COLUMNS, "file_sha256", "image")}


def test_every_file_has_its_checksum(package: Path) -> None:
    document = json.loads((package / "croissant.json").read_text(encoding="utf-8"))
    files = [one for one in document["distribution"] if one["@type"] == "cr:FileObject"]
    assert [one["@id"] for one in files] == [
        "test/metadata.csv", "classes.csv", "shards/part-000000.tar",
    ]  # fmt: skip
    for one in files:
        data = (package / one["contentUrl"]).read_bytes()
        assert one["sha256"] == hashlib.sha256(data).hexdigest()


def test_without_shards_none_are_named(project: Project, tmp_path: Path) -> None:
    write_package(project, "r1", tmp_path / "bare", shards=False, **WHO)
    text = (tmp_path / "bare" / "croissant.json").read_text(encoding="utf-8")
    assert "shards" not in text
    assert json.loads(text)["license"] == ["CC BY 4.0", "unknown"]
