"""The documentation builds without a warning, and fetches nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def test_sphinx_builds_without_a_warning(docs: Path, tmp_path: Path) -> None:
    for name in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(name, reason=f"{name} is missing: pip install 'freshset[docs]'")
    out = tmp_path / "html"
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-n",
        "-W",
        "-b",
        "html",
        "-d",
        str(tmp_path / "trees"),
    ]
    done = subprocess.run(
        [*command, str(docs), str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    page = (out / "explanation" / "methods.html").read_text(encoding="utf-8")
    for tag in ('src="http', "src='http", '<link rel="stylesheet" type="text/css" href="http'):
        assert tag not in page
