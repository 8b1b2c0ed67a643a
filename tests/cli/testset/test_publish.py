from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fakes.frozen import WHO, frozen_project

from freshset.replication.project import Project
from freshset.replication.revisions.freeze import freeze, unfreeze

SIGNED = ("--who", "ada", "--why", "for the paper")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    frozen_project(tmp_path / "project").close()
    return tmp_path / "project"


def test_a_package_is_written_and_audited(call, project: Path, tmp_path: Path) -> None:
    done = call("testset", "package", "r1", "--project", project, "--output", "out", *SIGNED)
    assert done.code == 0
    assert "Packaged animals/fresh/r1: 8 images in out." in done.out
    assert (tmp_path / "out" / "shards").is_dir()
    audit = call("testset", "audit", "out")
    assert audit.code == 0
    assert "WARNING unknown-frequency: out: " in audit.out
    assert call("testset", "audit", "out", "--fail-on", "warning").code == 1
    (tmp_path / "out" / "spec.yaml").write_text(
        (tmp_path / "out" / "spec.yaml").read_text(encoding="utf-8") + "\n", encoding="utf-8"
    )
    changed = call("testset", "audit", "out")
    assert changed.code == 1
    assert "FAULT   damaged: spec.yaml: not as it was packaged." in changed.out
    assert call("testset", "audit", "out", "--fail-on", "never").code == 0


def test_json_and_no_shards(call, project: Path, tmp_path: Path) -> None:
    done = call(
        "testset", "package", "r1", "--project", project, "--output", "out", *SIGNED,
        "--no-shards", "--json",
    )  # fmt: skip
    assert json.loads(done.out)["images"] == 8
    assert not (tmp_path / "out" / "shards").exists()
    audit = call("testset", "audit", "out", "--json", "--output", "audit.json")
    assert (audit.code, audit.out) == (0, "")
    data = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
    assert data["schema"] == "freshset.audit/1"


def test_a_draft_and_a_folder_that_is_there_are_refused(
    call, project: Path, tmp_path: Path
) -> None:
    arguments = ("testset", "package", "r1", "--project", project, *SIGNED, "--output")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "x").write_text("x", encoding="utf-8")
    there = call(*arguments, "there")
    assert (there.code, "there already" in there.err) == (2, True)
    with Project.open(project) as opened:
        unfreeze(opened, "r1", **WHO)
    draft = call(*arguments, "out")
    assert draft.code == 2
    assert "Revision 'r1' is a draft" in draft.err
    assert "Next: Freeze it" in draft.err


def test_a_touched_set_is_warned_of(call, project: Path) -> None:
    with Project.open(project) as opened:
        unfreeze(opened, "r1", who="bob", why="a wrong label")
        freeze(opened, "r1", allow_incomplete="a test", **WHO)
    done = call("testset", "package", "r1", "--project", project, "--output", "out", *SIGNED)
    assert "Warning: animals/fresh/r1 is adaptively touched" in done.err
    assert "a wrong label." in done.err


def test_a_project_is_audited_by_its_revisions(call, project: Path) -> None:
    done = call("testset", "audit", "--project", project)
    assert done.code == 0
    assert done.out.splitlines()[2].startswith("r1 ")
    unknown = call("testset", "audit", "--project", project, "--set", "r9")
    assert (unknown.code, "No revision 'r9'" in unknown.err) == (2, True)
    next(iter((project / "images").rglob("*.png"))).unlink()
    broken = call("testset", "audit", "--project", project)
    assert (broken.code, "the file is missing" in broken.out) == (1, True)


def test_anyones_folder_against_original_images(call, project: Path, tmp_path: Path) -> None:
    call("testset", "package", "r1", "--project", project, "--output", "out", *SIGNED)
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    shutil.copytree(tmp_path / "out" / "test", mine)
    (mine / "metadata.csv").unlink()
    (theirs / "lion").mkdir(parents=True)
    shutil.copy(next(iter((mine / "cat").iterdir())), theirs / "lion" / "x.png")
    first = sorted((mine / "dog").iterdir())[0]
    (tmp_path / "bad.json").write_text(json.dumps({first.stem: "drawing"}), encoding="utf-8")
    done = call(
        "testset", "audit", mine, "--original", theirs, "--blacklist", "bad.json", "--limit",
        "pixels32=10",
    )  # fmt: skip
    assert done.code == 1
    assert "FAULT   original-duplicate: mine: near-duplicates of original images: 1." in done.out
    assert "FAULT   label:" in done.out
    assert "(drawing)" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Nothing to audit"),
        (("x", "--imagenetv2", "y"), "audited whole, and alone"),
        (("x", "--set", "y"), "audited whole, and alone"),
        (("--imagenetv2", "y", "--original", "x"), "--original goes with a folder"),
        (("x", "--limit", "phash"), "is not METRIC=DISTANCE"),
        (("x", "--limit", "phash=-1"), "is not METRIC=DISTANCE"),
        (("x", "--limit", "phash=few"), "is not METRIC=DISTANCE"),
        (("x", "--blacklist", "list.json"), "no table of images and reasons"),
        (("x",), "not a folder"),
    ],
)
def test_what_cannot_be_meant(
    call, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    done = call("testset", "audit", *arguments)
    assert done.code == 2
    assert message in done.err


@pytest.mark.shared_data
def test_the_released_imagenetv2_has_faults(call, shared_data: Path) -> None:
    done = call("testset", "audit", "--imagenetv2", shared_data / "imagenetv2")
    assert done.code == 1
    assert "all sets together 20,683" in done.out
    assert done.out.count("FAULT") == 4
    one = call(
        "testset", "audit", "--imagenetv2", shared_data / "imagenetv2", "--set", "imagenetv2-b-33"
    )
    assert "blacklisted images: 1. 2c7af501" in one.out
