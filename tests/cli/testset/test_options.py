from __future__ import annotations

import getpass
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from freshset.cli.testset.options import (
    DatabaseOption,
    ProjectOption,
    WhoOption,
    WhyOption,
    frequencies_of,
    opened,
    person,
)
from freshset.core.errors import UsageError
from freshset.replication.project import Project

SPEC = "name: animals/fresh\noriginal: animals/test\nclasses: [{key: cat}, {key: dog}]\n"


def test_options_are_read_from_the_environment(tmp_path: Path) -> None:
    app = typer.Typer()

    @app.command()
    def verb(
        project: ProjectOption, why: WhyOption, database: DatabaseOption = "", who: WhoOption = ""
    ) -> None:
        typer.echo(f"{project}|{database}|{who}|{why}")

    environment = {
        "FRESHSET_PROJECT": str(tmp_path),
        "FRESHSET_DATABASE": "sqlite:///x.db",
        "FRESHSET_WHO": "Ada",
    }
    told = CliRunner().invoke(app, ["--why", "a try"], env=environment)
    assert told.stdout == f"{tmp_path}|sqlite:///x.db|Ada|a try\n"
    assert CliRunner().invoke(app, ["--project", "x"], env={}).exit_code == 2


def test_a_project_is_opened(tmp_path: Path) -> None:
    from freshset.replication.project import Project

    Project.create(tmp_path / "p", SPEC, who="Ada", why="begin").close()
    with opened(tmp_path / "p") as project:
        assert project.spec.name == "animals/fresh"
    with pytest.raises(UsageError, match="holds no project"):
        opened(tmp_path / "q")


def test_who_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    assert person(" Ada ") == "Ada"
    monkeypatch.setattr(getpass, "getuser", lambda: "grace")
    assert person() == person("  ") == "grace"

    def nobody() -> str:
        raise OSError("no such user")

    monkeypatch.setattr(getpass, "getuser", nobody)
    with pytest.raises(UsageError, match="--who NAME"):
        person()


def test_frequencies_are_those_of_a_file_or_of_the_answers(tmp_path: Path) -> None:
    path = tmp_path / "given.csv"
    path.write_text("item_id,class,selected,answers\na,cat,3,4\n", encoding="utf-8")
    with Project.create(tmp_path / "project", SPEC, who="ada", why="begin") as project:
        assert frequencies_of(project, path).value.tolist() == [0.75]
        assert len(frequencies_of(project, None)) == 0
