from __future__ import annotations

from pathlib import Path

import pytest

from freshset.cli import output


def test_columns_line_up() -> None:
    text = output.columns(("a", "value"), [("x", "1"), ("long name", "22")])
    assert text.splitlines() == [
        "a          value",
        "-" * 16,
        "x              1",
        "long name     22",
    ]


def test_emit_to_a_file_and_to_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output.emit({"a": 1}, "text", as_json=False, output=tmp_path / "f")
    assert (tmp_path / "f").read_text() == "text\n"
    assert capsys.readouterr().out == ""
    output.emit({"a": 1}, "text", as_json=True, output=Path("-"))
    assert capsys.readouterr().out == '{\n  "a": 1\n}\n'
