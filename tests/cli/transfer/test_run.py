from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.small_transfer import make_study
from typer.testing import CliRunner

from freshset.cli.main import EXIT_CODES, app
from freshset.cli.transfer.run import PARTIAL, STAGES, stage_command

pytest.importorskip("torch")
pytest.importorskip("safetensors")

MODELS = [{"model": "py:nets.py:narrow", "name": "net"}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_study(tmp_path, models=MODELS, datasets=[{"path": "dim"}])


def call(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["transfer", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


def test_a_dry_run_writes_nothing(path: Path) -> None:
    code, text = call("run", path, "--dry-run")
    assert code == 0
    assert "to train on: 288 in 6 runs" in text
    assert "paper" in text
    assert not (path.parent / "store").exists()


def test_stages_and_then_all(path: Path) -> None:
    assert call("features", path)[0] == 0
    code, text = call("probe", path, "--json")
    made = json.loads(text)
    assert code == 0
    assert made["made"] == ["net on dim, fixed features, seed 0", "transferability of net to dim"]
    assert made["complete"]
    code, text = call("finetune", path, "--dry-run", "--json")
    planned = json.loads(text)
    assert (planned["schema"], planned["dry_run"]) == ("freshset.transfer-run/1", True)
    assert planned["protocol"]["budget"] == "lite"
    assert planned["cost"]["states"] == {"trial": {"missing": 2}, "final": {"waiting": 1}}
    code, text = call("run", path)
    assert code == 0
    assert "6 pieces of work made, 0 failed." in text
    code, text = call("run", path, "--dry-run")
    assert "Nothing is left to do." in text


def test_what_cannot_be_done_is_a_partial_run(path: Path) -> None:
    models = [*MODELS, "py:nets.py:nothing"]
    make_study(path.parent, models=models, datasets=[{"path": "dim"}])
    code, text = call("probe", path)
    assert code == PARTIAL
    assert PARTIAL in EXIT_CODES
    assert "py:nets.py:nothing on dim, fixed features, seed 0" in text
    assert "no callable 'nothing'" in text
    code, text = call("probe", path, "--json")
    assert {one["model"] for one in json.loads(text)["impossible"]} == {"py:nets.py:nothing"}


def test_every_stage_is_a_command() -> None:
    assert {stage_command(name).__name__ for name in STAGES} == set(STAGES)
    text = CliRunner().invoke(app, ["transfer", "--help"]).stdout
    assert all(name in text for name in STAGES)
