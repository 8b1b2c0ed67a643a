from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import yaml
from fakes.frozen import CLASSES, WHO

from freshset.datasets.base import Reader, TestSetRef
from freshset.datasets.registry import open_testset
from freshset.replication.package import write_package
from freshset.replication.package.base import Contents, PackagedClass
from freshset.replication.package.image_folder import classes_csv, study_section
from freshset.replication.project import Project


def opened(package: Path) -> Reader:
    """The test set as a study in the package's folder would name it."""
    (section,) = yaml.safe_load((package / "testset.yaml").read_text(encoding="utf-8"))["testsets"]
    names = (section.pop("id"), section.pop("adapter"), str(package / section.pop("path")))
    return open_testset(TestSetRef(*names, options=section, root=package))


def test_freshset_reads_the_package_with_the_right_classes(
    project: Project, tmp_path: Path
) -> None:
    """In alphabetical order of the folders, 10 and 2 would be the first classes."""
    write_package(project, "r1", tmp_path / "out", **WHO)
    reader = opened(tmp_path / "out")
    testset = reader.testset
    assert testset.id == "animals/fresh/r1"
    assert testset.class_keys == CLASSES
    assert testset.class_names[0] == "Cat, domestic"
    with (tmp_path / "out" / "test" / "metadata.csv").open(encoding="utf-8") as stream:
        labels = {row["file_name"]: int(row["label"]) for row in csv.DictReader(stream)}
    assert dict(zip(testset.ids, testset.known_labels.tolist(), strict=True)) == labels
    assert reader.read(0).size == (10, 12)


def test_folders_that_are_not_called_like_their_classes_have_a_table(contents: Contents) -> None:
    odd = PackagedClass(0, "a/b", "slash", "a%2Fb")
    changed = replace(contents, classes=(odd, *contents.classes[1:]))
    (section,) = yaml.safe_load(study_section(changed))["testsets"]
    assert section["folders"] == {"a%2Fb": "a/b", "dog": "dog", "10": "10", "2": "2"}
    assert section["allow_empty"] is True
    assert classes_csv(changed).splitlines()[:2] == ["id,key,name,folder", "0,a/b,slash,a%2Fb"]
