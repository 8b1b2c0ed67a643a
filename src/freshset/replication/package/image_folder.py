"""The images in one folder a class, with a table of the classes and a section for a study file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from freshset.replication.package.base import IMAGES, Contents
from freshset.replication.package.huggingface import csv_text

CLASSES = "classes.csv"
SECTION = "testset.yaml"


def write_images(contents: Contents, folder: Path) -> None:
    """Copy the images to ``test/<class>/<id>.<ending>``; the bytes stay as they are."""
    for of in contents.classes:
        (folder / IMAGES / of.folder).mkdir(parents=True)
    for image in contents.images:
        shutil.copyfile(image.source, folder / IMAGES / image.file)


def classes_csv(contents: Contents) -> str:
    """Content of ``classes.csv``: id, key, name and folder of every class.

    It says which class a folder is, whatever the folders' order or names.
    """
    rows: list[list[str | int | float | None]] = [
        [one.label, one.key, one.name, one.folder] for one in contents.classes
    ]
    return csv_text(("id", "key", "name", "folder"), rows)


def study_section(contents: Contents) -> str:
    """Content of ``testset.yaml``: how a study file names this test set."""
    section: dict[str, Any] = {
        "id": contents.testset,
        "adapter": "image-folder",
        "path": IMAGES,
        "classes": CLASSES,
        # Annotators saw the pictures upright.
        "orientation": "apply",
        "expected_n": len(contents.images),
    }
    renamed = {one.folder: one.key for one in contents.classes if one.folder != one.key}
    if renamed:
        section["folders"] = {one.folder: one.key for one in contents.classes}
    if {image.of.key for image in contents.images} != {one.key for one in contents.classes}:
        section["allow_empty"] = True
    return yaml.safe_dump({"testsets": [section]}, sort_keys=False, allow_unicode=True)
