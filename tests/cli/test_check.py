from __future__ import annotations

import json
from pathlib import Path

import pytest

STUDY = """\
models: [fake:one, "fake:two?outputs=7"]
testsets: [{id: mine/old, adapter: fake, path: x, bad_row: 3}]
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def test_faults_and_the_exit_code(call, study, tmp_path) -> None:
    result = call("check", study, "--probe-items", "0")
    assert result.code == 1
    lines = result.out.splitlines()
    assert lines[0].split()[:4] == ["test", "set", "items", "read"]
    assert "2 models, 1 cells that fit: 2 faults, 0 warnings, 0 notes." in lines
    assert any(
        line.startswith("FAULT   fit: mine/old: fake:two?outputs=7: 7 out") for line in lines
    )
    assert "FAULT   decode: mine/old: row 3 ('item-3'): row-3.png: not an image." in lines
    assert call("check", study, "--probe-items", "0", "--fail-on", "never").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


def test_warnings_count_when_asked_for(call, study) -> None:
    study.write_text(STUDY.replace(', "fake:two?outputs=7"', "").replace("bad_row: 3", "n: 400"))
    result = call("check", study)
    assert result.code == 0
    assert "WARNING probe: mine/old: class order?" in result.out
    assert call("check", study, "--fail-on", "warning").code == 1


def test_json_a_sample_and_a_file(call, study, tmp_path) -> None:
    result = call("check", study, "--sample", "2", "--probe", "fake:one", "--json")
    document = json.loads(result.out)
    assert document["schema"] == "freshset.check/1"
    assert document["testsets"][0]["read"] == 2
    call("check", study, "--sample", "2", "--probe-items", "0", "--output", "c.txt")
    assert "cells that fit" in (tmp_path / "c.txt").read_text()


def test_a_probe_that_does_not_exist(call, study) -> None:
    result = call("check", study, "--probe", "fake:nowhere")
    assert result.code == 2
    assert "No model 'nowhere'." in result.err
