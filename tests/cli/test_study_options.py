from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from freshset.cli import study_options
from freshset.cli.main import app
from freshset.core.config import Backend, OnExisting, Precision, RunSettings, Save
from freshset.core.errors import UsageError
from freshset.engine.study import StudyFile

STUDY = StudyFile(Path("s.yaml"), "s", Path("store"), (), (), {"trust": ("a",), "batch_size": 3})


def test_choices_are_those_of_the_settings() -> None:
    assert tuple(study_options.OnExistingName) == get_args(OnExisting)
    assert tuple(study_options.PrecisionName) == get_args(Precision)
    assert tuple(study_options.SaveName) == get_args(Save)
    assert tuple(study_options.BackendName) == get_args(Backend)


def test_every_setting_has_an_option_and_an_environment_variable() -> None:
    root: Any = typer.main.get_command(app)
    run = root.commands["run"]
    options = {parameter.name: parameter for parameter in run.params}
    for field in fields(RunSettings):
        assert field.name in options
        # What widens trust or narrows a run must be seen in the command itself.
        if field.name not in {"trust", "limit"}:
            assert options[field.name].envvar == f"FRESHSET_{field.name.upper()}"


def test_overrides() -> None:
    given = study_options.overrides(
        STUDY, batch_size=None, memory="2MB", shard="2/3", offline=False, trust=["b"],
        precision=study_options.PrecisionName.bf16,
    )  # fmt: skip
    assert given == {
        "memory": 2_000_000,
        "shard": (2, 3),
        "offline": False,
        "trust": ("a", "b"),
        "precision": "bf16",
    }
    assert type(given["precision"]) is str


@pytest.mark.parametrize("text", ["", "1", "1/", "/2", "a/b", "1/2/3", "-1/2"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(UsageError, match="is not I/N"):
        study_options.parse_shard(text)
