from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from freshset.core.errors import DataError, UsageError
from freshset.replication.labelling.answers.formats import FORMATS, read_answers


def test_every_format_has_its_reader() -> None:
    for module in FORMATS.values():
        assert callable(import_module(module).read)


def test_a_format_is_read_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("task,worker,label\nx,w,1\n", encoding="utf-8")
    assert len(read_answers("table", tmp_path / "a.csv").rows) == 1


def test_unknown_formats_and_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No format of answers 'tabel'. Did you mean 'table'"):
        read_answers("tabel", tmp_path)
    with pytest.raises(DataError, match="no such file"):
        read_answers("table", tmp_path / "none.csv")
