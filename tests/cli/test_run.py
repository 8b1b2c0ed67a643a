from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from fakes import testbed

STUDY = """\
title: Mine
models: [fake:one, "fake:two?seed=2", "fake:three?seed=4"]
testsets:
  - {id: mine/old, adapter: fake, path: x}
  - {id: mine/new, adapter: fake, path: x, n: 30}
run: {batch_size: 8}
compare:
  - {old: mine/old, new: mine/new, bootstrap: 100, item_bootstrap: 100}
report: report
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_dry_run_says_what_it_takes_and_writes_nothing(call, study, tmp_path) -> None:
    before = files(tmp_path)
    result = call("run", study, "--dry-run")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split() == ["model", "mine/old", "mine/new"]
    assert lines[2].split() == ["fake:one", "to", "run", "to", "run"]
    assert "6 cells: 6 to run." in lines
    assert "6 cells to run (210 forward passes); 0 of 6 are there." in lines
    assert any(line.startswith("Disk for the new cells: about ") for line in lines)
    assert lines[-1] == "Nothing was written."
    assert files(tmp_path) == before
    document = json.loads(call("run", study, "--dry-run", "--json", "--shard", "1/2").out)
    assert document["schema"] == "freshset.run/1"
    assert document["dry_run"] is True
    assert document["cost"]["cells"] < 6
    assert document["settings"]["shard"] == [1, 2]
    assert files(tmp_path) == before


def test_a_run_its_report_and_the_next_run(call, study, tmp_path) -> None:
    result = call("run", study)
    assert result.code == 0
    assert "6 cells to run (210 forward passes); 0 of 6 are there." in result.err
    assert "[6/6] " in result.err
    assert "6 cells made, 0 failed. 6 cells: 6 done." in result.out
    assert "mine/old and mine/new" in result.out
    page = tmp_path / "report" / "index.html"
    assert f"Report: {page}" in result.out
    assert "<h1>Mine</h1>" in page.read_text()
    again = call("run", study, "--no-report", "--json")
    assert again.code == 0
    document = json.loads(again.out)
    assert (document["made"], document["complete"], document["report"]) == ([], True, None)
    assert document["count"] == {"done": 6}
    assert "0 cells to run (0 forward passes); 6 of 6 are there." in again.err


def test_a_partial_run_has_its_exit_code_and_its_report(call, study, tmp_path) -> None:
    study.write_text(STUDY.replace("fake:one,", 'fake:one, fake:nowhere, "fake:four?raise_at=35",'))
    result = call("run", study, "--json")
    assert result.code == 3
    document = json.loads(result.out)
    assert document["complete"] is False
    assert document["count"] == {"done": 7, "failed": 3}
    assert {(f["model"], f["stage"]) for f in document["failed"]} == {
        ("fake:nowhere", "load"),
        ("fake:four?raise_at=35", "predict"),
    }
    assert "Traceback" in next(
        cell["failure"]["traceback"]
        for cell in document["cells"]
        if cell["model"] == "fake:four?raise_at=35" and cell["state"] == "failed"
    )
    html = Path(document["report"]).read_text()
    assert "Missing results" in html
    assert "predict: RuntimeError: the model broke" in html
    text = call("run", study, "--no-report")
    assert text.code == 3
    assert "0 cells made, 3 failed. 10 cells: 7 done, 3 failed." in text.out
    assert (
        "  fake:nowhere on mine/old, fake:nowhere on mine/new: load: No model 'nowhere'. Did you"
        in text.out
    )


def test_flags_win_over_the_environment_and_that_over_the_file(
    call, study, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    def settings(*flags: str) -> dict[str, Any]:
        return json.loads(call("run", study, "--dry-run", "--json", *flags).out)["settings"]

    assert settings()["batch_size"] == 8
    monkeypatch.setenv("FRESHSET_BATCH_SIZE", "16")
    monkeypatch.setenv("FRESHSET_OFFLINE", "1")
    assert (settings()["batch_size"], settings()["offline"]) == (16, True)
    flags = ("-b", "32", "--online", "--memory", "2MB", "--trust", "a.pkl", "--threads", "2")
    given = settings(*flags)
    assert (given["batch_size"], given["offline"], given["memory"]) == (32, False, 2_000_000)
    assert (given["trust"], given["threads"]) == (["a.pkl"], 2)
    monkeypatch.setenv("FRESHSET_STORE", str(tmp_path / "elsewhere"))
    assert json.loads(call("run", study, "--dry-run", "--json").out)["store"].endswith("elsewhere")


def test_errors_are_said_at_once(call, study) -> None:
    study.write_text(STUDY.replace("title", "titel").replace("fake:one", "fke:one"))
    result = call("run", study)
    assert result.code == 2
    assert result.out == ""
    assert "2 problems:" in result.err
    study.write_text(STUDY.replace("path: x, n: 30", "path: x, n: 0"))
    result = call("run", study)
    assert result.code == 2
    assert "mine/new: no items." in result.err
    study.write_text(STUDY)
    for flags in (
        ["--shard", "3"],
        ["--memory", "much"],
        ["--batch-size", "0"],
        ["--shard", "3/2"],
    ):
        assert call("run", study, *flags).code == 2


def test_an_interruption_says_how_to_go_on(
    call, study, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = testbed.FakeModel.predict

    def stops(self: testbed.FakeModel, batch: Any) -> Any:
        if self.info.reference.name == "two":
            raise KeyboardInterrupt
        return predict(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(testbed.FakeModel, "predict", stops)
        result = call("run", study)
    assert result.code == 130
    assert "Rows so far are kept: run the same command again to resume." in result.err
    assert call("run", study, "--no-report").code == 0


def test_a_trial_enters_no_report(call, study, tmp_path) -> None:
    result = call("run", study, "--limit", "10")
    assert result.code == 0
    assert "No report: a trial with --limit enters none." in result.err
    assert not (tmp_path / "report").exists()
    assert "6 trial" in call("status", study).out


def test_the_last_shard_writes_the_report(call, study, tmp_path) -> None:
    first = call("run", study, "--shard", "1/2")
    assert first.code == 0
    assert "No report yet: " in first.err
    assert not (tmp_path / "report").exists()
    call("run", study, "--shard", "2/2")
    assert (tmp_path / "report" / "index.html").exists()


def test_on_existing(call, study) -> None:
    result = call("run", study, "--on-existing", "only-cache")
    assert result.code == 3
    assert "Nothing is run (only-cache); 0 of 6 cells are there." in result.err
    assert "Warning: No report on mine/old and mine/new" in result.err
    call("run", study, "--no-report")
    assert call("run", study, "--on-existing", "never").code == 2
    again = call("run", study, "--no-report", "--on-existing", "always")
    assert "6 cells made" in again.out


def test_a_pair_that_cannot_be_compared_is_a_warning(call, study) -> None:
    study.write_text(STUDY.replace("bootstrap: 100,", "metric: exact-match, bootstrap: 100,"))
    result = call("run", study)
    assert result.code == 0
    assert "Warning: No report on mine/old and mine/new" in result.err


def test_status(call, study, tmp_path) -> None:
    assert "6 cells: 6 to run." in call("status", study).out
    assert files(tmp_path) == ["study.yaml"]
    study.write_text(STUDY.replace("fake:one,", 'fake:one, "fake:four?raise_at=35",'))
    call("run", study, "--no-report")
    result = call("status", study)
    assert result.code == 0
    rows = {line.split()[0]: line.split()[1:] for line in result.out.splitlines()[2:6]}
    assert rows["fake:four?raise_at=35"] == ["failed", "done"]
    assert "RuntimeError: the model broke" in result.out
    assert "Traceback" not in result.out
    assert "Traceback" in call("status", study, "--traceback").out
    stale = call("status", study, "--precision", "bf16")
    assert "stale:\n" in stale.out
    assert "precision: fp32 -> bf16" in stale.out
    document = json.loads(call("status", study, "--json", "--store", "store").out)
    assert document["schema"] == "freshset.status/1"
    assert document["count"] == {"done": 7, "failed": 1}


def test_a_narrow_terminal_gets_counts(call, study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    lines = call("status", study).out.splitlines()
    assert lines[0].split() == ["test", "set", "items", "to", "run"]
    assert lines[2].split() == ["mine/old", "40", "3"]


def test_the_real_command_is_interrupted_without_noise(run, tmp_path: Path) -> None:
    """Control-C reaches the worker processes too; they must stay silent."""
    import signal
    import subprocess
    import sys
    import time

    from PIL import Image

    for i in range(300):
        folder = tmp_path / "data" / str(i % 2)
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), i % 256).save(folder / f"{i}.png")
    (tmp_path / "slow.py").write_text(
        "import time\nimport numpy as np\n"
        "from freshset.models.preprocessing import ImagePreprocessing\n"
        "def model():\n"
        "    def call(batch):\n"
        "        print('started', flush=True)\n"
        "        time.sleep(60)\n"
        "    call.preprocessing = ImagePreprocessing(\n"
        "        resize=(8, 8), crop=None, resizing='squash', mode='L', mean=(0.0,), std=(1.0,)\n    )\n"
        "    call.classes = ['0', '1']\n    call.outputs = 'logits'\n"
        "    return call\n"
    )
    (tmp_path / "study.yaml").write_text(
        "models: ['py:./slow.py:model']\n"
        "testsets: [{id: mine/old, adapter: image-folder, path: data, classes: 2}]\n"
        "run: {workers: 2, batch_size: 16}\n"
    )
    code = "from freshset.cli.main import main; main(['run', 'study.yaml'])"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "started\n"
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
        err = process.stderr.read()
    assert "run the same command again to resume" in err
    assert "Traceback" not in err
    assert not list((tmp_path / "store" / "partial").glob("*/rows-*"))
