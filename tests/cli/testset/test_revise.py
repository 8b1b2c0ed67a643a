from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.pool import ANIMALS, animals, exclude
from typer.testing import CliRunner

from freshset.cli.main import app
from freshset.core.errors import ConflictError, DataError, UsageError
from freshset.replication.project import Project
from freshset.replication.sampling.choose import draw_revision

WHO = ("--who", "ada", "--why", "because")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Project.create(
        tmp_path / "animals", ANIMALS % "strategy: random", who="ada", why="x"
    ) as project:
        answers = animals(project)
        draw_revision(project, answers, name="r0", who="ada", why="x")
        exclude(project, "c0")
        draw_revision(project, answers, name="r1", parent="r0", who="ada", why="x")
    return tmp_path / "animals"


def run(folder: Path, *arguments: str):
    result = CliRunner().invoke(app, ["testset", *arguments, "--project", str(folder)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def approve(folder: Path, name: str) -> None:
    seen = json.loads(run(folder, "review", name, "--json").stdout)["classes"]
    rows = [f"{one['class_key']},good,{one['version']}" for one in seen]
    table = folder.parent / "verdicts.csv"
    table.write_text("\n".join(["class,verdict,version", *rows]) + "\n", encoding="utf-8")
    run(folder, "review", name, "--file", str(table), *WHO)


def test_revisions_are_listed_and_shown(folder: Path) -> None:
    listed = run(folder, "revisions").stdout.splitlines()
    assert [line.split()[:3] for line in listed[2:]] == [
        ["r0", "-", "draft"],
        ["r1", "r0", "draft"],
    ]
    assert "verified" not in "".join(listed)
    checked = run(folder, "revisions", "--verify").stdout.splitlines()
    assert [line.endswith(" verified") for line in checked[2:]] == [True, True]
    shown = run(folder, "revisions", "r1", "--verify").stdout
    assert "chain verified: r1 <- r0" in shown
    assert "removed since r0: " in shown
    assert "candidates: eligible 15, blacklisted 1" in shown
    assert "not ready: Classes: " in shown
    data = json.loads(run(folder, "revisions", "r1", "--json").stdout)["revisions"][0]
    assert data["document"]["schema"] == "freshset.revision/1"
    assert data["document"]["parent"] != ""


def test_there_may_be_none(tmp_path: Path) -> None:
    Project.create(tmp_path, ANIMALS % "strategy: random", who="ada", why="x").close()
    assert "No revisions yet." in run(tmp_path, "revisions").stdout


def test_a_review_is_given_and_shown(folder: Path) -> None:
    given = run(folder, "review", "r1", "cat", "--verdict", "problematic", *WHO).stdout
    assert given.splitlines()[2].split()[:4] == ["cat", "problematic", "yes", "1"]
    lines = run(folder, "review", "r1").stdout.splitlines()
    assert lines[2].split()[:5] == ["cat", "problematic", "yes", "1", "ada"]
    assert lines[-1] == "0 of 2 classes are good."
    with pytest.raises(ConflictError, match="not the review that you saw"):
        run(folder, "review", "r1", "cat", "--verdict", "good", *WHO)
    with pytest.raises(UsageError, match="A verdict is on a class"):
        run(folder, "review", "r1", "--verdict", "good", *WHO)
    with pytest.raises(UsageError, match="no verdict 'nice'"):
        run(folder, "review", "r1", "dog", "--verdict", "nice", *WHO)
    with pytest.raises(UsageError, match="a reason"):
        run(folder, "review", "r1", "dog", "--verdict", "good", "--who", "ada")


def test_a_file_of_verdicts_is_checked(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "verdicts.csv"
    for text, error, message in (
        ("class,verdict\ncat,good\n", DataError, "version"),
        ("class,verdict,version\ncat,good,none\n", DataError, "row 0"),
        ("class,verdict,version\ncat,good,0\ncow,good,0\n", UsageError, "no class 'cow'"),
    ):
        table.write_text(text, encoding="utf-8")
        with pytest.raises(error, match=message):
            run(folder, "review", "r1", "--file", str(table), *WHO)
    with pytest.raises(UsageError, match="in the file"):
        run(folder, "review", "r1", "cat", "--file", str(table), *WHO)
    assert "0 of 2 classes are good" in run(folder, "review", "r1").stdout


def test_a_reviewer_sees_the_images_of_a_class(folder: Path) -> None:
    lines = run(folder, "review", "r1", "dog").stdout.splitlines()
    assert len(lines) == 2 + 2
    assert lines[2].split()[:6] == ["fresh", "10", "of", "10", "all", "kept"]
    assert lines[2].split()[-1].startswith(str(folder / "images" / "d"))
    data = json.loads(run(folder, "review", "r1", "dog", "--json").stdout)
    assert [one["class_key"] for one in data["classes"]] == ["dog"]
    assert len(data["images"]) == 2


def test_freezing_and_unfreezing(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not ready"):
        run(folder, "freeze", "r1", *WHO)
    with pytest.raises(UsageError, match="draft"):
        run(folder, "revisions", "r1", "--manifest", str(tmp_path / "r1.csv"))
    approve(folder, "r1")
    assert "ready to be frozen" in run(folder, "revisions", "r1").stdout
    assert run(folder, "freeze", "r1", *WHO).stdout.startswith("Froze r1: ")
    run(folder, "revisions", "r1", "--manifest", str(tmp_path / "r1.csv"))
    assert len((tmp_path / "r1.csv").read_text("utf-8").splitlines()) == 6
    with pytest.raises(UsageError, match="one revision"):
        run(folder, "revisions", "--manifest", str(tmp_path / "all.csv"))
    assert "Adaptively touched for ever: r1." in run(folder, "unfreeze", "r1", *WHO).stdout
    assert "draft, touched" in run(folder, "revisions").stdout
    assert "adaptively touched" in run(folder, "freeze", "r1", *WHO).stdout


def test_an_incomplete_set_is_frozen_with_a_reason(folder: Path) -> None:
    reason = ("--allow-incomplete", "a pilot")
    data = json.loads(run(folder, "freeze", "r0", *WHO, *reason, "--json").stdout)
    assert data["state"] == "frozen"
