from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.class_folders import make_folder

from freshset.replication.collecting.candidates import collect
from freshset.replication.collecting.sources.folder import Folder
from freshset.replication.project import Project
from freshset.replication.tables import answers

SPEC = """\
name: animals/fresh
original: animals/test
per_class: 2
classes:
  - {key: cat, confused_with: dog}
  - {key: dog}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "fresh.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path, spec: Path, call) -> str:
    path = str(tmp_path / "project")
    told = call("testset", "new", str(spec), "--project", path, "--why", "try", "--who", "ada")
    assert told.code == 0
    assert told.err == f"Began {path}: animals/fresh; classes: 2.\n"
    return path


def test_a_project_begins_with_its_spec(folder: str, spec: Path, call) -> None:
    with Project.open(folder) as project:
        (entry,) = project.entries()
    assert (entry.who, entry.why) == ("ada", "try")
    again = call("testset", "new", str(spec), "--project", folder, "--why", "again")
    assert again.code == 2
    assert "holds a project already" in again.err


def test_a_wrong_spec_is_said_whole(tmp_path: Path, spec: Path, call) -> None:
    spec.write_text("name: x y\nclases: []\n", encoding="utf-8")
    told = call("testset", "new", str(spec), "--project", str(tmp_path / "p"), "--why", "x")
    assert told.code == 2
    assert "Did you mean 'classes'" in told.err
    assert "No key 'original'" in told.err
    assert not (tmp_path / "p").exists()


def test_the_spec_is_printed_and_changed(folder: str, spec: Path, call) -> None:
    assert call("testset", "spec", "--project", folder).out == SPEC
    body = json.loads(call("testset", "spec", "--project", folder, "--json").out)
    assert (body["schema"], body["spec"]["per_class"]) == ("freshset.spec/1", 2)
    spec.write_text(SPEC.replace("per_class: 2", "per_class: 3"), encoding="utf-8")
    given = ("testset", "spec", str(spec), "--project", folder)
    refused = call(*given)
    assert (refused.code, "Give --who and --why" in refused.err) == (2, True)
    told = call(*given, "--why", "more")
    assert told.out == "Version 2 is in force.\nper_class: 2 -> 3\n"
    assert "says what the one in force says already" in call(*given, "--why", "x").err
    told = call("testset", "log", "--project", folder, "--action", "spec")
    assert "changes: {'per_class': [2, 3]}" in told.out


def test_another_definition_tells_of_the_answers_to_the_former_one(
    folder: str, spec: Path, call
) -> None:
    with Project.open(folder) as project, project.change("fake", who="ada", why="x") as change:
        rows = [
            {"worker": worker, "item_id": "i", "class_key": "cat", "selected": 1.0}
            for worker in ("v", "w")
        ]
        change.connection.execute(sa.insert(answers), rows)
    given = ("testset", "spec", str(spec), "--project", folder, "--why", "clearer")
    spec.write_text(SPEC.replace("key: cat", "key: cat, definition: It purrs."), encoding="utf-8")
    told = call(*given)
    assert told.code == 0
    assert "Warning: cat: people were told something else before. Its 2 answers still" in told.err
    larger = spec.read_text(encoding="utf-8").replace("per_class: 2", "per_class: 3")
    spec.write_text(larger, encoding="utf-8")
    assert call(*given).err == ""


def test_status_says_what_is_short(folder: str, tmp_path: Path, call) -> None:
    told = call("testset", "status", "--project", folder)
    assert (told.code, told.err) == (0, "")
    root = make_folder(tmp_path / "in", {"cat": [1, 2], "dog": [2]})
    with Project.open(folder) as project:
        collect(project, Folder(path=root), who="a", why="b")
    told = call("testset", "status", "--project", folder)
    assert "Warning: Fewer candidates than images wanted (classes: 1): dog." in told.err
    assert "dog (short)       2           1" in told.out
    assert "Images that are candidates of several classes: 1." in told.out
    body = json.loads(call("testset", "status", "--project", folder, "--json").out)
    assert [one["candidates"] for one in body["classes"]] == [2, 1]


def test_the_log_is_shown_chosen_and_verified(folder: str, call, tmp_path: Path) -> None:
    with Project.open(folder) as project:
        for who in ("bob", "eve"):
            with project.change("answers.import", who=who, why="batch", subject="s", rows=3):
                pass
        *_, last = project.entries()
    log = ("testset", "log", "--project", folder)
    text = call(*log).out
    assert [line[0] for line in text.splitlines() if line[0] != " "] == ["1", "2", "3"]
    assert "bob  answers.import s\n    why: batch\n    rows: 3\n" in text
    body = json.loads(call(*log, "--json", "--by", "eve").out)
    assert [entry["seq"] for entry in body["entries"]] == [3]
    body = json.loads(call(*log, "--json", "--last", "2", "--subject", "s").out)
    assert [entry["who"] for entry in body["entries"]] == ["bob", "eve"]
    told = call(*log, "--verify")
    assert told.out == f"The log is whole: 3 entries, the last with digest {last.digest}.\n"
    body = json.loads(call(*log, "--verify", "--known", last.digest, "--json").out)
    assert body == {"schema": "freshset.log-check/1", "entries": 3, "digest": last.digest}
    wrong = call(*log, "--verify", "--known", "0" * 64)
    assert (wrong.code, "no entry of the log has the digest" in wrong.err) == (2, True)
    assert call(*log, "--known", "0").code == 2


def test_no_project(tmp_path: Path, call) -> None:
    for verb in ("status", "log", "spec"):
        told = call("testset", verb, "--project", str(tmp_path))
        assert told.code == 2
        assert "holds no project" in told.err
        assert "freshset testset new" in told.err


def test_passwords_of_databases_are_not_shown(tmp_path: Path, spec: Path, call) -> None:
    at = ("--project", str(tmp_path / "p"), "--database")
    for url in (
        "postgresql://ada:hunter2@127.0.0.1:1/x?connect_timeout=1",
        "ada:hunter2@host/x",
        "mysql://ada:hunter2@host/x",
    ):
        for verb in (("status",), ("new", str(spec), "--why", "x")):
            told = call("testset", *verb, *at, url)
            assert told.code == 2
            assert told.err.startswith("Error: ")
            assert "hunter2" not in told.out + told.err
