from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import testbed

from freshset.core.config import RunSettings
from freshset.datasets.base import TestSetRef
from freshset.engine.wanted import Wanted, WantedModel
from freshset.models.reference import ModelRef
from freshset.store.parquet import ParquetStore


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    testbed.register(monkeypatch)
    testbed.ADAPTER.loaded.clear()


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path / "store", create=True)


@pytest.fixture
def wanted() -> Callable[..., Wanted]:
    def make(
        *models: str, testsets: dict[str, dict[str, Any]] | None = None, **settings: Any
    ) -> Wanted:
        sets = {"mine/old": {}, "mine/new": {"n": 30}} if testsets is None else testsets
        return Wanted(
            tuple(WantedModel(ModelRef.parse(f"fake:{model}")) for model in models),
            tuple(TestSetRef(name, "fake", "", options) for name, options in sets.items()),
            RunSettings(**({"batch_size": 4} | settings)),
        )

    return make
