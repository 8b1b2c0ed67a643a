from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.frozen import WHO, picture

from freshset.core.errors import DataError
from freshset.core.files import sha256_bytes
from freshset.replication.collecting.excluding import take_down
from freshset.replication.package import write_package
from freshset.replication.package.base import Contents
from freshset.replication.package.checksums import write_sums
from freshset.replication.package.consistency import check_package
from freshset.replication.project import Project


@pytest.fixture
def package(project: Project, tmp_path: Path) -> Path:
    write_package(project, "r1", tmp_path / "out", **WHO)
    return tmp_path / "out"


def change(file: Path, **values: Any) -> None:
    """Change a JSON file, and the checksums with it, as somebody would who wants to hide it."""
    body = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(body | values), encoding="utf-8")
    write_sums(file.parent)


def test_nothing_is_wrong_with_a_package(package: Path) -> None:
    assert check_package(package) == []


def test_nor_with_one_of_which_an_image_was_taken_down(
    project: Project, contents: Contents, tmp_path: Path
) -> None:
    take_down(project, [contents.images[0].item_id], who="ada", why="asked for")
    write_package(project, "r1", tmp_path / "out", **WHO)
    assert check_package(tmp_path / "out") == []


def test_another_image_under_the_same_name(package: Path) -> None:
    file = next((package / "test" / "cat").glob("*.png"))
    file.write_bytes(picture(1_000))
    write_sums(package)
    assert check_package(package) == [f"test: {file.name} is not the image of that checksum."]


def test_an_image_more_and_one_less(package: Path) -> None:
    file = next((package / "test" / "cat").glob("*.png"))
    file.unlink()
    data = picture(1_000)
    new = f"{sha256_bytes(data)}.png"
    (package / "test" / "dog" / new).write_bytes(data)
    write_sums(package)
    assert check_package(package) == [
        f"test: image {file.stem} of the revision is missing.",
        f"test: {new} is not in the revision.",
    ]


def test_another_document_and_another_digest(package: Path) -> None:
    file = package / "revision.json"
    said = json.loads(file.read_text(encoding="utf-8"))
    changed = said["document"] | {"seed": 8}
    change(file, document=changed)
    assert check_package(package) == [
        f"revision.json: the document does not have the digest {said['digest'][:12]}."
    ]
    from freshset.core.files import canonical_json

    digest = sha256_bytes(canonical_json(changed))
    change(file, digest=digest)
    assert check_package(package) == [
        f"log.jsonl: no revision of the digest {digest[:12]} was frozen."
    ]


def test_a_log_with_an_entry_changed_or_cut_off(package: Path) -> None:
    log = package / "log.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines()
    log.write_text("\n".join([lines[0].replace("because", "no"), *lines[1:]]), encoding="utf-8")
    write_sums(package)
    assert "entry 1 of the log" in check_package(package)[0]
    log.write_text("\n".join(lines[:-1]), encoding="utf-8")
    write_sums(package)
    assert "does not end with entry" in check_package(package)[0]
    log.write_text("{", encoding="utf-8")
    write_sums(package)
    assert "cannot be read as a log" in check_package(package)[0]


def test_what_is_no_revision(package: Path) -> None:
    change(package / "revision.json", log=None)
    with pytest.raises(DataError, match="not the revision of a package"):
        check_package(package)
