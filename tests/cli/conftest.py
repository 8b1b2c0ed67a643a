from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the real command in an empty folder, as a user does."""

    def call(
        *arguments: object, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        import os

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
