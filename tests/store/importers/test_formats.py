from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from freshset.core.errors import UsageError
from freshset.store.importers import FORMATS, import_results


def test_every_format_has_a_reader() -> None:
    for module in FORMATS.values():
        assert callable(import_module(module).read)


def test_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'imagenetv2'"):
        import_results("imagenet2", tmp_path, tmp_path / "s")
    assert not (tmp_path / "s").exists()
