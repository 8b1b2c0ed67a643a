from __future__ import annotations

import csv
import gc
import io
import warnings
from pathlib import Path

import pytest
from fakes.frozen import WHO

from freshset.replication.package import write_package
from freshset.replication.package.base import Contents
from freshset.replication.package.huggingface import COLUMNS, csv_text, metadata_csv, metadata_row
from freshset.replication.project import Project


def test_a_row_tells_class_origin_and_frequency(contents: Contents) -> None:
    rows = list(csv.DictReader(io.StringIO(metadata_csv(contents))))
    assert tuple(rows[0]) == COLUMNS
    assert [row["file_name"] for row in rows] == [image.file for image in contents.images]
    cat = next(row for row in rows if row["class_key"] == "cat")
    assert (cat["label"], cat["class_name"]) == ("0", "Cat, domestic")
    assert (cat["width"], cat["height"], cat["answers"]) == ("10", "12", "4")
    assert cat["author"].startswith("Zoë")


def test_a_frequency_without_answers_is_unknown(contents: Contents) -> None:
    unknown = [metadata_row(image) for image in contents.images if not image.answers]
    assert [row["selection_frequency"] for row in unknown] == [None]
    known = [metadata_row(image) for image in contents.images if image.answers]
    assert {row["selection_frequency"] for row in known} == {0.75, 1.0}


def test_quotes_commas_and_line_ends() -> None:
    text = csv_text(("a", "b"), [['x"y', "1,\n2"], [None, 0.5]])
    assert text == 'a,b\n"x""y","1,\n2"\n,0.5\n'


def test_hugging_face_datasets_reads_the_package(project: Project, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    write_package(project, "r1", tmp_path / "out", **WHO)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it closes no table that it reads
        loaded = datasets.load_dataset(
            "imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache")
        )
        gc.collect()
    assert list(loaded) == ["test"]
    rows = loaded["test"]
    assert len(rows) == 8
    with (tmp_path / "out" / "test" / "metadata.csv").open(encoding="utf-8") as stream:
        expected = {row["sha256"]: row for row in csv.DictReader(stream)}
    for row in rows:
        told = expected.pop(row["sha256"])
        assert row["label"] == int(told["label"])
        assert str(row["class_key"]) == told["class_key"]
        assert row["image"].size == (10, 12)
    assert not expected
