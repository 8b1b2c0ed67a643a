from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes import testbed

from freshset.cli.main import main

Run = Callable[..., subprocess.CompletedProcess[str]]


@dataclass
class Result:
    code: int
    out: str
    err: str


Call = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the real command in an empty folder, as a user does."""

    def call(
        *arguments: object, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-c",
            "from freshset.cli.main import main; main()",
            *map(str, arguments),
        ]
        settings = {**os.environ, "COLUMNS": "100", **(env or {})}
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, env=settings, check=False
        )

    return call


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Run the command in this process, where the fake adapters are known."""
    testbed.register(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name in [name for name in os.environ if name.startswith("FRESHSET_")]:
        monkeypatch.delenv(name)

    def run_here(*arguments: object) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Result(int(stopped.value.code or 0), out, err)

    return run_here
