from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.pool import ANIMALS, animals, exclude
from typer.testing import CliRunner

from freshset.cli.main import app
from freshset.core.errors import DataError, UsageError
from freshset.replication.project import Project
from freshset.replication.tables import answers
from freshset.store.frequencies import write_frequencies


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with candidates, and their frequencies in a file beside it."""
    with Project.create(
        tmp_path / "animals", ANIMALS % "strategy: random", who="ada", why="x"
    ) as project:
        write_frequencies(tmp_path / "f.csv", animals(project))
    return tmp_path


def run(folder: Path, *arguments: str):
    options = ["--project", str(folder / "animals"), "--frequencies", str(folder / "f.csv")]
    result = CliRunner().invoke(app, ["testset", *arguments, *options])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


SAMPLE = ("sample", "--who", "ada", "--why", "first")


def test_a_sample_says_what_was_drawn(folder: Path) -> None:
    result = run(folder, *SAMPLE)
    assert result.stdout.splitlines() == [
        "Drew random-0: 5 images of 2 classes by random, seed 7.",
        "0 kept from the parent, 0 from a higher bin than meant, 0 missing.",
        "Next: freshset testset review random-0",
    ]
    assert "no images of the original's test set and training set" in result.stderr
    with Project.open(folder / "animals") as project:
        exclude(project, "c0")
        exclude(project, "c1")
    data = json.loads(run(folder, *SAMPLE, "--parent", "random-0", "--json").stdout)
    assert (data["name"], data["parent"], data["images"]) == ("random-1", "random-0", 5)
    assert data["eligibility"]["cat"] == {"eligible": 6, "blacklisted": 2}


def test_a_sample_that_is_not_valid_says_why_by_class(folder: Path) -> None:
    with Project.open(folder / "animals") as project:
        for k in range(7):
            exclude(project, f"d{k}")
    table = folder / "candidates.csv"
    result = run(folder, *SAMPLE, "--candidates", str(table))
    rows = csv.DictReader(table.read_text("utf-8").splitlines())
    reasons = Counter(row["reason"] for row in rows)
    assert reasons == {"": 9, "blacklisted": 7}
    assert "Warning: random-0 is not valid: images lack in 1 classes." in result.stderr
    header, _, row = result.stdout.splitlines()[-3:]
    assert header.split() == ["class", "missing", "of", "eligible", "not", "eligible"]
    assert row.split() == ["dog", "1", "all", "1", "1", "blacklisted", "7"]


def test_an_unknown_parent_gets_a_hint(folder: Path) -> None:
    run(folder, *SAMPLE)
    with pytest.raises(UsageError, match="No revision 'random-1'") as error:
        run(folder, *SAMPLE, "--parent", "random-1")
    assert "random-0" in error.value.hint


def test_the_lab_shows_what_can_be_drawn_and_stores_nothing(folder: Path) -> None:
    result = run(folder, "lab", "--seeds", "5")
    assert "matched-frequency is left out." in result.stderr
    assert "keyword-quota is left out." in result.stderr
    lines = result.stdout.splitlines()
    assert [line.split("  ")[0] for line in lines[2:5]] == ["threshold", "top", "random"]
    assert lines[-1] == "Mean and standard deviation over 5 seeds."
    data = json.loads(run(folder, "lab", "--seeds", "3", "--strategy", "top", "--json").stdout)
    assert [row["strategy"] for row in data["rows"]] == ["top"]
    assert data["rows"][0]["overlap"]["mean"] == 1.0
    with Project.open(folder / "animals") as project:
        assert not list(project.entries(action="revision"))


def test_the_lab_refuses_what_it_cannot_draw(folder: Path) -> None:
    with pytest.raises(UsageError) as error:
        run(folder, "lab", "--strategy", "tops")
    assert "'top'" in error.value.hint
    with pytest.raises(DataError, match="original images"):
        run(folder, "lab", "--strategy", "matched-frequency")


def test_without_a_file_the_projects_answers_count(folder: Path) -> None:
    rows = [
        {"worker": f"w{w}", "item_id": f"{a}{k}", "class_key": key, "selected": 1.0}
        for a, key in (("c", "cat"), ("d", "dog"))
        for k in range(4)
        for w in range(10)
    ]
    with (
        Project.open(folder / "animals") as project,
        project.change("test.answers", who="ada", why="x") as change,
    ):
        change.connection.execute(sa.insert(answers), rows)
    command = ["testset", *SAMPLE, "--json", "--project", str(folder / "animals")]
    data = json.loads(CliRunner().invoke(app, command).stdout)
    assert data["eligibility"]["cat"] == {"eligible": 4, "few-answers": 4}
    assert data["is_valid"]


def test_a_project_without_answers_can_draw_at_random(tmp_path: Path) -> None:
    text = ANIMALS % "strategy: random, min_answers: 0"
    with Project.create(tmp_path / "animals", text, who="ada", why="x") as project:
        animals(project)
    command = ["testset", *SAMPLE, "--project", str(tmp_path / "animals")]
    result = CliRunner().invoke(app, command)
    assert result.stdout.startswith("Drew random-0: 5 images"), result.exception
