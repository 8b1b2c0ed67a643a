from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import typer
import yaml

from freshset.cli.main import app

ROOT = Path(__file__).parents[2]
CONTAINER = (ROOT / "Containerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def options() -> tuple[set[str], set[str]]:
    """Options of the command, and variables that they read."""
    command = typer.main.get_command(app).commands["serve"]
    known = {name for one in command.params for name in one.opts}
    return known, {str(one.envvar) for one in command.params if one.envvar}


def test_the_container_says_what_the_command_takes() -> None:
    known, variables = options()
    (command,) = re.findall(r"^CMD (\[.*\])$", CONTAINER, re.MULTILINE)
    verb, *arguments = json.loads(command)
    assert verb == "serve"
    assert {one for one in arguments if one.startswith("--")} <= known
    assert set(re.findall(r"FRESHSET_\w+", CONTAINER)) <= variables
    assert set(COMPOSE["services"]["app"]["environment"]) <= variables


def test_nobody_but_this_machine_reaches_the_composed_app() -> None:
    services = COMPOSE["services"]
    assert services["app"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "ports" not in services["database"]
    assert "USER freshset" in CONTAINER
    for one in services.values():
        for text in one["environment"].values():
            assert "assword:" not in str(text).replace("${POSTGRES_PASSWORD:?}", "")


def test_what_the_image_copies_is_there_and_let_in() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINER, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists()
            assert f"!{name}" in let_in
    extras = re.search(r"\[([a-z,]+)\]", CONTAINER)
    assert extras is not None
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for extra in extras[1].split(","):
        assert f"\n{extra} = [" in project
