from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.frozen import SPEC, WHO, WORKER, frozen_project

from freshset.core.errors import DataError, FreshsetError, UsageError
from freshset.core.provenance import touched_near
from freshset.replication.auditing.project import audit_project
from freshset.replication.package import write_package
from freshset.replication.package.base import Contents
from freshset.replication.package.checksums import check_sums
from freshset.replication.package.consistency import check_package
from freshset.replication.project import Project
from freshset.replication.revisions.freeze import freeze, unfreeze


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_package_is_whole_and_its_writing_is_logged(project: Project, tmp_path: Path) -> None:
    package = write_package(project, "r1", tmp_path / "out", who="bob", why="for the paper")
    assert (package.testset, package.images, package.touched) == ("animals/fresh/r1", 8, "")
    assert check_sums(tmp_path / "out") == []
    assert {name for name in files(tmp_path / "out") if "/" not in name} == {
        "LICENSES", "SHA256SUMS", "classes.csv", "croissant.json", "datasheet.md", "log.jsonl",
        "revision.json", "spec.yaml", "takedowns.csv", "testset.yaml",
    }  # fmt: skip
    entry = list(project.entries(action="revision.package"))[-1]
    assert (entry.who, entry.subject, entry.detail["digest"]) == ("bob", "r1", package.digest)
    assert package.to_dict()["schema"] == "freshset.packaged/1"


def test_the_same_revision_gives_the_same_bytes(project: Project, tmp_path: Path) -> None:
    """Also after the project has gone on: packaging itself is an entry of its log."""
    first = write_package(project, "r1", tmp_path / "a", **WHO)
    (tmp_path / "b").mkdir()
    second = write_package(project, "r1", tmp_path / "b", who="bob", why="again")
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert first.digest == second.digest


def test_no_salt_and_no_worker_is_in_it(project: Project, tmp_path: Path) -> None:
    write_package(project, "r1", tmp_path / "out", **WHO)
    secrets = [project.salt.encode(), WORKER.encode()]
    for data in files(tmp_path / "out").values():
        assert not any(secret in data for secret in secrets)


def test_spec_log_and_revision_can_be_verified(project: Project, tmp_path: Path) -> None:
    write_package(project, "r1", tmp_path / "out", **WHO)
    assert (tmp_path / "out" / "spec.yaml").read_text(encoding="utf-8") == SPEC
    lines = (tmp_path / "out" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    assert [e["previous"] for e in entries] == ["", *(e["digest"] for e in entries[:-1])]
    said = json.loads((tmp_path / "out" / "revision.json").read_text(encoding="utf-8"))
    assert (said["schema"], said["revision"], said["touched"]) == ("freshset.package/1", "r1", "")
    from freshset.replication.revisions.document import Revision

    assert Revision.from_dict(said["document"]).digest == said["digest"]


def test_the_mark_of_a_touched_set_can_be_read_from_its_images(
    project: Project, tmp_path: Path
) -> None:
    unfreeze(project, "r1", who="bob", why="a wrong label")
    freeze(project, "r1", allow_incomplete="a test", **WHO)
    package = write_package(project, "r1", tmp_path / "out", **WHO)
    assert package.touched.endswith("a wrong label")
    assert touched_near(tmp_path / "out" / "test") == package.touched


def test_what_is_there_stays(project: Project, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x", encoding="utf-8")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for name in ("out", "file"):
        with pytest.raises(UsageError, match="there already"):
            write_package(project, "r1", tmp_path / name, **WHO)
    assert files(tmp_path / "out") == {"mine.txt": b"x"}


def test_a_package_that_cannot_be_finished_leaves_nothing(
    project: Project, contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    count = len(list(project.entries()))
    # Nobody signs for it: the very last step fails, when all is in place.
    with pytest.raises(UsageError, match="a name and a reason"):
        write_package(project, "r1", tmp_path / "out", who="", why="x")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("shutil.copyfile", full)
        with pytest.raises(OSError, match="No space"):
            write_package(project, "r1", tmp_path / "out", **WHO)
    contents.images[0].source.unlink()
    with pytest.raises(DataError, match="missing"):
        write_package(project, "r1", tmp_path / "out", **WHO)
    assert {path.name for path in tmp_path.iterdir()} == before
    assert len(list(project.entries())) == count


def test_drafts_are_refused_before_anything_is_written(project: Project, tmp_path: Path) -> None:
    unfreeze(project, "r1", **WHO)
    with pytest.raises(FreshsetError, match="draft"):
        write_package(project, "r1", tmp_path / "out", **WHO)
    assert not (tmp_path / "out").exists()


def test_packages_come_from_any_database(tmp_path: Path, database: str) -> None:
    with frozen_project(tmp_path / "project", database=database) as any_project:
        write_package(any_project, "r1", tmp_path / "out", **WHO)
        assert audit_project(any_project).at_least("fault") == ()
    assert check_package(tmp_path / "out") == []
    names = [name for name in files(tmp_path / "out") if name.endswith((".png", ".jpg"))]
    assert names == sorted(names)
    table = (tmp_path / "out" / "test" / "metadata.csv").read_text(encoding="utf-8").splitlines()
    assert [f"test/{line.partition(',')[0]}" for line in table[1:]] == names
    assert "28 of the answers" in (tmp_path / "out" / "datasheet.md").read_text(encoding="utf-8")
