from __future__ import annotations

import subprocess
import sys

import freshset


def test_version_and_help(run) -> None:
    assert run("--version").stdout == f"freshset {freshset.__version__}\n"
    out = run("--help")
    assert out.returncode == 0
    for name in ("compare", "pair", "lint", "report", "demo", "import"):
        assert name in out.stdout


def test_errors_say_what_and_what_next_without_a_traceback(run) -> None:
    out = run("compare", "--store", "nowhere", "--old", "a", "--new", "b")
    assert out.returncode == 2
    assert out.stdout == ""
    assert out.stderr.startswith("Error: nowhere: no such store.\nNext: ")
    assert "Traceback" not in out.stderr


def test_debug_shows_the_traceback(run) -> None:
    out = run("--debug", "compare", "--store", "nowhere", "--old", "a", "--new", "b")
    assert out.returncode != 0
    assert "Traceback" in out.stderr
    assert "StoreError" in out.stderr


def test_usage_errors(run) -> None:
    for arguments in (
        ["comapre"],
        ["compare"],
        ["compare", "--store", "s", "--old", "a", "--new", "b", "--metric", "top9"],
    ):
        out = run(*arguments)
        assert out.returncode == 2
        assert out.stdout == ""
        assert "Error: " in out.stderr


def test_a_closed_pipe_is_no_error(run) -> None:
    command = f"{sys.executable} -c 'from freshset.cli.main import main; main()' --help | head -1"
    out = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in out.stderr


def test_a_place_that_cannot_be_written_to(run, tmp_path) -> None:
    (tmp_path / "p.csv").write_text("id,pred\na,0\nb,1\n")
    (tmp_path / "l.csv").write_text("id,label\na,0\nb,1\n")
    (tmp_path / "file").write_text("")
    out = run(
        "import", "predictions", "p.csv", "--labels", "l.csv", "--testset", "t", "--store", "file/s"
    )
    assert out.returncode == 2
    assert "Traceback" not in out.stderr
