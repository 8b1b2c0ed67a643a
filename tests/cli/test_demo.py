from __future__ import annotations

from pathlib import Path


def test_demo_from_the_command_line(run, tmp_path: Path) -> None:
    out = run("demo", "--output", "d")
    assert out.returncode == 0, out.stderr
    assert out.stderr == ""
    assert out.stdout.count("models lose accuracy") == 3
    page = tmp_path / "d" / "report" / "index.html"
    assert f"Report: {page}" in out.stdout
    assert page.stat().st_size > 100_000
    # Running it again changes nothing.
    before = page.read_bytes()
    assert run("demo", "--output", "d").returncode == 0
    assert page.read_bytes() == before
